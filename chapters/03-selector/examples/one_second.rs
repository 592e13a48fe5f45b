//! Waits for its sockets for a second at a time, and says when nothing has come: `cargo run -p
//! chapter-03 --example one_second`.

use chapter_01::{Options, exit_code};
use chapter_02::{Outbox, TryIo};
use chapter_03::{Interest, Selector, SelectorKind, Token};
use socket2::Socket;
use std::io;
use std::process::ExitCode;
use std::task::Poll;
use std::time::Duration;

const USAGE: &str = "\
Says each second that it waits.

Usage: one_second [--listen HOST:PORT]";

fn main() -> ExitCode {
    exit_code("one_second", run())
}

fn run() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    let listener = options.open_listener()?;
    listener.set_nonblocking(true)?;
    // Level-triggered, as Python's selectors are: what is not read now is reported again.
    let mut selector = Selector::new(SelectorKind::Polling)?;
    let listener = selector.register(listener, Outbox::default(), Interest::READ)?;
    let mut events = Vec::new();
    loop {
        selector.select(&mut events, Some(Duration::from_secs(1)))?;
        if events.is_empty() {
            println!("No events, waiting a bit more!");
        }
        for event in &events {
            if event.token == listener {
                accept(&mut selector, listener)?;
            } else if echo(&mut selector, event.token).is_err() {
                selector.unregister(event.token)?;
            }
        }
    }
}

fn accept(selector: &mut Selector<Socket, Outbox>, listener: Token) -> io::Result<()> {
    let Some((socket, _)) = selector.get(listener) else { return Ok(()) };
    if let Poll::Ready((connection, address)) = socket.try_accept()? {
        println!("I got a connection from {address}");
        selector.register(connection, Outbox::default(), Interest::READ)?;
    }
    Ok(())
}

/// Sends back what has come. Fails when the client has closed or is lost.
fn echo(selector: &mut Selector<Socket, Outbox>, token: Token) -> io::Result<()> {
    let Some((socket, outbox)) = selector.get_mut(token) else { return Ok(()) };
    // What waits goes first. Until it is gone, nothing is read.
    let mut rest = outbox.flush(socket)?;
    if rest.is_ready() {
        let mut buffer = [0; 1024];
        let Poll::Ready(count) = socket.try_recv(&mut buffer)? else { return Ok(()) };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let data = &buffer[..count];
        println!("I got some data: b'{}'", data.escape_ascii());
        outbox.send(socket, data)?;
        rest = if outbox.is_empty() { Poll::Ready(()) } else { Poll::Pending };
    }
    selector.modify(token, if rest.is_ready() { Interest::READ } else { Interest::WRITE })
}
