//! The blocking server: `cargo run -p chapter-01`, then `nc -C 127.0.0.1 8000`.

use chapter_01::{EchoLines, Options, exit_code, serve};
use std::process::ExitCode;

const USAGE: &str = "\
Serves one client at a time; answers each line with `Buffer: ` and the line.

Usage: chapter-01 [--listen HOST:PORT] [--quiet]

  --listen HOST:PORT   where to listen (default 127.0.0.1:8000; port 0 takes any free one)
  --quiet              do not tell what happens";

fn main() -> ExitCode {
    exit_code("chapter-01", run())
}

fn run() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    match serve(&options.open_listener()?, EchoLines::default, options.log)? {}
}
