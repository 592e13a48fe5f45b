//! The server on a selector: `cargo run -p chapter-03`, then `nc 127.0.0.1 8000`.

use anyhow::Context;
use chapter_01::{EchoBytes, Options, exit_code};
use chapter_03::{EchoServer, SelectorKind};
use std::process::ExitCode;

const USAGE: &str = "\
Serves many clients, sends back each byte as it comes, and sleeps while nothing happens.

Usage: chapter-03 [--listen HOST:PORT] [--selector mio|polling] [--quiet]

  --listen HOST:PORT   where to listen (default 127.0.0.1:8000; port 0 takes any free one)
  --selector NAME      how to wait: mio (edge-triggered, the default) or polling (level-triggered)
  --quiet              do not tell what happens";

fn main() -> ExitCode {
    exit_code("chapter-03", run())
}

fn run() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &["selector"])?;
    let kind = options.value("selector").map_or(Ok(SelectorKind::default()), str::parse)?;
    let server = EchoServer::new(options.open_listener()?, kind, || EchoBytes, options.log);
    match server.with_context(|| format!("cannot wait with {kind}"))?.run()? {}
}
