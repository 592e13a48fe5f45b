//! One task takes clients and gives each a task of its own, which echoes: `cargo run -p chapter-04
//! --example listen_for_connections`.

use chapter_01::{Options, exit_code};
use chapter_04::{AsyncSocket, run, spawn};
use std::io;
use std::process::ExitCode;

const USAGE: &str = "\
Echoes, with a task for each client.

Usage: listen_for_connections [--listen HOST:PORT]";

fn main() -> ExitCode {
    exit_code("listen_for_connections", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    let listener = options.open_listener()?;
    listener.set_nonblocking(true)?;
    Ok(run(async move { listen_for_connections(AsyncSocket::new(listener)?).await })??)
}

async fn listen_for_connections(listener: AsyncSocket) -> io::Result<()> {
    loop {
        let (connection, address) = listener.accept().await?;
        println!("Got a connection from {address}");
        // The loop owns the task: it needs nobody who holds its handle.
        spawn(echo(connection)).detach();
    }
}

async fn echo(connection: AsyncSocket) -> io::Result<()> {
    loop {
        let data = connection.recv(1024).await?;
        if data.is_empty() {
            return Ok(());
        }
        connection.send_all(&data).await?;
    }
}
