//! Answers what a client says, and closes the connection: `cargo run -p chapter-05 --example
//! echo_protocol`, then `echo_protocol_client` in another terminal.

use chapter_01::{Options, exit_code, resolve};
use chapter_04::run;
use chapter_05::{BaseProtocol, CallbackResult, Protocol, Transport, create_server};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;

const USAGE: &str = "\
Answers what a client says, and closes the connection.

Usage: echo_protocol [--listen HOST:PORT]";

fn main() -> ExitCode {
    exit_code("echo_protocol", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    let address = resolve(&options.listen)?[0];
    run(serve(address))?
}

async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let server = create_server(|| EchoServerProtocol, address).await?;
    for address in server.addresses() {
        println!("listening on {address}");
    }
    Ok(server.serve_forever().await?)
}

struct EchoServerProtocol;

impl BaseProtocol for EchoServerProtocol {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        println!("Connection from {}", transport.peer_address());
        Ok(())
    }
}

impl Protocol for EchoServerProtocol {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        let message = String::from_utf8_lossy(data);
        println!("Data received: {message}");
        println!("Send: {message}");
        transport.write(data)?;
        println!("Close the client socket");
        transport.close();
        Ok(())
    }
}
