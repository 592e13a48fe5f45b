//! Reads four bytes for each report and forgets that there may be more: `cargo run -p chapter-03
//! --example forgets_to_drain -- --selector mio`.
//!
//! With `--flag yes` it remembers, by a readiness flag.

use anyhow::bail;
use chapter_01::{Options, exit_code};
use chapter_02::TryIo;
use chapter_03::{Interest, Readiness, Selector, SelectorKind, Token};
use socket2::Socket;
use std::io::{self, Write};
use std::process::ExitCode;
use std::task::Poll;
use std::time::Duration;

const USAGE: &str = "\
Echoes four bytes for each report of its selector.

Usage: forgets_to_drain [--listen HOST:PORT] [--selector mio|polling] [--flag yes|no]";

/// How many bytes one read may bring.
const READ_MAX: usize = 4;

fn main() -> ExitCode {
    exit_code("forgets_to_drain", run())
}

fn run() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &["selector", "flag"])?;
    let kind = options.value("selector").map_or(Ok(SelectorKind::default()), str::parse)?;
    let with_flag = match options.value("flag") {
        Some("yes") => true,
        Some("no") | None => false,
        Some(other) => bail!("--flag takes yes or no, not {other:?}"),
    };
    let listener = options.open_listener()?;
    listener.set_nonblocking(true)?;
    let mut selector = Selector::new(kind)?;
    let listener = selector.register(listener, Readiness::NONE, Interest::READ)?;
    let mut events = Vec::new();
    let mut ready: Vec<Token> = Vec::new();
    loop {
        let timeout = if ready.is_empty() { None } else { Some(Duration::ZERO) };
        selector.select(&mut events, timeout)?;
        for event in &events {
            if event.token == listener {
                accept(&mut selector, listener)?;
                continue;
            }
            println!("reported: {:?}", event.readiness);
            if let Some((_, flags)) = selector.get_mut(event.token) {
                *flags |= event.readiness;
            }
            if !ready.contains(&event.token) {
                ready.push(event.token);
            }
        }
        ready = serve(&mut selector, ready, with_flag)?;
    }
}

/// Serves who is ready once, and says who still is. Without the flag, nobody is remembered to be.
fn serve(
    selector: &mut Selector<Socket, Readiness>,
    mut ready: Vec<Token>,
    with_flag: bool,
) -> io::Result<Vec<Token>> {
    let mut still_ready = Vec::new();
    for token in ready.drain(..) {
        match echo(selector, token) {
            Ok(flags) if with_flag && flags.is_readable() => still_ready.push(token),
            Ok(_) => {}
            Err(_) => drop(selector.unregister(token)?),
        }
    }
    Ok(still_ready)
}

fn accept(selector: &mut Selector<Socket, Readiness>, listener: Token) -> io::Result<()> {
    while let Some((socket, _)) = selector.get(listener)
        && let Poll::Ready((connection, address)) = socket.try_accept()?
    {
        println!("connected: {address}");
        selector.register(connection, Readiness::NONE, Interest::READ)?;
    }
    Ok(())
}

/// Echoes up to four bytes, and says what is left of the flags.
fn echo(selector: &mut Selector<Socket, Readiness>, token: Token) -> io::Result<Readiness> {
    let Some((mut socket, flags)) = selector.get_mut(token) else { return Ok(Readiness::NONE) };
    let mut buffer = [0; READ_MAX];
    let received = socket.try_recv(&mut buffer)?;
    flags.after_receive(&received, READ_MAX);
    match received {
        Poll::Pending => {}
        Poll::Ready(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
        Poll::Ready(count) => {
            println!("echoed: b'{}'", buffer[..count].escape_ascii());
            // Four bytes always fit into an empty send buffer.
            socket.write_all(&buffer[..count])?;
        }
    }
    Ok(*flags)
}
