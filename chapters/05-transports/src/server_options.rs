use chapter_04::Family;
use socket2::Socket;
use std::net::SocketAddr;

/// Where a server listens, and how; see [`create_server`](crate::create_server).
///
/// A host and an adopted socket exclude each other, and one of them is given: there is no other way
/// to make this (CS-01).
///
/// ```
/// use chapter_05::ServerOptions;
///
/// let everywhere = ServerOptions::any(8000).backlog(1024).keep_alive(true);
/// let here_only = ServerOptions::from(("localhost", 8000));
/// # drop((everywhere, here_only));
/// ```
#[derive(Debug)]
#[must_use = "it says where to listen: give it to create_server"]
pub struct ServerOptions {
    pub(crate) place: Place,
    pub(crate) binding: Binding,
    pub(crate) backlog: i32,
    pub(crate) start_serving: bool,
}

/// Where a server listens.
#[derive(Debug)]
pub(crate) enum Place {
    /// An empty name is any address of this machine.
    Hosts(Vec<String>, u16),
    Address(SocketAddr),
    /// It is bound already, and none of the options of binding concerns it.
    Socket(Socket),
}

/// How a socket is bound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding {
    pub(crate) family: Family,
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) keep_alive: bool,
    pub(crate) same_port: bool,
}

/// How many finished connections the kernel keeps until they are accepted, if nobody says (CS-08).
pub(crate) const BACKLOG: i32 = 100;

impl ServerOptions {
    /// Every address of a host; port 0 lets the kernel choose. The empty name is
    /// [`any`](ServerOptions::any) address.
    pub fn host(host: impl Into<String>, port: u16) -> ServerOptions {
        ServerOptions::hosts([host], port)
    }

    /// Every address of some hosts, each once.
    pub fn hosts<H: Into<String>>(hosts: impl IntoIterator<Item = H>, port: u16) -> ServerOptions {
        ServerOptions::at(Place::Hosts(hosts.into_iter().map(H::into).collect(), port))
    }

    /// Every address of this machine, of both families (CS-02).
    pub fn any(port: u16) -> ServerOptions {
        ServerOptions::host("", port)
    }

    /// A stream socket that is bound already, in whichever mode. The options of binding (family,
    /// reuse, keep-alive, same port) leave it as it is.
    #[doc(alias = "sock")]
    pub fn socket(socket: Socket) -> ServerOptions {
        ServerOptions::at(Place::Socket(socket))
    }

    fn at(place: Place) -> ServerOptions {
        let binding = Binding {
            family: Family::Any,
            reuse_address: true,
            reuse_port: false,
            keep_alive: false,
            same_port: false,
        };
        ServerOptions { place, binding, backlog: BACKLOG, start_serving: true }
    }

    /// Of which family the addresses of a host are taken. Default: both.
    pub fn family(mut self, family: Family) -> ServerOptions {
        self.binding.family = family;
        self
    }

    /// How many finished connections the kernel keeps for each listener until they are accepted,
    /// by default 100 (CS-08). Linux keeps one more.
    pub fn backlog(self, backlog: i32) -> ServerOptions {
        ServerOptions { backlog, ..self }
    }

    /// Whether old connections of the port, which the kernel remembers for a minute after their
    /// end, are no obstacle (`SO_REUSEADDR`). Default: they are none (CS-04).
    pub fn reuse_address(mut self, reuse: bool) -> ServerOptions {
        self.binding.reuse_address = reuse;
        self
    }

    /// Whether several servers that all say so may have the same port, and the kernel parts the
    /// clients among them (`SO_REUSEPORT`). Default: no (CS-04).
    pub fn reuse_port(mut self, reuse: bool) -> ServerOptions {
        self.binding.reuse_port = reuse;
        self
    }

    /// Whether the kernel asks silent peers now and then if they are still there (`SO_KEEPALIVE`).
    /// Accepted connections have this from their listener. Default: no (CS-04).
    pub fn keep_alive(mut self, keep_alive: bool) -> ServerOptions {
        self.binding.keep_alive = keep_alive;
        self
    }

    /// Whether the server begins to serve before `create_server` returns. Default: yes. Without
    /// it, who connects is refused until [`start_serving`](crate::Server::start_serving) (SV-01).
    pub fn start_serving(self, start_serving: bool) -> ServerOptions {
        ServerOptions { start_serving, ..self }
    }

    /// Whether all addresses get one port number where the kernel chooses (D-39). Default: each
    /// has one of its own (CS-06).
    pub fn same_port(mut self, same_port: bool) -> ServerOptions {
        self.binding.same_port = same_port;
        self
    }
}

impl From<(&str, u16)> for ServerOptions {
    fn from((host, port): (&str, u16)) -> ServerOptions {
        ServerOptions::host(host, port)
    }
}

impl From<SocketAddr> for ServerOptions {
    fn from(address: SocketAddr) -> ServerOptions {
        ServerOptions::at(Place::Address(address))
    }
}

impl From<Socket> for ServerOptions {
    fn from(socket: Socket) -> ServerOptions {
        ServerOptions::socket(socket)
    }
}
