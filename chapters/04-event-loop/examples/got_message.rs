//! Answers each line with `got message`, up to the line `quit`: `cargo run -p chapter-04 --example
//! got_message`, then `got_message_client` in another terminal.

use chapter_01::{LINE_MAX, LineBuffer, Options, exit_code};
use chapter_04::{AsyncSocket, run, spawn};
use std::net::SocketAddr;
use std::process::ExitCode;

const USAGE: &str = "\
Answers each line with \"got message\".

Usage: got_message [--listen HOST:PORT]";

fn main() -> ExitCode {
    exit_code("got_message", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    let listener = options.open_listener()?;
    listener.set_nonblocking(true)?;
    run(async move { run_server(AsyncSocket::new(listener)?).await })?
}

async fn run_server(server: AsyncSocket) -> anyhow::Result<()> {
    loop {
        let (client, address) = server.accept().await?;
        println!("connected to client: {address}");
        spawn(handle_client(client, address)).detach();
    }
}

async fn handle_client(client: AsyncSocket, address: SocketAddr) -> anyhow::Result<()> {
    // What one receive brings is not a message: a message is a line.
    let mut lines = LineBuffer::new(LINE_MAX);
    loop {
        let data = client.recv(1024).await?;
        if data.is_empty() {
            // The client has left: whoever received again would receive nothing, without end.
            println!("{address} has left without quit");
            return Ok(());
        }
        lines.push(&data);
        while let Some(line) = lines.next_line()? {
            let message = String::from_utf8_lossy(line.trim_ascii_end());
            println!("got from {address}: {message}");
            if message == "quit" {
                return Ok(());
            }
            client.send_all(b"got message\r\n").await?;
        }
    }
}
