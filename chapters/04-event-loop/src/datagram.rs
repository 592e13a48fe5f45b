use crate::async_socket::AsyncSocket;
use crate::connect::{FULL_PAUSE, is_full};
use crate::reactor::Direction;
use crate::received::Received;
use crate::sleep::sleep;
use chapter_02::answer;
use chapter_03::Readiness;
use rustix::net::{RecvFlags, SocketAddrAny, SocketAddrUnix, recvfrom};
use socket2::{SockAddr, Socket};
use std::ffi::OsStr;
use std::io;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::task::Poll;

/// Messages that are not parts of a stream: of UDP sockets and Unix datagram sockets.
impl AsyncSocket {
    /// Receives a datagram and the address of its sender, or waits for one. What is longer than
    /// `max` bytes, or [`RECEIVE_MAX`](crate::RECEIVE_MAX), is cut off and lost (SA-20). A datagram
    /// of no bytes is a datagram, not an end.
    ///
    /// A Unix socket that was not bound has no name: its [`SockAddr`] is that of a Unix socket, with
    /// neither path nor name.
    ///
    /// # Errors
    ///
    /// Those of `recvfrom(2)`.
    #[doc(alias = "sock_recvfrom")]
    pub async fn recv_from(&self, max: usize) -> io::Result<(Received<'_>, SockAddr)> {
        self.operation(Direction::Read, |socket, readiness| {
            let mut sender = None;
            let received = self.core.buffers.fill(max, |buffer| {
                let datagram = try_recv_from(socket, readiness, buffer)?;
                Ok(datagram.map(|(count, address)| {
                    sender = Some(address);
                    count
                }))
            })?;
            Ok(received.map(|bytes| (bytes, sender.expect("each datagram has a sender"))))
        })
        .await
    }

    /// As [`recv_from`](AsyncSocket::recv_from), into the caller's buffer; gives the number of bytes
    /// that are in it now.
    ///
    /// # Errors
    ///
    /// Those of `recvfrom(2)`.
    #[doc(alias = "sock_recvfrom_into")]
    pub async fn recv_from_into(&self, buffer: &mut [u8]) -> io::Result<(usize, SockAddr)> {
        self.operation(Direction::Read, |socket, readiness| {
            try_recv_from(socket, readiness, buffer)
        })
        .await
    }

    /// Sends a datagram, as soon as the kernel has room for it, and gives the number of its bytes:
    /// it goes out as a whole or not at all.
    ///
    /// Where the receiver is a Unix socket whose queue is full, the kernel does not say when there
    /// is room. Then it is tried again every 10 ms. To a receiver that the socket is connected to,
    /// [`send_all`](AsyncSocket::send_all) sends a datagram without that detour.
    ///
    /// # Errors
    ///
    /// Those of `sendto(2)`: the datagram is too long, nobody is there, or, over UDP, an earlier one
    /// has not arrived.
    #[doc(alias = "sock_sendto")]
    pub async fn send_to(&self, bytes: &[u8], address: impl Into<SockAddr>) -> io::Result<usize> {
        let address = address.into();
        let is_unix = address.is_unix();
        loop {
            let sent = self.operation(Direction::Write, |socket, readiness| {
                let sent = answer(|| socket.send_to(bytes, &address))?;
                if sent.is_pending() && !is_unix {
                    readiness.after_partial_send();
                    return Ok(Poll::Pending);
                }
                Ok(Poll::Ready(sent))
            });
            match sent.await {
                Ok(Poll::Ready(count)) => return Ok(count),
                Err(error) if !(is_unix && is_full(&error)) => return Err(error),
                _ => sleep(FULL_PAUSE).await,
            }
        }
    }
}

fn try_recv_from(
    socket: &Socket,
    readiness: &mut Readiness,
    buffer: &mut [u8],
) -> io::Result<Poll<(usize, SockAddr)>> {
    match answer(|| Ok(recvfrom(socket, &mut *buffer, RecvFlags::empty())?))? {
        Poll::Ready((count, _, sender)) => Ok(Poll::Ready((count, to_socket2(sender)?))),
        Poll::Pending => {
            readiness.after_receive(&Poll::Pending, 0);
            Ok(Poll::Pending)
        }
    }
}

/// An address as one crate gives it, for the other one. None is that of a Unix socket without a
/// name.
fn to_socket2(address: Option<SocketAddrAny>) -> io::Result<SockAddr> {
    let Some(address) = address else { return SockAddr::unix("") };
    if let Ok(address) = SocketAddr::try_from(address.clone()) {
        return Ok(address.into());
    }
    let address = SocketAddrUnix::try_from(address)?;
    match address.abstract_name() {
        Some(name) => SockAddr::unix(OsStr::from_bytes(&[b"\0", name].concat())),
        None => SockAddr::unix(OsStr::from_bytes(address.path_bytes().unwrap_or_default())),
    }
}
