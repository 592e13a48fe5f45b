//! A chat in one room: `cargo run -p chapter-06 --example chat`, then `nc 127.0.0.1 8000` in some
//! other terminals.

mod guest;
mod room;

use anyhow::Result;
use chapter_01::{Log, Options, exit_code, resolve};
use chapter_03::SelectorKind;
use chapter_04::{Either, race, run_with, running_loop, signal};
use chapter_05::Server;
use chapter_06::{StreamLimits, start_server};
use guest::{LINE_MAX, attend};
use room::Room;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

const USAGE: &str = "\
A chat. Each client says its name, and then what it likes; @NAME and a text are for one alone.

Usage: chat [--listen HOST:PORT] [--selector mio|polling] [--quiet]";

/// How long members may take to read the last line.
const GRACE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    exit_code("chat", start())
}

fn start() -> Result<()> {
    let options = Options::parse(USAGE, &["selector"])?;
    let kind = options.value("selector").map_or(Ok(SelectorKind::default()), str::parse)?;
    run_with(kind, serve(options))?
}

/// Serves until SIGINT or SIGTERM, of which everybody in the room is told.
async fn serve(options: Options) -> Result<()> {
    let event_loop = running_loop()?;
    let interrupted = event_loop.signal_arrival(signal::SIGINT)?;
    let terminated = event_loop.signal_arrival(signal::SIGTERM)?;
    let room = Room::new(options.log);
    let server = open(&room, resolve(&options.listen)?[0]).await?;
    for address in server.addresses() {
        Log::Stdout.line(|| format!("listening on {address}"));
    }
    let asked_to_end = race(interrupted, terminated);
    // The one that loses is dropped, and a server closes with its `serve_forever`.
    if let Either::Second(ended) = race(asked_to_end, server.serve_forever()).await {
        return Ok(ended?);
    }
    room.close();
    // Some may have no name yet.
    server.close_clients();
    server.shutdown(GRACE).await;
    Ok(())
}

/// Opens the door of a room.
async fn open(room: &Rc<Room>, address: SocketAddr) -> Result<Server> {
    let room = Rc::clone(room);
    let attend = move |reader, writer| attend(Rc::clone(&room), reader, writer);
    let limits = StreamLimits::default().with_line_max(LINE_MAX)?;
    Ok(start_server(attend, address, limits).await?)
}
