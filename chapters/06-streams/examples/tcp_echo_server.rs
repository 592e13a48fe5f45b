//! Sends back what a client says first, and closes the connection: `cargo run -p chapter-06
//! --example tcp_echo_server`, then `tcp_echo_client` in another terminal.

use chapter_01::{Options, exit_code, resolve};
use chapter_04::run;
use chapter_06::{StreamLimits, StreamReader, StreamWriter, start_server};
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

const USAGE: &str = "\
Sends back what a client says first, and closes the connection.

Usage: tcp_echo_server [--listen HOST:PORT]";

fn main() -> ExitCode {
    exit_code("tcp_echo_server", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    let address = resolve(&options.listen)?[0];
    run(serve(address))?
}

async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let server = start_server(handle_echo, address, StreamLimits::default()).await?;
    for address in server.addresses() {
        println!("listening on {address}");
    }
    Ok(server.serve_forever().await?)
}

/// One read is taken for the whole message here, which it need not be.
async fn handle_echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    let data = reader.read(100).await?;
    let message = data.escape_ascii();
    println!("Received '{message}' from {}", writer.peer_address());

    println!("Send: '{message}'");
    writer.write(&data)?;
    writer.drain().await?;

    println!("Close the connection");
    Ok(writer.close().await?)
}
