use socket2::SockAddr;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where one end of a connection is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IP address and port.
    Ip(SocketAddr),
    /// The path of a Unix socket.
    Path(PathBuf),
    /// The abstract name of a Unix socket, without the zero byte in front (Linux).
    Abstract(Vec<u8>),
    /// A Unix socket that is bound to nothing, as that of a client mostly is (UX-05), or a socket of
    /// a family that has no addresses.
    Unnamed,
}

impl Address {
    /// The IP address and port, if it has one.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Address::Ip(address) => Some(*address),
            _ => None,
        }
    }
}

impl From<SockAddr> for Address {
    fn from(address: SockAddr) -> Address {
        let path = || Some(Address::Path(address.as_pathname()?.to_owned()));
        let name = || Some(Address::Abstract(address.as_abstract_namespace()?.to_owned()));
        let ip = address.as_socket().map(Address::Ip);
        ip.or_else(path).or_else(name).unwrap_or(Address::Unnamed)
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        Address::Ip(address)
    }
}

/// An abstract name stands behind an `@`, as in the tools of the system.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Ip(address) => address.fmt(f),
            Address::Path(path) => path.display().fmt(f),
            Address::Abstract(name) => write!(f, "@{}", name.escape_ascii()),
            Address::Unnamed => f.write_str("an unnamed socket"),
        }
    }
}
