use crate::any_protocol::ProtocolKind;
use crate::connect_error::ConnectErrors;
use crate::connect_options::{ConnectOptions, Target};
use crate::local_address::LocalAddress;
use crate::open::{Connection, connect_accepted_socket, open};
use crate::race_connect::connect_any;
use chapter_04::{AsyncSocket, running_loop};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;

/// Connects, calls the factory for a protocol, and makes a connection of both. It returns after the
/// protocol's `connection_made` (CC-05).
///
/// Whoever drops this before it is done gives the connection up: an attempt ends at once, with its
/// socket (CC-06). A connection that is being made is aborted, as in any other case in which it is
/// not given to the caller (CC-08); its protocol, whose `connection_made` is then called if it was
/// not yet, is told by `connection_lost`.
///
/// # Errors
///
/// What every attempt failed with. Or the one thing that failed before or after the attempts: the
/// host or the local one has no address; the factory has panicked (D-16) or `connection_made` has
/// failed (D-07), and then the socket is closed; the socket that was given is no connected stream
/// socket (CC-01). `?` makes one [`io::Error`] of it (CC-03).
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
///
/// ```
/// use chapter_04::run;
/// use chapter_05::{BaseProtocol, CallbackResult, Protocol, Transport, create_connection};
/// use std::io::Read;
/// use std::net::TcpListener;
/// use std::rc::Rc;
///
/// struct Hello;
///
/// impl BaseProtocol for Hello {
///     fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
///         Ok(transport.write(b"hello")?)
///     }
/// }
///
/// impl Protocol for Hello {}
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let port = listener.local_addr()?.port();
/// run(async move {
///     let (transport, _) = create_connection(|| Hello, ("127.0.0.1", port)).await?;
///     transport.close();
///     std::io::Result::Ok(())
/// })??;
/// let mut received = [0; 5];
/// listener.accept()?.0.read_exact(&mut received)?;
/// assert_eq!(&received, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn create_connection<P: ProtocolKind>(
    factory: impl FnOnce() -> P,
    to: impl Into<ConnectOptions>,
) -> Result<Connection<P>, ConnectErrors> {
    let ConnectOptions { target, family, local, race } = to.into();
    let event_loop = running_loop().unwrap_or_else(|error| panic!("{error}"));
    let addresses = match target {
        Target::Socket(socket) => return Ok(connect_accepted_socket(factory, socket).await?),
        Target::Host(host, port) => {
            event_loop.getaddrinfo(&host, port, family).await.map_err(io::Error::from)?
        }
        Target::Addresses(mut addresses) => {
            addresses.retain(|address| family.includes(address));
            addresses
        }
    };
    let local = match local {
        Some((host, port)) => Some(LocalAddress::resolve(&event_loop, host, port, family).await?),
        None => None,
    };
    let attempt = |address| connect(address, local.as_ref());
    let socket = connect_any(addresses, race, attempt).await?;
    Ok(open(factory, socket.into_socket()).await?)
}

/// One attempt. It owns the socket, and closes it where it fails or is dropped (CC-02, CC-06).
async fn connect(address: SocketAddr, local: Option<&LocalAddress>) -> io::Result<AsyncSocket> {
    let socket = new_socket(address).map_err(|error| {
        let text = format!("cannot connect to {address}: {error}");
        io::Error::new(error.kind(), text)
    })?;
    if let Some(local) = local {
        local.bind(&socket, address)?;
    }
    let socket = AsyncSocket::new(socket)?;
    socket.connect(address).await?;
    Ok(socket)
}

fn new_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
