use crate::address::Address;
use crate::any_protocol::{AnyProtocol, ProtocolKind, ProtocolRef};
use crate::connections::Connections;
use crate::socket_transport::{Creator, Ends, SocketTransport};
use crate::transport::{BaseTransport, Transport, WriteTransport};
use chapter_04::{ObservedSocket, contained, running_loop};
use socket2::{Socket, Type};
use std::io::{self, ErrorKind};
use std::rc::Rc;

/// A connection as its creator gets it: the transport, and access to the protocol.
pub type Connection<P> = (Rc<dyn Transport>, ProtocolRef<P>);

/// Makes a connection of a socket that was accepted elsewhere, or connected in any other way. It
/// ends with the connection (CC-09).
///
/// Dropping this before it is done ends the connection.
///
/// # Errors
///
/// It is no connected stream socket, the kernel cannot watch it, the factory has panicked, or
/// `connection_made` has failed: then the connection is lost with what it has failed with, and the
/// text is the same. The socket is closed in each case.
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
pub async fn connect_accepted_socket<P: ProtocolKind>(
    factory: impl FnOnce() -> P,
    socket: Socket,
) -> io::Result<Connection<P>> {
    check_stream(&socket)?;
    socket.set_nonblocking(true)?;
    open(factory, socket).await
}

/// Refuses what is no stream socket (CC-01, CS-01).
pub(crate) fn check_stream(socket: &Socket) -> io::Result<()> {
    if socket.r#type()? == Type::STREAM {
        return Ok(());
    }
    let advice = "a stream socket is needed: make one of Type::STREAM";
    Err(io::Error::new(ErrorKind::InvalidInput, advice))
}

/// Makes a connection of a connected, non-blocking socket, and waits until it is made (CC-05).
pub(crate) async fn open<P: ProtocolKind>(
    factory: impl FnOnce() -> P,
    socket: Socket,
) -> io::Result<Connection<P>> {
    let ends = Ends::of(&socket, peer_of(&socket)?)?;
    if ends.local.ip().is_some() {
        // By the family: what the socket says of its protocol may be 0 (TR-05, D-05).
        socket.set_tcp_nodelay(true)?;
    }
    let event_loop = running_loop().map_err(io::Error::other)?;
    let socket = ObservedSocket::new(socket)?;
    let protocol = contained(factory).map_err(|message| {
        io::Error::other(format!("the factory of protocols panicked: {message}"))
    })?;
    let (protocol, shared) = AnyProtocol::new(protocol);
    let creator = Creator::new();
    let waiting = creator.clone();
    let transport = SocketTransport::open(socket, event_loop, ends, protocol, Some(creator), None);
    let unfinished = Unfinished(Some(transport));
    match waiting.await.expect("its only owner sets it") {
        None => Ok((unfinished.finish(), shared)),
        Some(failure) => Err(io::Error::other(format!("connection_made failed: {failure}"))),
    }
}

fn peer_of(socket: &Socket) -> io::Result<Address> {
    match socket.peer_addr() {
        Err(error) if error.kind() == ErrorKind::NotConnected => {
            // One that had a peer, and was reset, has an error that says so.
            let advice = "the socket has no peer: connect it first, or give the address instead";
            let error = socket.take_error()?;
            Err(error.unwrap_or_else(|| io::Error::new(ErrorKind::NotConnected, advice)))
        }
        peer => peer.map(Address::from),
    }
}

/// Makes a connection of an accepted socket, for a server.
pub(crate) fn open_accepted<P: ProtocolKind>(
    protocol: P,
    socket: Socket,
    peer: Address,
    connections: &Rc<Connections>,
) -> io::Result<()> {
    let ends = Ends::of(&socket, peer)?;
    let event_loop = running_loop().map_err(io::Error::other)?;
    let socket = ObservedSocket::new(socket)?;
    let (protocol, _) = AnyProtocol::new(protocol);
    SocketTransport::open(socket, event_loop, ends, protocol, None, Some(connections));
    Ok(())
}

impl Ends {
    fn of(socket: &Socket, peer: Address) -> io::Result<Ends> {
        Ok(Ends { local: Address::from(socket.local_addr()?), peer })
    }
}

/// A connection whose creator still waits for it. If he gives up, it is aborted (CC-08).
struct Unfinished(Option<Rc<SocketTransport>>);

impl Unfinished {
    fn finish(mut self) -> Rc<dyn Transport> {
        self.0.take().expect("it is finished once")
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(transport) = self.0.take()
            && !transport.is_closing()
        {
            transport.abort();
        }
    }
}
