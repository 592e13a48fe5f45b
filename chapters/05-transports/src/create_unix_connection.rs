use crate::any_protocol::ProtocolKind;
use crate::open::{Connection, connect_accepted_socket, open};
use crate::unix_target::{
    UnixTarget, abstract_address, check_unix_stream, new_socket, path_address,
};
use chapter_04::AsyncSocket;
use socket2::{SockAddr, Socket};
use std::io;
use std::path::{Path, PathBuf};

/// What [`create_unix_connection`] connects to.
#[derive(Debug)]
#[must_use = "it says where to connect to: give it to create_unix_connection"]
pub struct UnixConnectOptions {
    target: UnixTarget,
}

impl UnixConnectOptions {
    /// The socket at a path.
    pub fn path(path: impl Into<PathBuf>) -> UnixConnectOptions {
        UnixConnectOptions { target: UnixTarget::Path(path.into()) }
    }

    /// The socket with an abstract name, which is no file (Linux). The zero byte that the kernel
    /// wants in front is added.
    pub fn abstract_name(name: impl Into<Vec<u8>>) -> UnixConnectOptions {
        UnixConnectOptions { target: UnixTarget::Abstract(name.into()) }
    }

    /// A Unix stream socket that is connected already.
    #[doc(alias = "sock")]
    pub fn socket(socket: Socket) -> UnixConnectOptions {
        UnixConnectOptions { target: UnixTarget::Socket(socket) }
    }
}

impl From<&str> for UnixConnectOptions {
    fn from(path: &str) -> UnixConnectOptions {
        UnixConnectOptions::path(path)
    }
}

impl From<&Path> for UnixConnectOptions {
    fn from(path: &Path) -> UnixConnectOptions {
        UnixConnectOptions::path(path)
    }
}

impl From<PathBuf> for UnixConnectOptions {
    fn from(path: PathBuf) -> UnixConnectOptions {
        UnixConnectOptions::path(path)
    }
}

impl From<Socket> for UnixConnectOptions {
    fn from(socket: Socket) -> UnixConnectOptions {
        UnixConnectOptions::socket(socket)
    }
}

/// Connects to a Unix socket; everything else is as with
/// [`create_connection`](crate::create_connection), but that there is one attempt and one error.
///
/// # Errors
///
/// Those of `connect(2)`, with the path or the name: `NotFound` where there is no such path,
/// `ConnectionRefused` where nobody listens. The rest is as in `create_connection`.
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
pub async fn create_unix_connection<P: ProtocolKind>(
    factory: impl FnOnce() -> P,
    to: impl Into<UnixConnectOptions>,
) -> io::Result<Connection<P>> {
    let address = match to.into().target {
        UnixTarget::Path(path) => path_address(&path)?,
        UnixTarget::Abstract(name) => abstract_address(&name)?,
        UnixTarget::Socket(socket) => {
            check_unix_stream(&socket)?;
            return connect_accepted_socket(factory, socket).await;
        }
    };
    open(factory, connect(address).await?).await
}

async fn connect(address: SockAddr) -> io::Result<Socket> {
    let socket = AsyncSocket::new(new_socket()?)?;
    socket.connect(address).await?;
    Ok(socket.into_socket())
}
