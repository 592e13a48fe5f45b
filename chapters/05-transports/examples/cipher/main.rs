//! An echo conversation through a cipher at each end, with somebody who taps the wire in between:
//! `cargo run -p chapter-05 --example cipher`.

mod cipher;

use anyhow::anyhow;
use chapter_01::exit_code;
use chapter_04::{AsyncSocket, FutureCell, run, try_join_all};
use chapter_05::{
    AnyProtocol, BaseProtocol, CallbackResult, ConnectionError, Protocol, ProtocolKind, Transport,
    connect_accepted_socket,
};
use cipher::Cipher;
use socket2::{Domain, Socket, Type};
use std::fmt::Write;
use std::io;
use std::net::Shutdown;
use std::process::ExitCode;
use std::rc::Rc;

/// Both ends know it.
const KEY: u64 = 42;

fn main() -> ExitCode {
    exit_code("cipher", start())
}

fn start() -> anyhow::Result<()> {
    run(converse())?
}

async fn converse() -> anyhow::Result<()> {
    let on_con_lost = FutureCell::new();
    let talker = Talker { to_say: vec!["hello", "hello"], on_con_lost: on_con_lost.clone() };
    let (left, right) = (connected(talker).await?, connected(Echo).await?);
    try_join_all([carry(&left, &right, "->"), carry(&right, &left, "<-")]).await?;
    on_con_lost.await.map_err(|error| anyhow!("the conversation was cut off: {error}"))
}

/// Gives a protocol a connection through a cipher, and gives its wire.
async fn connected(protocol: impl ProtocolKind) -> io::Result<AsyncSocket> {
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
    let (protocol, _) = AnyProtocol::new(protocol);
    connect_accepted_socket(|| Cipher::new(KEY, protocol), near).await?;
    far.set_nonblocking(true)?;
    AsyncSocket::new(far)
}

/// The wire in one direction, and who taps it.
async fn carry(from: &AsyncSocket, to: &AsyncSocket, direction: &str) -> io::Result<()> {
    loop {
        let data = from.recv(1024).await?;
        if data.is_empty() {
            return to.as_socket().shutdown(Shutdown::Write);
        }
        let mut bytes = String::new();
        data.iter().for_each(|byte| {
            let _ = write!(bytes, " {byte:02x}");
        });
        println!("on the wire {direction}{bytes}");
        to.send_all(&data).await?;
    }
}

/// Says one thing after another, each when the one before it has come back.
struct Talker {
    to_say: Vec<&'static str>,
    on_con_lost: FutureCell<()>,
}

impl Talker {
    fn say_next(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        match self.to_say.pop() {
            Some(text) => {
                println!("left says {text:?}");
                transport.write(text.as_bytes())?;
            }
            None => transport.close(),
        }
        Ok(())
    }
}

impl BaseProtocol for Talker {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.say_next(transport)
    }

    fn connection_lost(&mut self, _: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        let lost = match error {
            None => self.on_con_lost.set_result(()),
            Some(error) => self.on_con_lost.set_error(error),
        };
        lost.expect("a connection is lost once");
    }
}

impl Protocol for Talker {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        println!("left hears {:?}", String::from_utf8_lossy(data));
        self.say_next(transport)
    }
}

struct Echo;

impl BaseProtocol for Echo {}

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        println!("right hears {:?}", String::from_utf8_lossy(data));
        Ok(transport.write(data)?)
    }
}
