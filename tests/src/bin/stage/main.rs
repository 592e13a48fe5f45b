//! The scenario server: one role, played on one layer. `stage --help` says which.
//!
//! It prints `LISTENING <port>` once it serves. On a layer with a loop, SIGTERM lets it finish what
//! is in flight, and SIGINT ends it promptly; both with exit code 0. The layers below have nothing
//! that could hear a signal: there it ends at once, as programs do.

mod arguments;
mod sock;

use arguments::{Arguments, Layer};
use chapter_01::{EchoBytes, Log, exit_code, listen_at, local_address, serve};
use chapter_02::BusyPoll;
use chapter_03::EchoServer;
use lexopt::Parser;
use socket2::Socket;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

fn main() -> ExitCode {
    match Arguments::read(Parser::from_env()) {
        Ok(arguments) => exit_code("stage", run(&arguments)),
        Err(error) => {
            eprintln!("stage: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let listener = listen_at(&arguments.address(), arguments.backlog)?;
    let port = local_address(&listener)?.port();
    play(listener, arguments, move || writeln!(io::stdout(), "LISTENING {port}"))
}

/// Plays the role. `announce` is called when the server is ready for clients and for signals.
fn play(
    listener: Socket,
    arguments: &Arguments,
    announce: impl FnOnce() -> io::Result<()> + 'static,
) -> anyhow::Result<()> {
    match arguments.layer {
        Layer::Blocking => {
            announce()?;
            match serve(&listener, || EchoBytes, Log::Quiet)? {}
        }
        Layer::BusyPoll => {
            listener.set_nonblocking(true)?;
            announce()?;
            BusyPoll::new(listener, || EchoBytes, Log::Quiet).run(&AtomicBool::new(false))?;
            Ok(())
        }
        Layer::Selector => {
            let kind = arguments.selector;
            let mut server = EchoServer::new(listener, kind, || EchoBytes, Log::Quiet)?;
            announce()?;
            match server.run()? {}
        }
        Layer::Sock => sock::play(listener, arguments, announce),
    }
}
