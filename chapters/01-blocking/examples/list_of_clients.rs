//! Keeps a list of clients and reads a line from each in turn, which stalls: `cargo run -p
//! chapter-01 --example list_of_clients`.

use chapter_01::{LineBuffer, Options, exit_code, peer_address};
use socket2::Socket;
use std::io::{Read, Write};
use std::process::ExitCode;

const USAGE: &str = "\
Serves a list of clients.

Usage: list_of_clients [--listen HOST:PORT]";

/// The longest line, in bytes.
const LINE_MAX: usize = 1024;

fn main() -> ExitCode {
    exit_code("list_of_clients", run())
}

fn run() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    let listener = options.open_listener()?;
    let mut connections = Vec::new();
    loop {
        // Sleeps until somebody connects, although a client of the list may have sent something.
        let (connection, client_address) = listener.accept()?;
        println!("I got a connection from {}!", peer_address(&client_address));
        connections.push((connection, LineBuffer::new(LINE_MAX)));
        for (connection, lines) in &mut connections {
            // Sleeps until this one client has sent a line, although the next one may have done so
            // long ago.
            echo_line(connection, lines)?;
        }
    }
}

fn echo_line(connection: &mut Socket, lines: &mut LineBuffer) -> anyhow::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        if let Some(line) = lines.next_line()? {
            println!("All the data is: b'{}'", line.escape_ascii());
            return Ok(connection.write_all(line)?);
        }
        match connection.read(&mut buffer)? {
            0 => return Ok(()),
            count => lines.push(&buffer[..count]),
        }
    }
}
