//! Asks every socket again and again: `cargo run -p chapter-02 --example busy_poll`.

use chapter_01::{LINE_MAX, LineBuffer, Options, exit_code};
use chapter_02::{Outbox, TryIo};
use socket2::Socket;
use std::io;
use std::process::ExitCode;
use std::task::Poll;

const USAGE: &str = "\
Polls all sockets without rest.

Usage: busy_poll [--listen HOST:PORT]";

/// A client, its unfinished line, and what the kernel has not taken yet. All three outlive a "not
/// yet".
struct Connection {
    socket: Socket,
    lines: LineBuffer,
    outbox: Outbox,
}

fn main() -> ExitCode {
    exit_code("busy_poll", run())
}

fn run() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    let listener = options.open_listener()?;
    listener.set_nonblocking(true)?;
    let mut connections = Vec::new();
    loop {
        if let Poll::Ready((socket, client_address)) = listener.try_accept()? {
            println!("I got a connection from {client_address}!");
            connections.push(Connection {
                socket,
                lines: LineBuffer::new(LINE_MAX),
                outbox: Outbox::default(),
            });
        }
        connections.retain_mut(|connection| connection.poll().is_ok());
    }
}

impl Connection {
    /// Asks the socket once. Fails when the client has closed or is lost.
    fn poll(&mut self) -> io::Result<()> {
        if self.outbox.flush(&self.socket)?.is_pending() {
            // Who does not read is not read from.
            return Ok(());
        }
        let mut buffer = [0; 1024];
        let Poll::Ready(count) = self.socket.try_recv(&mut buffer)? else { return Ok(()) };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let data = &buffer[..count];
        println!("I got data: b'{}'!", data.escape_ascii());
        self.lines.push(data);
        while let Some(line) = self.lines.next_line().map_err(io::Error::other)? {
            println!("All the data is: b'{}'", line.escape_ascii());
            self.outbox.send(&self.socket, line)?;
        }
        Ok(())
    }
}
