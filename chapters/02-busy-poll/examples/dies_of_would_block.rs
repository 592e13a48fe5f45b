//! Takes "would block" for a failure, and ends at its first accept: `cargo run -p chapter-02
//! --example dies_of_would_block`.

use anyhow::Context;
use chapter_01::{Options, exit_code, peer_address};
use std::process::ExitCode;

const USAGE: &str = "\
Dies of WouldBlock.

Usage: dies_of_would_block [--listen HOST:PORT]";

fn main() -> ExitCode {
    exit_code("dies_of_would_block", run())
}

fn run() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    let listener = options.open_listener()?;
    listener.set_nonblocking(true)?;
    loop {
        // Nobody has connected yet, and the socket says so in the only way it has: by an error.
        let (_connection, client_address) = listener.accept().context("accept failed")?;
        println!("I got a connection from {}!", peer_address(&client_address));
    }
}
