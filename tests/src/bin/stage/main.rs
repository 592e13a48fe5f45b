//! The scenario server: one role, played on one layer. `stage --help` says which.
//!
//! A server prints `LISTENING <port>`, or `LISTENING <path>`, once it serves. On a layer with a
//! loop, SIGTERM lets it finish what is in flight, and SIGINT ends it promptly; both with exit code
//! 0. The layers below have nothing that could hear a signal: there it ends at once, as programs do.
//! A client prints `CONNECTED <address>`, or on standard error what each attempt failed with.

mod arguments;
mod connect;
mod flood;
mod greet;
mod proto;
mod role;
mod signals;
mod sock;
mod stream;
mod stream_roles;

use anyhow::Result;
use arguments::Arguments;
use chapter_01::{EchoBytes, Log, exit_code, listen_at, local_address, serve};
use chapter_02::BusyPoll;
use chapter_03::EchoServer;
use lexopt::Parser;
use role::{Layer, Role};
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How long what is in flight has to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// How much a flood sends at a time, in bytes.
const CHUNK: usize = 64 * 1024;

fn main() -> ExitCode {
    match Arguments::read(Parser::from_env()) {
        Ok(arguments) => exit_code("stage", run(arguments)),
        Err(error) => {
            eprintln!("stage: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    match arguments.role {
        Role::Connect => connect::play(arguments),
        _ => match arguments.layer {
            Layer::Proto => proto::play(arguments),
            Layer::Stream => stream::play(arguments),
            _ => serve_at_one_address(&arguments),
        },
    }
}

/// Says where it listens, when it is ready for clients and for signals.
fn announce(place: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "LISTENING {place}")
}

/// A server below transports: it has one listener.
fn serve_at_one_address(arguments: &Arguments) -> Result<()> {
    let listener = listen_at(&arguments.address(), arguments.backlog)?;
    let port = local_address(&listener)?.port();
    match arguments.layer {
        Layer::Blocking => {
            announce(port)?;
            match serve(&listener, || EchoBytes, Log::Quiet)? {}
        }
        Layer::BusyPoll => {
            listener.set_nonblocking(true)?;
            announce(port)?;
            BusyPoll::new(listener, || EchoBytes, Log::Quiet).run(&AtomicBool::new(false))?;
            Ok(())
        }
        Layer::Selector => {
            let kind = arguments.selector;
            let mut server = EchoServer::new(listener, kind, || EchoBytes, Log::Quiet)?;
            announce(port)?;
            match server.run()? {}
        }
        Layer::Sock => sock::play(listener, port, arguments),
        Layer::Proto | Layer::Stream => unreachable!("its servers may have several listeners"),
    }
}
