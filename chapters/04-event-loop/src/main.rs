//! The server on an event loop: `cargo run -p chapter-04`, then `nc 127.0.0.1 8000`.

use chapter_01::{Log, Options, exit_code};
use chapter_03::SelectorKind;
use chapter_04::{AsyncSocket, echo_client, run_with, running_loop, serve_until, signal};
use socket2::Socket;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
Serves many clients, each by a task of an event loop, and sends back each byte as it comes.

Usage: chapter-04 [--listen HOST:PORT] [--selector mio|polling] [--quiet]

  --listen HOST:PORT   where to listen (default 127.0.0.1:8000; port 0 takes any free one)
  --selector NAME      how to wait: mio (edge-triggered, the default) or polling (level-triggered)
  --quiet              do not tell what happens";

/// How long clients may stay after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    exit_code("chapter-04", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &["selector"])?;
    let kind = options.value("selector").map_or(Ok(SelectorKind::default()), str::parse)?;
    let (listener, log) = (options.open_listener()?, options.log);
    listener.set_nonblocking(true)?;
    run_with(kind, serve(listener, log))?
}

/// Serves until SIGTERM; then nobody can connect any more, and the clients may come to an end.
async fn serve(listener: Socket, log: Log) -> anyhow::Result<()> {
    let terminated = running_loop()?.signal_arrival(signal::SIGTERM)?;
    let stop = async move {
        let _ = terminated.await;
        log.line(|| format!("SIGTERM: no more clients; those who are here have {GRACE:?}"));
    };
    let echo = move |client, peer| echo_client(client, peer, log);
    Ok(serve_until(AsyncSocket::new(listener)?, echo, stop, GRACE).await?)
}
