//! A listener for a server, and clients of it that block.

use chapter_01::{listen, local_address};
use socket2::Socket;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any test may take.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn listener() -> (Socket, SocketAddr) {
    let listener = listen("127.0.0.1:0".parse().unwrap(), 16).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = local_address(&listener).unwrap();
    (listener, address)
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client
}
