use crate::address::Address;
use crate::any_protocol::ProtocolKind;
use crate::server::{Listener, Server};
use crate::server_options::BACKLOG;
use crate::unix_path::{PathGuard, bind_path};
use crate::unix_target::{UnixTarget, abstract_address, check_unix_stream, new_socket};
use socket2::Socket;
use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};

/// Where a Unix server listens, and how; see [`create_unix_server`].
#[derive(Debug)]
#[must_use = "it says where to listen: give it to create_unix_server"]
pub struct UnixServerOptions {
    target: UnixTarget,
    backlog: i32,
    start_serving: bool,
    cleanup: bool,
}

impl UnixServerOptions {
    /// A path, at which a socket is made.
    pub fn path(path: impl Into<PathBuf>) -> UnixServerOptions {
        UnixServerOptions::at(UnixTarget::Path(path.into()))
    }

    /// An abstract name, which is no file: nothing is found there before, and nothing left behind
    /// (Linux). The zero byte that the kernel wants in front is added.
    pub fn abstract_name(name: impl Into<Vec<u8>>) -> UnixServerOptions {
        UnixServerOptions::at(UnixTarget::Abstract(name.into()))
    }

    /// A Unix stream socket that is bound already, in whichever mode.
    #[doc(alias = "sock")]
    pub fn socket(socket: Socket) -> UnixServerOptions {
        UnixServerOptions::at(UnixTarget::Socket(socket))
    }

    fn at(target: UnixTarget) -> UnixServerOptions {
        UnixServerOptions { target, backlog: BACKLOG, start_serving: true, cleanup: true }
    }

    /// How many finished connections the kernel keeps until they are accepted, by default 100
    /// (CS-08). Who comes when it is full waits, or is told to try again.
    pub fn backlog(self, backlog: i32) -> UnixServerOptions {
        UnixServerOptions { backlog, ..self }
    }

    /// Whether the server begins to serve before `create_unix_server` returns. Default: yes. Without
    /// it, who connects is refused until [`start_serving`](Server::start_serving) (SV-01).
    pub fn start_serving(self, start_serving: bool) -> UnixServerOptions {
        UnixServerOptions { start_serving, ..self }
    }

    /// Whether the path is removed when the server is closed, if it still leads to this server's
    /// socket (UX-03). Default: yes.
    #[doc(alias = "cleanup_socket")]
    pub fn cleanup(self, cleanup: bool) -> UnixServerOptions {
        UnixServerOptions { cleanup, ..self }
    }
}

impl From<&str> for UnixServerOptions {
    fn from(path: &str) -> UnixServerOptions {
        UnixServerOptions::path(path)
    }
}

impl From<&Path> for UnixServerOptions {
    fn from(path: &Path) -> UnixServerOptions {
        UnixServerOptions::path(path)
    }
}

impl From<PathBuf> for UnixServerOptions {
    fn from(path: PathBuf) -> UnixServerOptions {
        UnixServerOptions::path(path)
    }
}

impl From<Socket> for UnixServerOptions {
    fn from(socket: Socket) -> UnixServerOptions {
        UnixServerOptions::socket(socket)
    }
}

/// Makes a server on a Unix socket. Everything but the address is as with
/// [`create_server`](crate::create_server).
///
/// What a server that has crashed has left at the path is removed first (UX-01). A path that another
/// program has is never taken from it, whether that listens or is only bound (D-31), and a file that
/// is no socket is left as it is; symbolic links are not followed.
///
/// Dropping this before it is done closes the server, and with it removes the path.
///
/// # Errors
///
/// `AddrInUse` if something is at the path that cannot be removed; the text says what. Or what
/// `bind(2)` says, such as `NotFound` for a directory that is not there. Both name the path. An
/// adopted socket is no Unix stream socket.
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
pub async fn create_unix_server<P: ProtocolKind>(
    factory: impl FnMut() -> P + 'static,
    at: impl Into<UnixServerOptions>,
) -> io::Result<Server> {
    let UnixServerOptions { target, backlog, start_serving, cleanup } = at.into();
    let server = Server::new(vec![bind(target, cleanup)?], backlog, factory);
    if start_serving {
        server.start_serving().await?;
    }
    Ok(server)
}

fn bind(target: UnixTarget, cleanup: bool) -> io::Result<Listener> {
    let socket = match target {
        UnixTarget::Path(path) => {
            let socket = new_socket()?;
            bind_path(&socket, &path)?;
            socket
        }
        UnixTarget::Abstract(name) => {
            let (socket, address) = (new_socket()?, abstract_address(&name)?);
            socket.bind(&address).map_err(|error| {
                let text = format!("cannot listen at {}: {error}", Address::from(address));
                io::Error::new(error.kind(), text)
            })?;
            socket
        }
        UnixTarget::Socket(socket) => {
            check_unix_stream(&socket)?;
            socket.set_nonblocking(true)?;
            socket
        }
    };
    let address = Address::from(socket.local_addr()?);
    let guard = match &address {
        Address::Path(path) if cleanup => Some(Box::new(PathGuard::new(path)?) as Box<dyn Any>),
        _ => None,
    };
    Ok(Listener { socket, address, guard })
}
