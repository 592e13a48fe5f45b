//! Reads one line, two bytes at a time, and sends it back: `cargo run -p chapter-01 --example
//! echo_one_client`.

use chapter_01::{LineBuffer, Options, exit_code, peer_address};
use std::io::{Read, Write};
use std::process::ExitCode;

const USAGE: &str = "\
Echoes one line and ends.

Usage: echo_one_client [--listen HOST:PORT]";

/// The longest line, in bytes.
const LINE_MAX: usize = 1024;

fn main() -> ExitCode {
    exit_code("echo_one_client", run())
}

fn run() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    let listener = options.open_listener()?;
    let (mut connection, client_address) = listener.accept()?;
    println!("I got a connection from {}!", peer_address(&client_address));

    let mut lines = LineBuffer::new(LINE_MAX);
    // So few bytes that everybody can see: a message comes in pieces.
    let mut buffer = [0; 2];
    loop {
        let count = connection.read(&mut buffer)?;
        if count == 0 {
            println!("The client has closed in mid-line.");
            return Ok(());
        }
        let data = &buffer[..count];
        println!("I got data: b'{}'!", data.escape_ascii());
        lines.push(data);
        if let Some(line) = lines.next_line()? {
            println!("All the data is: b'{}'", line.escape_ascii());
            connection.write_all(b"Buffer: ")?;
            connection.write_all(line)?;
            return Ok(());
        }
    }
}
