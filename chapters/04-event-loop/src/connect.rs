use crate::async_socket::AsyncSocket;
use crate::loop_handle::LoopHandle;
use crate::reactor::Direction;
use crate::resolver::Family;
use crate::sleep::sleep;
use chapter_03::Readiness;
use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket};
use std::fmt;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// The pause before the next attempt where the kernel says that a queue is full and will not say
/// when it has room: at the listener of a Unix socket, and at the receiver of Unix datagrams.
pub(crate) const FULL_PAUSE: Duration = Duration::from_millis(10);

impl AsyncSocket {
    /// Connects to an address. While the network works, other tasks run.
    ///
    /// A connect that is dropped goes on in the kernel. The next one, to the same address, waits
    /// for what is left of it.
    ///
    /// # Errors
    ///
    /// Those of `connect(2)`, such as `ConnectionRefused` (SK-18). The text names the address
    /// (SA-11). The socket is of no use afterwards: make another one.
    #[doc(alias = "sock_connect")]
    pub async fn connect(&self, address: impl Into<SockAddr>) -> io::Result<()> {
        let address = address.into();
        self.try_connect(&address).await.map_err(|error| {
            io::Error::new(error.kind(), ConnectError { address: address.clone(), error })
        })
    }

    /// Connects to a host: to the first address of the socket's family that the host has, and to no
    /// other (SA-10). A numeric address is not looked up.
    ///
    /// # Errors
    ///
    /// As [`connect`](AsyncSocket::connect); or the host has no such address, or the socket is
    /// neither an IPv4 nor an IPv6 socket.
    #[doc(alias = "sock_connect")]
    pub async fn connect_to(&self, host: &str, port: u16) -> io::Result<()> {
        let family = match self.as_socket().local_addr()?.domain() {
            Domain::IPV4 => Family::V4,
            Domain::IPV6 => Family::V6,
            _ => {
                let advice = "a socket without IP addresses connects to no host: use `connect`";
                return Err(io::Error::new(ErrorKind::InvalidInput, advice));
            }
        };
        let event_loop = LoopHandle::new(Rc::clone(&self.core));
        let first = event_loop.getaddrinfo(host, port, family).await?[0];
        self.connect(first).await
    }

    async fn try_connect(&self, address: &SockAddr) -> io::Result<()> {
        let begun = loop {
            match begin(self.as_socket(), address) {
                Err(error) if is_full(&error) && address.is_unix() => sleep(FULL_PAUSE).await,
                outcome => break outcome?,
            }
        };
        if begun.is_ready() {
            return Ok(());
        }
        // What was reported so far is of a socket that was not connected: `epoll` reports one as
        // hung up.
        self.forget(Readiness::WRITABLE);
        self.operation(Direction::Write, |socket, readiness| {
            let connected = verdict(socket, address)?;
            if connected.is_pending() {
                *readiness = *readiness - Readiness::WRITABLE;
            }
            Ok(connected)
        })
        .await
    }
}

/// Has the kernel connect. Not ready: the network is at work, and a report that the socket is
/// writable tells of the end (SK-17).
fn begin(socket: &Socket, address: &SockAddr) -> io::Result<Poll<()>> {
    sort(socket.connect(address))
}

fn sort(outcome: io::Result<()>) -> io::Result<Poll<()>> {
    match outcome.as_ref().err().and_then(Errno::from_io_error) {
        // An interrupted connect goes on, as one does that an earlier call has begun.
        Some(Errno::INPROGRESS | Errno::INTR | Errno::ALREADY) => Ok(Poll::Pending),
        _ => outcome.map(Poll::Ready),
    }
}

/// How the connect has ended, if it has.
fn verdict(socket: &Socket, address: &SockAddr) -> io::Result<Poll<()>> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Ok(_) => Ok(Poll::Ready(())),
        // Neither connected nor failed. Either the report was wrong, or a receive that waits for
        // the same socket has taken the error away. To ask again tells.
        Err(error) if error.kind() == ErrorKind::NotConnected => begin(socket, address),
        Err(error) => Err(error),
    }
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::AGAIN | Errno::NOBUFS))
}

/// A connect that failed, and where to.
#[derive(Debug)]
struct ConnectError {
    address: SockAddr,
    error: io::Error,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConnectError { address, error } = self;
        f.write_str("cannot connect to ")?;
        if let Some(address) = address.as_socket() {
            address.fmt(f)?;
        } else if let Some(path) = address.as_pathname() {
            path.display().fmt(f)?;
        } else if let Some(name) = address.as_abstract_namespace() {
            write!(f, "@{}", name.escape_ascii())?;
        }
        write!(f, ": {error}")
    }
}

/// Its text has the cause. As a source as well, a chain of errors would say it twice.
impl std::error::Error for ConnectError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// SA-11: the text of a failed connect names the address, of whichever kind.
    #[test]
    fn the_error_names_the_address() {
        let text = |address| ConnectError { address, error: Errno::CONNREFUSED.into() }.to_string();
        let four = std::net::SocketAddr::from(([127, 0, 0, 1], 80));
        assert!(text(four.into()).starts_with("cannot connect to 127.0.0.1:80: "));
        let path = SockAddr::unix("/run/echo").unwrap();
        assert!(text(path).starts_with("cannot connect to /run/echo: "));
        let name = SockAddr::unix("\0echo").unwrap();
        assert!(text(name).starts_with("cannot connect to @echo: "));
    }

    /// SK-10 and SK-17: a connect that is under way, interrupted or not, is not over; one that cannot
    /// be begun is.
    #[test]
    fn the_answers_of_the_kernel_are_sorted() {
        let answer = |errno: Errno| sort(Err(errno.into())).map_err(|error| error.kind());
        for errno in [Errno::INPROGRESS, Errno::INTR, Errno::ALREADY] {
            assert_eq!(answer(errno), Ok(Poll::Pending), "{errno}");
        }
        assert_eq!(answer(Errno::CONNREFUSED), Err(ErrorKind::ConnectionRefused));
        assert_eq!(answer(Errno::AGAIN), Err(ErrorKind::WouldBlock));
        assert_eq!(sort(Ok(())).unwrap(), Poll::Ready(()));
    }
}
