//! The server on streams: `cargo run -p chapter-06`, then `nc 127.0.0.1 8000`.

use anyhow::Result;
use chapter_01::{Log, Options, exit_code, parse_host_and_port};
use chapter_03::SelectorKind;
use chapter_04::{Either, FutureCell, race, run_with, running_loop, signal};
use chapter_05::{Server, ServerOptions};
use chapter_06::{StreamLimits, echo, start_server, start_unix_server};
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
Serves many clients, each by a task with a stream, and sends back each byte as it comes.

Usage: chapter-06 [--listen HOST:PORT | --unix PATH] [--selector mio|polling] [--quiet]

  --listen HOST:PORT   where to listen: every address of the host, or of this machine if it is left
                       out (default 127.0.0.1:8000; port 0 takes any free one)
  --unix PATH          listen at this path of the file system instead
  --selector NAME      how to wait: mio (edge-triggered, the default) or polling (level-triggered)
  --quiet              do not tell what happens";

/// How long clients may stay after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    exit_code("chapter-06", start())
}

fn start() -> Result<()> {
    let options = Options::parse(USAGE, &["selector", "unix"])?;
    let kind = options.value("selector").map_or(Ok(SelectorKind::default()), str::parse)?;
    run_with(kind, serve(options))?
}

/// Serves until SIGTERM or SIGINT. The latter leaves the clients no time, but it must not leave a
/// path behind.
async fn serve(options: Options) -> Result<()> {
    let interrupted = running_loop()?.signal_arrival(signal::SIGINT)?;
    let terminated = running_loop()?.signal_arrival(signal::SIGTERM)?;
    let server = open(&options).await?;
    for address in server.addresses() {
        Log::Stdout.line(|| format!("listening on {address}"));
    }
    match race(interrupted, serve_until(terminated, &server, options.log)).await {
        Either::First(_) => {
            server.shutdown(Duration::ZERO).await;
            Ok(())
        }
        Either::Second(ended) => ended,
    }
}

async fn open(options: &Options) -> Result<Server> {
    let (log, limits) = (options.log, StreamLimits::default());
    let serve = move |reader, writer| echo(reader, writer, log);
    if let Some(path) = options.value("unix") {
        return Ok(start_unix_server(serve, path, limits).await?);
    }
    let (host, port) = parse_host_and_port(&options.listen)?;
    let at = ServerOptions::host(host, port).same_port(true);
    Ok(start_server(serve, at, limits).await?)
}

/// Serves until SIGTERM; then nobody can connect any more, and the clients may come to an end.
async fn serve_until(terminated: FutureCell<()>, server: &Server, log: Log) -> Result<()> {
    if let Either::Second(broken) = race(terminated, server.serve_forever()).await {
        return Ok(broken?);
    }
    log.line(|| format!("SIGTERM: no more clients; those who are here have {GRACE:?}"));
    server.shutdown(GRACE).await;
    Ok(())
}
