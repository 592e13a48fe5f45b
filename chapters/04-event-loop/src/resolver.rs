use crate::pool::{JobError, Pool};
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

/// How many names are looked up at a time. The next one waits until a look-up ends.
pub const LOOKUPS_MAX: usize = 4;

/// Turns host names into addresses without blocking the event loop.
///
/// The system's look-up blocks, for many seconds if a name server is silent, and cannot be stopped.
/// It runs on threads of its own, which nobody joins: a look-up that stalls delays neither the jobs
/// of the executor's pool nor the end of the program, only other look-ups, and those only when
/// [`LOOKUPS_MAX`] stall (XR-09; asyncio shares one pool, D-24). Whoever drops the future of a
/// look-up has given it up: that is how to put it under a time limit.
pub struct Resolver {
    pool: Pool,
    lookup: Arc<Lookup>,
}

type Lookup = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

impl Resolver {
    pub(crate) const NAME: &str = "resolver";

    /// Asks the system.
    pub fn new() -> Resolver {
        Resolver::with_lookup(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
    }

    /// Asks `lookup` instead of the system. It gets a name and a port, and may block.
    pub fn with_lookup(
        lookup: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Resolver {
        Resolver { pool: Pool::new(Resolver::NAME, LOOKUPS_MAX), lookup: Arc::new(lookup) }
    }

    /// The addresses of `host`, with `port`: never none, each once, in the order of preference that
    /// the system gives (XR-06).
    ///
    /// A numeric IPv4 or IPv6 address needs no thread and is its own and only answer (XR-07). With
    /// a zone index ("fe80::1%eth0") the system has to be asked. An empty host is a name that
    /// nobody has, as in asyncio; it is for whoever listens to make "any address" of it (SK-19,
    /// CS-02).
    ///
    /// Of the five fields of an answer in Python, a [`SocketAddr`] is the family and the address.
    /// The other three tell nothing new: socket type and protocol repeat the question, and the
    /// canonical name is empty unless asked for. Ports have no names here.
    ///
    /// # Errors
    ///
    /// [`ResolveError`].
    #[doc(alias = "getaddrinfo")]
    pub async fn resolve(
        &self,
        host: &str,
        port: u16,
        family: Family,
    ) -> Result<Vec<SocketAddr>, ResolveError> {
        let mut addresses = match host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => self.look_up(host, port).await?,
        };
        let mut seen = HashSet::new();
        addresses.retain(|address| family.includes(address) && seen.insert(*address));
        if addresses.is_empty() {
            return Err(ResolveError::Empty(host.to_owned(), family));
        }
        Ok(addresses)
    }

    /// Takes no more names, and does not wait for the look-ups that run.
    pub fn close(&self) {
        self.pool.close();
    }

    async fn look_up(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
        let (lookup, name) = (Arc::clone(&self.lookup), host.to_owned());
        let stopped = |reason| ResolveError::Stopped(host.to_owned(), reason);
        let job = self.pool.submit(move || lookup(&name, port)).map_err(stopped)?;
        let answer = job.await.map_err(stopped)?;
        answer.map_err(|reason| ResolveError::Unknown(host.to_owned(), reason))
    }
}

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver::new()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("pool", &self.pool).finish_non_exhaustive()
    }
}

/// Which addresses are of use, such as those of the family of a socket that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "AF_UNSPEC")]
pub enum Family {
    /// IPv4 and IPv6.
    Any,
    /// IPv4 only.
    #[doc(alias = "AF_INET")]
    V4,
    /// IPv6 only.
    #[doc(alias = "AF_INET6")]
    V6,
}

impl Family {
    /// Whether an address is of use.
    pub fn includes(self, address: &SocketAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Any => "IPv4 or IPv6",
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        })
    }
}

/// Why a host has no address (XR-08). Each case names the host.
#[derive(Debug)]
#[doc(alias = "gaierror")]
#[non_exhaustive]
pub enum ResolveError {
    /// The look-up failed, for this reason.
    Unknown(String, io::Error),
    /// The host is known, but has no address of that family.
    Empty(String, Family),
    /// There was no look-up, or it came to no end: the resolver is closed, has no thread, or its
    /// look-up panicked.
    Stopped(String, JobError),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResolveError::Unknown(host, reason) => write!(
                f,
                "host {host:?} has no address: check its spelling or give a numeric address \
                 ({reason})"
            ),
            ResolveError::Empty(host, family) => write!(
                f,
                "host {host:?} has no {family} address: getaddrinfo() returned empty list"
            ),
            ResolveError::Stopped(host, reason) => {
                write!(f, "host {host:?} was not looked up: {reason}")
            }
        }
    }
}

impl std::error::Error for ResolveError {}

/// For operations whose other failures are those of a socket. The resolver's error is inside.
impl From<ResolveError> for io::Error {
    fn from(error: ResolveError) -> io::Error {
        let kind = match &error {
            ResolveError::Unknown(_, reason) => reason.kind(),
            ResolveError::Empty(..) => io::ErrorKind::AddrNotAvailable,
            ResolveError::Stopped(..) => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests;
