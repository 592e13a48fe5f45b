//! Says something and prints the answer: `cargo run -p chapter-05 --example echo_protocol_client`,
//! while `echo_protocol` runs in another terminal.

use anyhow::anyhow;
use chapter_01::{Options, exit_code, resolve};
use chapter_04::{FutureCell, run};
use chapter_05::{
    BaseProtocol, CallbackResult, ConnectionError, Protocol, Transport, create_connection,
};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;

const USAGE: &str = "\
Says \"Hello World!\" and prints the answer.

Usage: echo_protocol_client [--connect HOST:PORT]";

fn main() -> ExitCode {
    exit_code("echo_protocol_client", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &["connect"])?;
    let server = resolve(options.value("connect").unwrap_or("127.0.0.1:8000"))?[0];
    run(converse(server))?
}

async fn converse(server: SocketAddr) -> anyhow::Result<()> {
    let on_con_lost = FutureCell::new();
    let protocol =
        EchoClientProtocol { message: "Hello World!".to_owned(), on_con_lost: on_con_lost.clone() };
    let connected = create_connection(|| protocol, server).await;
    connected.map_err(|errors| anyhow!("{errors}"))?;
    // The connection goes on by itself; its protocol says when it is over.
    on_con_lost.await.map_err(|error| anyhow!("the connection was lost: {error}"))
}

struct EchoClientProtocol {
    message: String,
    on_con_lost: FutureCell<()>,
}

impl BaseProtocol for EchoClientProtocol {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        let (server, client) = (transport.peer_address(), transport.local_address());
        println!("connected to {server} from {client}");
        transport.write(self.message.as_bytes())?;
        println!("Data sent: {}", self.message);
        Ok(())
    }

    fn connection_lost(&mut self, _: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        let told = match error {
            None => {
                println!("The server closed the connection");
                self.on_con_lost.set_result(())
            }
            Some(error) => self.on_con_lost.set_error(error),
        };
        told.expect("a connection is lost once");
    }
}

impl Protocol for EchoClientProtocol {
    fn data_received(&mut self, _: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        println!("Data received: {}", String::from_utf8_lossy(data));
        Ok(())
    }
}
