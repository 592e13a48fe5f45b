use crate::address::{AddressError, resolve};
use socket2::{Domain, Protocol, Socket, Type};
use std::fmt;
use std::io;
use std::net::SocketAddr;

/// How many finished connections the kernel keeps for us until we accept them.
///
/// Linux keeps one more than it is told and cuts the number at `net.core.somaxconn` (`listen(2)`).
pub const BACKLOG: i32 = 128;

/// Opens a socket that listens at `address`; port 0 lets the kernel choose.
///
/// The four calls come in the one order that works (SK-01).
///
/// # Errors
///
/// [`ListenError`] names the address and what to do about it.
///
/// ```
/// let listener = chapter_01::listen("127.0.0.1:0".parse()?, chapter_01::BACKLOG)?;
/// assert_ne!(chapter_01::local_address(&listener)?.port(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn listen(address: SocketAddr, backlog: i32) -> Result<Socket, ListenError> {
    let attempt = || {
        // A descriptor in this process, of no address yet. SOCK_STREAM is what makes it TCP.
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // Old connections of this port may sit in TIME_WAIT for a minute after the server has
        // ended. This option lets a new server have the port all the same; it must be set before
        // bind asks for the port.
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            // Whether `[::]` also serves IPv4 depends on a system setting. One address, one family,
            // everywhere.
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        // From here on the kernel completes connections by itself and queues them.
        socket.listen(backlog)?;
        Ok(socket)
    };
    attempt().map_err(|error| ListenError::new(address, error))
}

/// Opens a listening socket at the first address of `HOST:PORT` that can be had.
///
/// A host name may stand for several addresses (`localhost` is often `::1` and `127.0.0.1`).
///
/// # Errors
///
/// Those of [`resolve`], or else that of the last address tried.
pub fn listen_at(host_and_port: &str, backlog: i32) -> Result<Socket, ListenError> {
    let mut addresses = resolve(host_and_port)?.into_iter();
    let first = addresses.next().expect("resolve gives at least one address");
    addresses.fold(listen(first, backlog), |outcome, address| {
        outcome.or_else(|_| listen(address, backlog))
    })
}

/// The IP address and port that `socket` is bound to.
///
/// # Errors
///
/// Those of `getsockname(2)`, and one of its own if the socket is not of the IP family.
pub fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::Error::other("the socket has no IP address"))
}

/// Why nothing listens at an address. One line that names the address and what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenError {
    /// The address could not be read or resolved.
    Address(AddressError),
    /// Somebody else listens there (`EADDRINUSE`).
    InUse(SocketAddr),
    /// The port is below 1024 and we lack the privilege (`EACCES`).
    Privileged(SocketAddr),
    /// The address belongs to no interface of this machine (`EADDRNOTAVAIL`).
    NotLocal(SocketAddr),
    /// Any other refusal of the kernel.
    Refused(SocketAddr, io::Error),
}

impl ListenError {
    /// Sorts what the kernel says of a socket that is to be bound to `address` or to listen there.
    pub fn new(address: SocketAddr, error: io::Error) -> ListenError {
        match error.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse(address),
            io::ErrorKind::PermissionDenied => ListenError::Privileged(address),
            io::ErrorKind::AddrNotAvailable => ListenError::NotLocal(address),
            _ => ListenError::Refused(address, error),
        }
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenError::Address(error) => error.fmt(f),
            ListenError::InUse(address) => {
                let advice = "stop the program that listens there, or choose another port";
                write!(f, "{address} is in use: {advice} (0 takes any free one)")
            }
            ListenError::Privileged(address) => {
                let advice = "choose a port from 1024 up, such as 8000";
                write!(f, "no permission to listen at {address}: {advice}")
            }
            ListenError::NotLocal(address) => {
                let advice = "choose one that is, such as 127.0.0.1";
                write!(f, "{address} is no address of this machine: {advice}")
            }
            ListenError::Refused(address, error) => {
                write!(f, "cannot listen at {address}: {error}")
            }
        }
    }
}

impl std::error::Error for ListenError {}

impl From<AddressError> for ListenError {
    fn from(error: AddressError) -> ListenError {
        ListenError::Address(error)
    }
}

/// For whoever has other failures of I/O beside this one. It is inside.
impl From<ListenError> for io::Error {
    fn from(error: ListenError) -> io::Error {
        let kind = match &error {
            ListenError::Address(_) => io::ErrorKind::InvalidInput,
            ListenError::InUse(_) => io::ErrorKind::AddrInUse,
            ListenError::Privileged(_) => io::ErrorKind::PermissionDenied,
            ListenError::NotLocal(_) => io::ErrorKind::AddrNotAvailable,
            ListenError::Refused(_, reason) => reason.kind(),
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_names_the_address_and_a_way_out() {
        let address: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let say =
            |errno| ListenError::new(address, io::Error::from_raw_os_error(errno)).to_string();
        let (eacces, eaddrinuse, eaddrnotavail, enobufs) = (13, 98, 99, 105);
        assert_eq!(
            say(eacces),
            "no permission to listen at 127.0.0.1:80: choose a port from 1024 up, such as 8000"
        );
        assert!(say(eaddrinuse).starts_with("127.0.0.1:80 is in use: stop "));
        assert!(
            say(eaddrnotavail).starts_with("127.0.0.1:80 is no address of this machine: choose ")
        );
        assert!(say(enobufs).starts_with("cannot listen at 127.0.0.1:80: "));
        for errno in [eacces, eaddrinuse, eaddrnotavail, enobufs] {
            let plain = io::Error::from_raw_os_error(errno);
            let kind = plain.kind();
            assert_eq!(io::Error::from(ListenError::new(address, plain)).kind(), kind);
        }
    }

    /// `[::]` takes no port from IPv4, whatever the system's default is.
    #[test]
    fn one_address_is_one_family() {
        // A machine without IPv6 has nothing to be confused.
        let Ok(six) = listen("[::]:0".parse().unwrap(), BACKLOG) else { return };
        assert!(six.only_v6().unwrap());
    }
}
