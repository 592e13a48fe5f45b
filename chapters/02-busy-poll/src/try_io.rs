use chapter_01::peer_address;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::{SockAddr, Socket};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::task::Poll;

/// A socket that answers at once, if need be with "not yet" (`Poll::Pending`).
///
/// The servers of this chapter and the next are written against this trait, so that a test can hand
/// them a [`FakeSocket`](crate::fake::FakeSocket) that fails at the call of its choice.
pub trait TryIo: Sized {
    /// Takes the next client from the kernel's queue, ready to be used with this trait, and its
    /// address.
    ///
    /// # Errors
    ///
    /// Those of `accept(2)`; [`AcceptFault`](chapter_01::AcceptFault) sorts them.
    fn try_accept(&self) -> io::Result<Poll<(Self, SocketAddr)>>;

    /// Receives at most `buffer.len()` bytes; zero means that the peer will send no more (SK-05).
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`: the connection is lost.
    fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Poll<usize>>;

    /// Sends as much of `bytes` as the kernel takes at once, at least one byte (SK-06).
    ///
    /// # Errors
    ///
    /// Those of `send(2)`: the connection is lost.
    fn try_send(&self, bytes: &[u8]) -> io::Result<Poll<usize>>;
}

/// The socket must be in non-blocking mode; one that `try_accept` gives is.
impl TryIo for Socket {
    fn try_accept(&self) -> io::Result<Poll<(Socket, SocketAddr)>> {
        let Poll::Ready((socket, peer)) = answer(|| self.accept())? else {
            return Ok(Poll::Pending);
        };
        // What fails from here on is the client's fault and must not be taken for the listener's.
        prepare(&socket, &peer).map_err(|_| ErrorKind::ConnectionAborted)?;
        Ok(Poll::Ready((socket, peer_address(&peer))))
    }

    #[inline]
    fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Poll<usize>> {
        answer(|| Ok(recv(self, &mut *buffer, RecvFlags::empty())?.0))
    }

    #[inline]
    fn try_send(&self, bytes: &[u8]) -> io::Result<Poll<usize>> {
        answer(|| Ok(send(self, bytes, SendFlags::NOSIGNAL)?))
    }
}

/// Makes an accepted socket fit for this trait.
fn prepare(socket: &Socket, peer: &SockAddr) -> io::Result<()> {
    // Linux does not hand the listener's mode down to the sockets that it accepts (SK-09).
    socket.set_nonblocking(true)?;
    if peer.is_ipv4() || peer.is_ipv6() {
        // An answer is sent when it is there, whether or not the last one is acknowledged.
        socket.set_tcp_nodelay(true)?;
    }
    Ok(())
}

/// Makes an answer of what the kernel reports as two errors: "would block" is "not yet" (SK-08),
/// and a call that a signal has interrupted is made again (SK-10).
///
/// # Errors
///
/// All other errors of the call.
#[inline]
pub fn answer<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<Poll<T>> {
    loop {
        return match call() {
            Ok(value) => Ok(Poll::Ready(value)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Poll::Pending),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Type};

    /// SK-08 and SK-10.
    #[test]
    fn would_block_is_an_answer_and_an_interrupted_call_is_made_again() {
        let mut script =
            [ErrorKind::Interrupted, ErrorKind::Interrupted, ErrorKind::WouldBlock].into_iter();
        let outcome: io::Result<Poll<()>> = answer(|| Err(script.next().unwrap().into()));
        assert_eq!(outcome.unwrap(), Poll::Pending);
        assert_eq!(script.next(), None);
        let reset = answer(|| Err::<(), _>(ErrorKind::ConnectionReset.into()));
        assert_eq!(reset.unwrap_err().kind(), ErrorKind::ConnectionReset);
        let mut left = 3;
        let done = answer(|| {
            left -= 1;
            if left > 0 { Err(ErrorKind::Interrupted.into()) } else { Ok(7) }
        });
        assert_eq!((done.unwrap(), left), (Poll::Ready(7), 0));
    }

    /// SK-09: what the listener does not hand down is set.
    #[test]
    fn an_accepted_socket_does_not_block_and_does_not_wait_to_send() {
        let listener = chapter_01::listen("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let client = std::net::TcpStream::connect(chapter_01::local_address(&listener).unwrap());
        let Poll::Ready((socket, peer)) = listener.try_accept().unwrap() else {
            panic!("the client is connected already")
        };
        assert_eq!(peer, client.unwrap().local_addr().unwrap());
        assert!(socket.nonblocking().unwrap() && socket.tcp_nodelay().unwrap());
    }

    /// A Unix socket has no TCP options, and its peer no IP address.
    #[test]
    fn a_client_of_a_unix_listener_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let address = SockAddr::unix(folder.path().join("socket")).unwrap();
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        listener.bind(&address).unwrap();
        listener.listen(1).unwrap();
        let client = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        client.connect(&address).unwrap();
        let Poll::Ready((socket, _)) = listener.try_accept().unwrap() else {
            panic!("the client is connected already")
        };
        assert!(socket.nonblocking().unwrap());
    }
}
