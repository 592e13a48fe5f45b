use crate::accept_fault::AcceptFault;
use crate::line_buffer::LineTooLong;
use crate::log::{Excerpt, Log};
use crate::reply::Reply;
use socket2::{SockAddr, Socket};
use std::convert::Infallible;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

/// How many bytes one `recv` may bring. Small, so that a message comes in several pieces now and
/// then.
const READ_MAX: usize = 4096;

/// How long to wait before the next `accept` when no descriptor is left.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Accepts clients and serves them one at a time, for ever.
///
/// Each call blocks: `accept` until there is a client, `recv` until it has sent something, `send`
/// until the kernel has taken all of it. The one thread can wait for one of them (SK-07).
///
/// # Errors
///
/// Only if the listening socket itself fails. What goes wrong with a client ends that client alone.
pub fn serve<R: Reply>(
    listener: &Socket,
    mut new_reply: impl FnMut() -> R,
    log: Log,
) -> io::Result<Infallible> {
    let mut exhausted = false;
    loop {
        match listener.accept() {
            Ok((socket, peer)) => {
                exhausted = false;
                let peer = peer_address(&peer);
                log.line(|| format!("{peer} connected"));
                match serve_client(&socket, new_reply(), peer, log) {
                    Ok(end) => log.line(|| format!("{peer} {end}")),
                    Err(error) => log.line(|| format!("{peer} lost: {error}")),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => match AcceptFault::of(&error) {
                AcceptFault::Client => {}
                AcceptFault::Exhausted => {
                    // Said once, not ten times a second.
                    if !exhausted {
                        Log::report(format_args!(
                            "cannot accept: {error}; trying again every {BACK_OFF:?}"
                        ));
                    }
                    exhausted = true;
                    thread::sleep(BACK_OFF);
                }
                AcceptFault::Listener => return Err(error),
            },
        }
    }
}

/// Answers one client until it has sent all it wants to send.
///
/// # Errors
///
/// Those of `recv(2)` and `send(2)`: the client has reset the connection, most often.
pub fn serve_client(
    mut socket: &Socket,
    mut reply: impl Reply,
    peer: SocketAddr,
    log: Log,
) -> io::Result<End> {
    // Without this, the second of two small answers waits until the client has acknowledged the
    // first, and the client may take its time: 40 ms on Linux (RFC 1122, 4.2.3.4).
    socket.set_tcp_nodelay(true)?;
    let mut buffer = [0; READ_MAX];
    let mut space = Vec::new();
    loop {
        let received = match socket.read(&mut buffer) {
            Ok(0) => return Ok(End::of(&reply)),
            Ok(count) => &buffer[..count],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        log.line(|| format!("{peer} sent {}", Excerpt(received)));
        space.clear();
        let outgoing = match reply.reply(received, &mut space) {
            Ok(outgoing) => outgoing,
            Err(too_long) => {
                socket.write_all(&space)?;
                return Ok(End::LineTooLong(too_long));
            }
        };
        // `send` may take a part only; `write_all` calls it until nothing is left (SK-06).
        socket.write_all(outgoing)?;
    }
}

/// How a client that was not lost has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It has closed its side, and everything it sent was answered.
    Closed,
    /// It has closed its side and left this many bytes that make no whole line.
    MidLine(usize),
    /// It was let go because its line has no end in sight.
    LineTooLong(LineTooLong),
}

impl End {
    /// The end of a client that has closed its side.
    pub fn of(reply: &impl Reply) -> End {
        match reply.unanswered() {
            0 => End::Closed,
            count => End::MidLine(count),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Closed => f.write_str("closed"),
            End::MidLine(count) => write!(f, "closed in mid-line, {count} bytes unanswered"),
            End::LineTooLong(too_long) => write!(f, "let go: it sent {too_long}"),
        }
    }
}

/// The IP address and port of a peer that `accept` has named.
///
/// A peer of another family has none and is shown as `0.0.0.0:0`.
pub fn peer_address(peer: &SockAddr) -> SocketAddr {
    peer.as_socket().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)))
}
