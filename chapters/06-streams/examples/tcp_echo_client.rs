//! Says something and prints the answer: `cargo run -p chapter-06 --example tcp_echo_client`, while
//! `tcp_echo_server` runs in another terminal.

use chapter_01::{Options, exit_code, resolve};
use chapter_04::run;
use chapter_06::{StreamLimits, open_connection};
use std::net::SocketAddr;
use std::process::ExitCode;

const USAGE: &str = "\
Says \"Hello World!\" and prints the answer.

Usage: tcp_echo_client [--connect HOST:PORT]";

fn main() -> ExitCode {
    exit_code("tcp_echo_client", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &["connect"])?;
    let server = resolve(options.value("connect").unwrap_or("127.0.0.1:8000"))?[0];
    run(tcp_echo_client(server, "Hello World!"))?
}

async fn tcp_echo_client(server: SocketAddr, message: &str) -> anyhow::Result<()> {
    let (mut reader, writer) = open_connection(server, StreamLimits::default()).await?;
    println!("connected to {} from {}", writer.peer_address(), writer.local_address());

    println!("Send: '{message}'");
    writer.write(message.as_bytes())?;
    writer.drain().await?;

    let data = reader.read(100).await?;
    println!("Received: '{}'", data.escape_ascii());

    println!("Close the connection");
    Ok(writer.close().await?)
}
