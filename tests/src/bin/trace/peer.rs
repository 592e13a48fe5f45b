use anyhow::{Context, Result, bail, ensure};
use conformance::pattern;
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

/// What each end keeps in the kernel, in bytes; Linux doubles it. Set, it does not grow any more, so
/// that what a transport cannot get rid of is known.
pub(crate) const KERNEL_BUFFER: usize = 64 * 1024;

/// Where the client connects to: a raw listener for one connection.
pub(crate) struct Listener {
    socket: Socket,
    pub(crate) address: SocketAddrV4,
}

impl Listener {
    pub(crate) fn open() -> io::Result<Listener> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // What it accepts inherits it.
        socket.set_recv_buffer_size(KERNEL_BUFFER)?;
        socket.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into())?;
        socket.listen(1)?;
        let address = ipv4(&socket.local_addr()?);
        Ok(Listener { socket, address })
    }

    /// The other end of the client's connection, which the kernel has made already.
    pub(crate) fn accept(self) -> io::Result<Peer> {
        let (socket, client) = self.socket.accept()?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        Ok(Peer { socket: Some(socket), client: ipv4(&client), received: 0 })
    }
}

fn ipv4(address: &socket2::SockAddr) -> SocketAddrV4 {
    address.as_socket_ipv4().expect("it is a socket of IPv4")
}

/// The raw socket at the other end of the transport's connection.
pub(crate) struct Peer {
    /// Until it is closed.
    socket: Option<Socket>,
    pub(crate) client: SocketAddrV4,
    received: usize,
}

/// What a look at the peer's socket has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// So many bytes, maybe none, and no end yet.
    Bytes(usize),
    Eof,
    Reset,
    /// The peer has closed its socket itself.
    Nothing,
}

impl Peer {
    /// Sends as many of these bytes as the kernel takes, and says how many that is.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> usize {
        let Some(mut socket) = self.socket.as_ref() else { return 0 };
        let mut sent = 0;
        while sent < bytes.len() {
            match socket.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // There is no room, or the connection is gone: the step is passed over.
                Err(_) => break,
            }
        }
        sent
    }

    pub(crate) fn shutdown(&mut self) {
        if let Some(socket) = &self.socket {
            // It is refused after a reset; the step is passed over.
            let _ = socket.shutdown(std::net::Shutdown::Write);
        }
    }

    pub(crate) fn close(&mut self) {
        self.socket = None;
    }

    pub(crate) fn reset(&mut self) {
        if let Some(socket) = self.socket.take() {
            // Refused, it is a plain close.
            let _ = socket.set_linger(Some(Duration::ZERO));
        }
    }

    /// Receives once. `sent` bytes of the pattern were written at the other end; what arrives must be
    /// their beginning (TR-18).
    pub(crate) fn receive(&mut self, sent: usize) -> Result<Seen> {
        let Some(mut socket) = self.socket.as_ref() else { return Ok(Seen::Nothing) };
        let mut buffer = [0; KERNEL_BUFFER];
        let count = match socket.read(&mut buffer) {
            Ok(0) => return Ok(Seen::Eof),
            Ok(count) => count,
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => return Ok(Seen::Bytes(0)),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => return Ok(Seen::Reset),
                _ => return Err(error).context("the peer's receive"),
            },
        };
        ensure!(self.received + count <= sent, "the peer has received more than was written");
        if buffer[..count] != pattern_from(self.received, count) {
            bail!("the peer has received something else than was written");
        }
        self.received += count;
        Ok(Seen::Bytes(count))
    }

    /// How much has arrived here and was read.
    pub(crate) fn received(&self) -> usize {
        self.received
    }

    /// Has the kernel acknowledge at once what it has received, if it is about to wait with that.
    pub(crate) fn acknowledge(&self) {
        if let Some(socket) = &self.socket {
            acknowledge(SockRef::from(socket));
        }
    }
}

/// See [`Peer::acknowledge`].
pub(crate) fn acknowledge(socket: SockRef<'_>) {
    // It saves a wait of forty milliseconds, and no more: a failure changes nothing.
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_quickack(true);
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

/// `count` bytes of an endless pattern, from a place on.
pub(crate) fn pattern_from(place: usize, count: usize) -> Vec<u8> {
    // It comes back to its beginning after 251 bytes.
    let mut bytes = pattern(place % 251 + count);
    bytes.drain(..place % 251);
    bytes
}
