use crate::race_connect::RaceOptions;
use chapter_04::Family;
use socket2::Socket;
use std::net::SocketAddr;

/// What [`create_connection`](crate::create_connection) connects to, and how. A host, some addresses
/// or a socket, and never two of them (CC-01).
///
/// A socket is connected already, so how to connect has no effect on it.
///
/// ```
/// use chapter_04::Family;
/// use chapter_05::{ConnectOptions, RECOMMENDED_DELAY, RaceOptions};
///
/// let race = RaceOptions { delay: Some(RECOMMENDED_DELAY), ..Default::default() };
/// let options = ConnectOptions::host("localhost", 8000).race(race).local_address("127.0.0.1", 0);
/// let shorter = ConnectOptions::from(("localhost", 8000)).family(Family::V4);
/// # drop((options, shorter));
/// ```
#[derive(Debug)]
#[must_use = "it says where to connect to: give it to create_connection"]
pub struct ConnectOptions {
    pub(crate) target: Target,
    pub(crate) family: Family,
    pub(crate) local: Option<(String, u16)>,
    pub(crate) race: RaceOptions,
}

#[derive(Debug)]
pub(crate) enum Target {
    Host(String, u16),
    Addresses(Vec<SocketAddr>),
    Socket(Socket),
}

impl ConnectOptions {
    /// The addresses of a host, in the order of the resolver's preference (CC-02).
    pub fn host(host: impl Into<String>, port: u16) -> ConnectOptions {
        ConnectOptions::new(Target::Host(host.into(), port))
    }

    /// These addresses, in this order. A host may have several, and somebody else may have looked
    /// them up.
    pub fn addresses(addresses: impl Into<Vec<SocketAddr>>) -> ConnectOptions {
        ConnectOptions::new(Target::Addresses(addresses.into()))
    }

    /// A stream socket that is connected already.
    #[doc(alias = "sock")]
    pub fn socket(socket: Socket) -> ConnectOptions {
        ConnectOptions::new(Target::Socket(socket))
    }

    fn new(target: Target) -> ConnectOptions {
        ConnectOptions { target, family: Family::Any, local: None, race: RaceOptions::default() }
    }

    /// Tries addresses of one family only. The default is any.
    pub fn family(self, family: Family) -> ConnectOptions {
        ConnectOptions { family, ..self }
    }

    /// Binds each socket to the first address of this host that can be had, of those of the family
    /// that it connects to (CC-04). Port 0 lets the kernel choose; of the attempts that are under way
    /// at the same time, only one can have any other.
    #[doc(alias = "local_addr")]
    pub fn local_address(self, host: impl Into<String>, port: u16) -> ConnectOptions {
        ConnectOptions { local: Some((host.into(), port)), ..self }
    }

    /// How to go through several addresses. The default is one after another (HE-01).
    #[doc(alias = "happy_eyeballs_delay")]
    pub fn race(self, race: RaceOptions) -> ConnectOptions {
        ConnectOptions { race, ..self }
    }
}

impl From<(&str, u16)> for ConnectOptions {
    fn from((host, port): (&str, u16)) -> ConnectOptions {
        ConnectOptions::host(host, port)
    }
}

impl From<SocketAddr> for ConnectOptions {
    fn from(address: SocketAddr) -> ConnectOptions {
        ConnectOptions::addresses([address])
    }
}

impl From<Socket> for ConnectOptions {
    fn from(socket: Socket) -> ConnectOptions {
        ConnectOptions::socket(socket)
    }
}
