//! The server on an event loop: `cargo run -p chapter-04`, then `nc 127.0.0.1 8000`.

use chapter_01::{Options, exit_code};
use chapter_03::SelectorKind;
use chapter_04::{AsyncSocket, echo_client, run_with, serve};
use std::process::ExitCode;

const USAGE: &str = "\
Serves many clients, each by a task of an event loop, and sends back each byte as it comes.

Usage: chapter-04 [--listen HOST:PORT] [--selector mio|polling] [--quiet]

  --listen HOST:PORT   where to listen (default 127.0.0.1:8000; port 0 takes any free one)
  --selector NAME      how to wait: mio (edge-triggered, the default) or polling (level-triggered)
  --quiet              do not tell what happens";

fn main() -> ExitCode {
    exit_code("chapter-04", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &["selector"])?;
    let kind = options.value("selector").map_or(Ok(SelectorKind::default()), str::parse)?;
    let (listener, log) = (options.open_listener()?, options.log);
    listener.set_nonblocking(true)?;
    let ended = run_with(kind, async move {
        let listener = AsyncSocket::new(listener)?;
        serve(&listener, |client, peer| echo_client(client, peer, log)).await
    })?;
    match ended? {}
}
