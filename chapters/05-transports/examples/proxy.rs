//! Passes what each client says on to a server, and back: `cargo run -p chapter-05 --example proxy --
//! --listen 127.0.0.1:8001`, while any server listens at port 8000.

use chapter_01::{Options, exit_code, resolve};
use chapter_04::{run, spawn};
use chapter_05::{
    AfterEof, BaseProtocol, CallbackResult, ConnectionError, Protocol, Server, Transport,
    create_connection, create_server,
};
use std::cell::{Cell, OnceCell};
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;

const USAGE: &str = "\
Passes what each client says on to a server, and back.

Usage: proxy [--listen HOST:PORT] [--to HOST:PORT]";

fn main() -> ExitCode {
    exit_code("proxy", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &["to"])?;
    let at = resolve(&options.listen)?[0];
    let to = resolve(options.value("to").unwrap_or("127.0.0.1:8000"))?[0];
    run(async move {
        let server = proxy(at, to).await?;
        println!("listening on {}", server.addresses()[0]);
        Ok(server.serve_forever().await?)
    })?
}

pub(crate) async fn proxy(at: SocketAddr, to: SocketAddr) -> io::Result<Server> {
    create_server(move || Side { to: Some(to), ..Side::default() }, at).await
}

/// One of two connections that are joined: what comes from here goes to the other one.
#[derive(Clone, Default)]
struct Side {
    /// Where the other one leads to, if it is yet to be made.
    to: Option<SocketAddr>,
    other: Rc<OnceCell<Rc<dyn Transport>>>,
    /// Whether one of the two has sent its last byte. Both have this.
    half_ended: Rc<Cell<bool>>,
}

impl Side {
    /// Makes the other connection of a client, from whom nothing is received before.
    async fn connect(self, client: Rc<dyn Transport>, to: SocketAddr) -> anyhow::Result<()> {
        let other = Rc::new(OnceCell::from(Rc::clone(&client)));
        let side = Side { to: None, other, half_ended: self.half_ended };
        let connected = create_connection(|| side, to).await;
        let (server, _) = connected.inspect_err(|_| client.abort())?;
        if client.is_closing() {
            server.abort();
        }
        self.other.get_or_init(|| server);
        client.resume_reading();
        Ok(())
    }
}

impl BaseProtocol for Side {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        if let Some(to) = self.to {
            transport.pause_reading();
            spawn(self.clone().connect(Rc::clone(transport), to)).detach();
        }
        Ok(())
    }

    /// What cannot be sent here is not received there, so whoever sends it feels it.
    fn pause_writing(&mut self, _: &Rc<dyn Transport>) {
        self.other.get().inspect(|other| other.pause_reading());
    }

    fn resume_writing(&mut self, _: &Rc<dyn Transport>) {
        self.other.get().inspect(|other| other.resume_reading());
    }

    fn eof_received(&mut self, _: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        self.other.get().map_or(Ok(()), |other| other.write_eof())?;
        let is_last = self.half_ended.replace(true);
        Ok(if is_last { AfterEof::Close } else { AfterEof::KeepOpen })
    }

    fn connection_lost(&mut self, _: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        self.other
            .get()
            .inspect(|other| if error.is_none() { other.close() } else { other.abort() });
    }
}

impl Protocol for Side {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        // A connection that is over ends this one, too: see `connection_lost`.
        if self.other.get().is_none_or(|other| other.write(data).is_err()) {
            transport.abort();
        }
        Ok(())
    }
}
