//! The other road to lines: read straight from a socket of chapter 04, and sent back: `cargo run -p
//! chapter-06 --example lines_on_socket`, then `nc -C 127.0.0.1 8000`.
//!
//! The task that wants a line receives it. So there is no protocol that is called, nothing that two
//! parties share, nobody to be woken twice, and no pause and resume: what nobody asks for stays in
//! the kernel. This is how the readers of tokio are made.
//!
//! What it does not have:
//! - While nobody asks for a line, nobody notices that the peer is gone.
//! - To write, the task waits for the kernel, and reads nothing meanwhile. Whoever wants to do both
//!   at a time needs a second task; whoever wants to write to many needs a buffer for each, and has
//!   begun to build a transport.
//! - It knows which kind of socket it reads. A cipher between the two would have to be another
//!   socket, that is a trait for both.

use anyhow::Result;
use chapter_01::{LINE_MAX, LineBuffer, Options, exit_code};
use chapter_04::{AsyncSocket, RECEIVE_MAX, run, serve};
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

const USAGE: &str = "\
Sends back each line when it is whole.

Usage: lines_on_socket [--listen HOST:PORT]";

fn main() -> ExitCode {
    exit_code("lines_on_socket", start())
}

fn start() -> Result<()> {
    let options = Options::parse(USAGE, &[])?;
    let listener = options.open_listener()?;
    listener.set_nonblocking(true)?;
    run(async move {
        let Err(broken) = serve(&AsyncSocket::new(listener)?, echo_lines).await;
        Err(broken.into())
    })?
}

async fn echo_lines(socket: AsyncSocket, peer: SocketAddr) -> io::Result<()> {
    println!("connection from {peer}");
    let mut lines = SocketLines::new(socket, LINE_MAX);
    while let Some(line) = lines.next_line().await? {
        lines.socket.send_all(&line).await?;
    }
    println!("{peer} has left, with {} bytes of a line", lines.received.len());
    Ok(())
}

/// The lines that come over a socket. Its buffer has the one owner, and no line is too long for it
/// by more than one receive.
pub(crate) struct SocketLines {
    socket: AsyncSocket,
    received: LineBuffer,
}

impl SocketLines {
    pub(crate) fn new(socket: AsyncSocket, line_max: usize) -> SocketLines {
        SocketLines { socket, received: LineBuffer::new(line_max) }
    }

    /// The next line, with its `\r\n`; `None` at the end of file. It may be cancelled by dropping
    /// it, and loses nothing: bytes leave the kernel in the poll that puts them into the buffer.
    pub(crate) async fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.received.next_line().map_err(io::Error::other)? {
                return Ok(Some(line.to_vec()));
            }
            let data = self.socket.recv(RECEIVE_MAX).await?;
            if data.is_empty() {
                return Ok(None);
            }
            self.received.push(&data);
        }
    }
}
