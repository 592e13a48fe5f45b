//! Accepts one client, says so, and ends: `cargo run -p chapter-01 --example accept_once`.

use chapter_01::{Options, exit_code, peer_address};
use std::process::ExitCode;

const USAGE: &str = "\
Accepts one client and ends.

Usage: accept_once [--listen HOST:PORT]";

fn main() -> ExitCode {
    exit_code("accept_once", run())
}

fn run() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    let listener = options.open_listener()?;
    let (_connection, client_address) = listener.accept()?;
    println!("I got a connection from {}!", peer_address(&client_address));
    Ok(())
}
