use crate::open::check_stream;
use socket2::{Domain, SockAddr, Socket, Type};
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What names a Unix socket: a path, an abstract name, or a socket that is there already, and never
/// two of them (UX-04).
#[derive(Debug)]
pub(crate) enum UnixTarget {
    Path(PathBuf),
    Abstract(Vec<u8>),
    Socket(Socket),
}

/// The address of a path.
///
/// # Errors
///
/// The path is empty, has a zero byte, or is longer than an address can be: 107 bytes on Linux.
pub(crate) fn path_address(path: &Path) -> io::Result<SockAddr> {
    let refuse = |advice: &str| {
        let text = format!("{path:?} is no path of a socket: {advice}");
        Err(io::Error::new(ErrorKind::InvalidInput, text))
    };
    if path.as_os_str().is_empty() {
        return refuse("it is empty");
    }
    if path.as_os_str().as_bytes().contains(&0) {
        return refuse("it has a zero byte; an abstract name is given as such");
    }
    SockAddr::unix(path).or_else(|error| refuse(&error.to_string()))
}

/// The address of an abstract name: a name with a zero byte in front, and no file (UX-07).
///
/// # Errors
///
/// It is longer than an address can be: 107 bytes on Linux.
pub(crate) fn abstract_address(name: &[u8]) -> io::Result<SockAddr> {
    let name = [&[0], name].concat();
    SockAddr::unix(OsStr::from_bytes(&name))
}

pub(crate) fn new_socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot open a Unix socket: {error}"))
    })?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Refuses what is no Unix stream socket (UX-04).
pub(crate) fn check_unix_stream(socket: &Socket) -> io::Result<()> {
    check_stream(socket)?;
    if socket.local_addr()?.is_unix() {
        return Ok(());
    }
    let advice = "a Unix socket is needed: make one of Domain::UNIX";
    Err(io::Error::new(ErrorKind::InvalidInput, advice))
}
