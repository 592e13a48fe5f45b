use anyhow::{Context, Result, bail};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, Read, Write};
use std::net::SocketAddrV4;
use std::thread;
use std::time::{Duration, Instant};

/// How long the network may take to come to rest. A lost segment is sent again after a fifth of a
/// second; a wait ends with its event, so this is only for what is broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// What `netlink(7)` and `sock_diag(7)` call `AF_NETLINK`, `NETLINK_SOCK_DIAG` and
/// `SOCK_DIAG_BY_FAMILY`.
const AF_NETLINK: i32 = 16;
const NETLINK_SOCK_DIAG: i32 = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;

/// One TCP connection of this machine, as the kernel sees it from both ends.
///
/// What one end does has reached the other when nothing is under way any more. Only the kernel
/// knows that: it is asked, so that nobody has to wait for a time that is long enough.
pub(crate) struct Wire {
    kernel: Socket,
    one: SocketAddrV4,
    other: SocketAddrV4,
}

/// What the kernel knows of one end.
#[derive(Debug, Clone, Copy, Default)]
struct End {
    state: u8,
    /// How many bytes were sent, each counted once.
    sent: u64,
    /// How many bytes the kernel keeps because the other end has no room for them.
    unsent: u32,
    /// How many bytes have arrived; the end of file may count as one.
    received: u64,
    /// How many of them nobody has read.
    unread: u32,
    /// How many bytes, the end of file counted as one, were not acknowledged by the other end.
    unacknowledged: u32,
    /// It is closed, and all that is left of it is a note, without the figures above.
    is_note: bool,
}

// The states of `tcp(7)` in which an end is that has closed its sending half, and those in which the
// other one has.
const HAS_SENT_FIN: [u8; 5] = [FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT, LAST_ACK, CLOSING];
const HAS_RECEIVED_FIN: [u8; 4] = [TIME_WAIT, CLOSE_WAIT, LAST_ACK, CLOSING];
const FIN_WAIT_1: u8 = 4;
const FIN_WAIT_2: u8 = 5;
const TIME_WAIT: u8 = 6;
const CLOSE_WAIT: u8 = 8;
const LAST_ACK: u8 = 9;
const CLOSING: u8 = 11;

impl Wire {
    pub(crate) fn new(one: SocketAddrV4, other: SocketAddrV4) -> Result<Wire> {
        let (domain, protocol) = (Domain::from(AF_NETLINK), Protocol::from(NETLINK_SOCK_DIAG));
        let kernel = Socket::new(domain, Type::RAW, Some(protocol));
        let kernel = kernel.context("the state of connections can be asked on Linux only")?;
        Ok(Wire { kernel, one, other })
    }

    /// Waits until nothing is under way between the ends. `hurry` is called again and again until
    /// then.
    pub(crate) fn rest(&self, hurry: impl Fn()) -> Result<()> {
        let begin = Instant::now();
        while !self.is_at_rest()? {
            if begin.elapsed() > PATIENCE {
                let ends = (self.end(self.one, self.other)?, self.end(self.other, self.one)?);
                bail!("the network does not come to rest: {ends:?}");
            }
            hurry();
            thread::yield_now();
        }
        Ok(())
    }

    fn is_at_rest(&self) -> Result<bool> {
        Ok(match (self.end(self.one, self.other)?, self.end(self.other, self.one)?) {
            (Some(one), Some(other)) => one.has_reached(other) && other.has_reached(one),
            // Else a reset is on its way to the end that is left. (Of a note it is nobody's concern.)
            (Some(end), None) | (None, Some(end)) => end.is_note,
            (None, None) => true,
        })
    }

    /// The end at `local`, unless it is gone.
    fn end(&self, local: SocketAddrV4, remote: SocketAddrV4) -> Result<Option<End>> {
        let mut kernel = &self.kernel;
        let mut answer = [0; 1024];
        let exchange = kernel.write_all(&question(local, remote));
        let length = exchange.and_then(|()| kernel.read(&mut answer));
        End::read(&answer[..length.context("sock_diag(7)")?]).context("sock_diag(7)")
    }
}

impl End {
    /// Whether everything that was sent from here has arrived there. What stays here because nobody
    /// reads there is at rest as well. Whether the other end has said so makes no difference.
    fn has_reached(self, there: End) -> bool {
        if self.is_note {
            return true;
        }
        if there.is_note {
            return self.unacknowledged == 0;
        }
        let is_full = self.unsent > 0 && there.unread > 0;
        let fin = !HAS_SENT_FIN.contains(&self.state) || HAS_RECEIVED_FIN.contains(&there.state);
        there.received >= self.sent && (is_full || self.unsent == 0 && fin)
    }

    /// Reads a `struct nlmsghdr` with a `struct nlmsgerr`, or with a `struct inet_diag_msg` and the
    /// `struct tcp_info` that was asked for.
    fn read(answer: &[u8]) -> io::Result<Option<End>> {
        const NLMSG_ERROR: u16 = 2;
        const NOT_FOUND: i32 = -2;
        let answer = Words(answer);
        if answer.u16(4)? == NLMSG_ERROR {
            return match answer.u32(16)?.cast_signed() {
                NOT_FOUND => Ok(None),
                code => Err(io::Error::from_raw_os_error(-code)),
            };
        }
        let state = answer.u16(16)?.to_ne_bytes()[1];
        let Some(info) = answer.attribute(88, INET_DIAG_INFO) else {
            return Ok(Some(End { state, is_note: true, ..End::default() }));
        };
        Ok(Some(End {
            state,
            sent: info.u64(200)?.saturating_sub(info.u64(208)?),
            unsent: info.u32(144)?,
            received: info.u64(128)?,
            unread: answer.u32(72)?,
            unacknowledged: answer.u32(76)?,
            is_note: false,
        }))
    }
}

/// The attribute with a `struct tcp_info`.
const INET_DIAG_INFO: u16 = 2;

/// Numbers in the order of this machine, by their places.
#[derive(Clone, Copy)]
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn bytes<const N: usize>(self, at: usize) -> io::Result<[u8; N]> {
        let bytes = self.0.get(at..at + N).and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
    }

    fn u16(self, at: usize) -> io::Result<u16> {
        self.bytes(at).map(u16::from_ne_bytes)
    }

    fn u32(self, at: usize) -> io::Result<u32> {
        self.bytes(at).map(u32::from_ne_bytes)
    }

    fn u64(self, at: usize) -> io::Result<u64> {
        self.bytes(at).map(u64::from_ne_bytes)
    }

    /// The content of the `struct rtattr` of a kind, among those from a place on.
    fn attribute(self, mut at: usize, kind: u16) -> Option<Words<'a>> {
        loop {
            let length = usize::from(self.u16(at).ok()?);
            if self.u16(at + 2).ok()? == kind {
                return self.0.get(at + 4..at + length).map(Words);
            }
            // Each begins at a multiple of four; none is shorter than its head.
            at += length.max(4).next_multiple_of(4);
        }
    }
}

/// A `struct nlmsghdr` with a `struct inet_diag_req_v2` for one TCP socket over IPv4.
fn question(local: SocketAddrV4, remote: SocketAddrV4) -> Vec<u8> {
    const LENGTH: u32 = 72;
    const REQUEST: u16 = 1;
    const AF_INET: u8 = 2;
    const TCP: u8 = 6;
    let mut question = Vec::with_capacity(LENGTH as usize);
    question.extend(LENGTH.to_ne_bytes());
    question.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    question.extend(REQUEST.to_ne_bytes());
    // A number to know the answer by, and the port of the kernel.
    question.extend([0; 8]);
    question.extend([AF_INET, TCP, 1 << (INET_DIAG_INFO - 1), 0]);
    // In any state.
    question.extend([0xff; 4]);
    question.extend(local.port().to_be_bytes());
    question.extend(remote.port().to_be_bytes());
    for address in [local, remote] {
        question.extend(address.ip().octets());
        // IPv6 addresses have their place here.
        question.extend([0; 12]);
    }
    // At any interface, and known by its addresses alone.
    question.extend([0; 4]);
    question.extend([0xff; 8]);
    question
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{SocketAddr, TcpListener, TcpStream};

    fn v4(address: SocketAddr) -> SocketAddrV4 {
        match address {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(_) => unreachable!("127.0.0.1 was asked for"),
        }
    }

    fn connection() -> (TcpStream, TcpStream, Wire) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (other, peer) = listener.accept().unwrap();
        let wire = Wire::new(v4(peer), v4(other.local_addr().unwrap())).unwrap();
        (one, other, wire)
    }

    #[test]
    fn at_rest_means_that_everything_has_arrived() {
        let (mut one, other, wire) = connection();
        one.write_all(b"hello").unwrap();
        wire.rest(|| ()).unwrap();
        assert_eq!(rustix::io::ioctl_fionread(&other).unwrap(), 5);
    }

    #[test]
    fn an_end_that_is_closed_is_at_rest_as_well() {
        let (mut one, mut other, wire) = connection();
        one.write_all(b"hello").unwrap();
        assert_eq!(other.read(&mut [0; 8]).unwrap(), 5);
        drop(other);
        wire.rest(|| ()).unwrap();
        assert_eq!(one.read(&mut [0]).unwrap(), 0);
        drop(one);
        wire.rest(|| ()).unwrap();
    }

    #[test]
    fn what_is_under_way_is_not_at_rest() {
        let here = End { sent: 5, ..End::default() };
        let there = End { received: 4, ..End::default() };
        assert!(!here.has_reached(there));
        assert!(here.has_reached(End { received: 5, ..there }));
        let here = End { state: FIN_WAIT_1, ..here };
        assert!(!here.has_reached(End { received: 5, ..there }));
        assert!(here.has_reached(End { received: 6, state: CLOSE_WAIT, ..there }));
        let here = End { unsent: 3, ..here };
        assert!(!here.has_reached(End { received: 5, ..there }));
        assert!(here.has_reached(End { received: 5, unread: 1, ..there }));
        let there = End { is_note: true, ..End::default() };
        assert!(!End { unacknowledged: 1, ..here }.has_reached(there));
        assert!(here.has_reached(there));
    }

    #[test]
    fn a_full_window_is_at_rest() {
        let (mut one, other, wire) = connection();
        one.set_nonblocking(true).unwrap();
        while one.write(&[0; 65_536]).is_ok() {}
        wire.rest(|| ()).unwrap();
        assert!(rustix::io::ioctl_fionread(&other).unwrap() > 0);
    }

    #[test]
    fn a_reset_has_arrived_when_both_ends_are_gone() {
        let (one, other, wire) = connection();
        socket2::SockRef::from(&one).set_linger(Some(Duration::ZERO)).unwrap();
        drop(one);
        wire.rest(|| ()).unwrap();
        other.set_nonblocking(true).unwrap();
        let error = (&other).read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn what_the_kernel_says_cut_short_is_an_error() {
        assert!(End::read(&[]).is_err());
        assert!(End::read(&[0; 17]).is_err());
    }
}
