use crate::address::Address;
use crate::any_protocol::ProtocolKind;
use crate::open::check_stream;
use crate::server::{Listener, Server};
use crate::server_options::{Binding, Place, ServerOptions};
use chapter_01::ListenError;
use chapter_04::{Family, LoopHandle, running_loop, try_join_all};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// How often a port number is looked for that is free for all addresses.
const ATTEMPTS_MAX: usize = 16;

/// Makes a server: binds a socket to each address and, unless told otherwise, serves. For each
/// client `factory` makes the protocol.
///
/// An address that this machine has not got is left out, as IPv6 where it is turned off;
/// [`Server::addresses`] tells what there is (CS-07).
///
/// Dropping this before it is done closes all that it has opened.
///
/// # Errors
///
/// A host has no address; none of the addresses could be had; or the kernel refuses one of them for
/// any other reason, and the error names the address. An adopted socket is no stream socket, or the
/// kernel does not let it listen. All that was opened is closed.
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
///
/// ```
/// use chapter_01::Log;
/// use chapter_04::run;
/// use chapter_05::{Echo, create_server};
///
/// let addresses = run(async {
///     let server = create_server(|| Echo::new(Log::Quiet), ("127.0.0.1", 0)).await?;
///     assert!(server.is_serving());
///     std::io::Result::Ok(server.addresses())
/// })??;
/// assert_eq!(addresses.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn create_server<P: ProtocolKind>(
    factory: impl FnMut() -> P + 'static,
    at: impl Into<ServerOptions>,
) -> io::Result<Server> {
    let ServerOptions { place, binding, backlog, start_serving } = at.into();
    let listeners = match place {
        Place::Hosts(hosts, port) => {
            bind_all(&resolve(&hosts, port, binding.family).await?, binding)?
        }
        Place::Address(address) => bind_all(&[address], binding)?,
        Place::Socket(socket) => vec![adopt(socket)?],
    };
    let server = Server::new(listeners, backlog, factory);
    if start_serving {
        server.start_serving().await?;
    }
    Ok(server)
}

/// The addresses of all hosts, each once. The names are looked up at the same time (CS-03).
async fn resolve(hosts: &[String], port: u16, family: Family) -> io::Result<Vec<SocketAddr>> {
    let event_loop = running_loop().unwrap_or_else(|error| panic!("{error}"));
    let answers = hosts.iter().map(|host| addresses_of(&event_loop, host, port, family));
    let mut addresses = try_join_all(answers).await?.concat();
    let mut seen = HashSet::new();
    addresses.retain(|address| seen.insert(*address));
    Ok(addresses)
}

async fn addresses_of(
    event_loop: &LoopHandle,
    host: &str,
    port: u16,
    family: Family,
) -> io::Result<Vec<SocketAddr>> {
    if !host.is_empty() {
        return Ok(event_loop.getaddrinfo(host, port, family).await?);
    }
    let four = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let six = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    Ok(match family {
        Family::Any => vec![four, six],
        Family::V4 => vec![four],
        Family::V6 => vec![six],
    })
}

/// Takes over a socket that is bound already (CS-01).
fn adopt(socket: Socket) -> io::Result<Listener> {
    check_stream(&socket)?;
    socket.set_nonblocking(true)?;
    let address = Address::from(socket.local_addr()?);
    Ok(Listener { socket, address, guard: None })
}

fn bind_all(addresses: &[SocketAddr], how: Binding) -> io::Result<Vec<Listener>> {
    if how.same_port {
        bind_to_one_port(addresses, |address| bind(address, how))
    } else {
        bind_each(addresses, |address| bind(address, how))
    }
}

/// Binds to all addresses, or gives back all that were had (CS-07).
fn bind_each(
    addresses: &[SocketAddr],
    mut bind: impl FnMut(SocketAddr) -> Result<Listener, ListenError>,
) -> io::Result<Vec<Listener>> {
    let (mut listeners, mut missing) = (Vec::new(), Vec::new());
    for address in addresses {
        match bind(*address) {
            Ok(listener) => listeners.push(listener),
            Err(error) if is_missing(&error) => missing.push(error),
            Err(error) => return Err(error.into()),
        }
    }
    if listeners.is_empty() { Err(nowhere(missing)) } else { Ok(listeners) }
}

/// As [`bind_each`], but where the kernel chooses the first address's port, the others get the same.
/// One of them may find it taken: then all begin again, a bounded number of times (D-39).
fn bind_to_one_port(
    addresses: &[SocketAddr],
    mut bind: impl FnMut(SocketAddr) -> Result<Listener, ListenError>,
) -> io::Result<Vec<Listener>> {
    let is_chosen = addresses.iter().any(|address| address.port() == 0);
    let mut attempts_left = if is_chosen { ATTEMPTS_MAX } else { 1 };
    loop {
        let mut chosen = None;
        let outcome = bind_each(addresses, |mut address| {
            address.set_port(chosen.unwrap_or(address.port()));
            let listener = bind(address)?;
            chosen = listener.address.ip().map(|bound| bound.port());
            Ok(listener)
        });
        attempts_left -= 1;
        match outcome {
            Err(error) if error.kind() == ErrorKind::AddrInUse && attempts_left > 0 => {}
            outcome => return outcome,
        }
    }
}

/// Whether this machine has no such address, or nothing of its family.
fn is_missing(error: &ListenError) -> bool {
    match error {
        ListenError::NotLocal(_) => true,
        ListenError::Refused(_, reason) => Errno::from_io_error(reason) == Some(Errno::AFNOSUPPORT),
        _ => false,
    }
}

fn nowhere(mut missing: Vec<ListenError>) -> io::Error {
    if missing.len() < 2 {
        let error = missing.pop().map(io::Error::from);
        let advice = "there is no host to listen at: name one, or listen at any";
        return error.unwrap_or_else(|| io::Error::new(ErrorKind::InvalidInput, advice));
    }
    let each: Vec<_> = missing.iter().map(ListenError::to_string).collect();
    io::Error::new(ErrorKind::AddrNotAvailable, each.join("; "))
}

/// The kernel refuses who connects to a socket that is bound and does not listen (SV-01).
fn bind(address: SocketAddr, how: Binding) -> Result<Listener, ListenError> {
    let attempt = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(how.reuse_address)?;
        if how.reuse_port {
            socket.set_reuse_port(true)?;
        }
        // The kernel hands it down to the sockets that are accepted.
        socket.set_keepalive(how.keep_alive)?;
        if address.is_ipv6() {
            // Without it `[::]` would take the port from IPv4 as well (CS-05).
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        let address = Address::from(socket.local_addr()?);
        Ok(Listener { socket, address, guard: None })
    };
    attempt().map_err(|error| ListenError::new(address, error))
}

#[cfg(test)]
mod tests;
