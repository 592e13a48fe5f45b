//! Ends a connection in several ways, and asks each time everybody who may be told:
//! `cargo run -p chapter-06 --example ends`.

use anyhow::{Result, ensure};
use chapter_01::Excerpt;
use chapter_04::{run, timeout};
use chapter_05::ConnectOptions;
use chapter_06::{StreamLimits, StreamReader, StreamWriter, WaitClosed, open_connection};
use socket2::{Domain, Socket, Type};
use std::fmt::Display;
use std::io::Write;
use std::net::Shutdown;
use std::process::ExitCode;
use std::time::Duration;

/// Long enough to see that nothing happens, and short for who waits.
const MOMENT: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    chapter_01::exit_code("ends", start())
}

fn start() -> Result<()> {
    run(end_in_every_way())?
}

async fn end_in_every_way() -> Result<()> {
    let case = Case::new("the peer has finished").await?;
    if let Some(peer) = &case.peer {
        peer.shutdown(Shutdown::Write)?;
    }
    let closed = case.writer.wait_closed();
    case.ask(closed).await?;

    let case = Case::new("close, and all is sent").await?;
    let closed = case.writer.close();
    case.ask(closed).await?;

    let case = Case::new("abort, and nothing is kept").await?;
    case.writer.transport().abort();
    let closed = case.writer.wait_closed();
    case.ask(closed).await?;

    let case = Case::new("abort, and 2000 bytes are kept").await?;
    case.keep_bytes()?;
    case.writer.transport().abort();
    let closed = case.writer.wait_closed();
    case.ask(closed).await?;

    let case = Case::new("close_within, out of time, and 2000 bytes are kept").await?;
    case.keep_bytes()?;
    let closed = case.writer.close_within(MOMENT);
    case.ask(closed).await?;

    let mut case = Case::new("the peer breaks off").await?;
    case.writer.write(b"what it does not read")?;
    case.peer = None;
    let closed = case.writer.wait_closed();
    case.ask(closed).await
}

struct Case {
    reader: StreamReader,
    writer: StreamWriter,
    peer: Option<Socket>,
}

impl Case {
    /// A stream that has received one byte which was not read yet.
    async fn new(name: &str) -> Result<Case> {
        println!("{name}");
        let (near, mut peer) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
        let to = ConnectOptions::socket(near);
        let (mut reader, writer) = open_connection(to, StreamLimits::default()).await?;
        peer.write_all(b"hi!")?;
        ensure!(&*reader.readexactly(2).await? == b"hi", "the two came together");
        Ok(Case { reader, writer, peer: Some(peer) })
    }

    /// Writes until the kernel takes no more, and then as much as it takes to keep 2000 bytes.
    fn keep_bytes(&self) -> Result<()> {
        let transport = self.writer.transport();
        while transport.write_buffer_size() == 0 {
            transport.write(&[b'!'; 1000])?;
        }
        Ok(transport.write(&vec![b'!'; 2000 - transport.write_buffer_size()])?)
    }

    async fn ask(mut self, closed: WaitClosed) -> Result<()> {
        loop {
            match self.reader.read(100).await {
                Ok(bytes) if bytes.is_empty() => break tell("read", &"end of file"),
                Ok(bytes) => tell("read", &Excerpt(&bytes)),
                Err(error) => break tell("read", &error),
            }
        }
        match timeout(MOMENT, closed).await {
            Ok(Ok(())) => tell("wait_closed", &"in order"),
            Ok(Err(lost)) => tell("wait_closed", &lost),
            Err(_) => tell("wait_closed", &"waits"),
        }
        match self.writer.drain().await {
            Ok(()) => tell("drain", &"goes on"),
            Err(lost) => tell("drain", &lost),
        }
        match self.writer.write(b"more") {
            Ok(()) => tell("write", &"goes on"),
            Err(error) => tell("write", &error),
        }
        Ok(())
    }
}

fn tell(who: &str, what: &dyn Display) {
    println!("  {who:<11}  {what}");
}
