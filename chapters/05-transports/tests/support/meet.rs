//! Two ends of a connection over the real kernel.

#![allow(dead_code, reason = "each test file uses a part of this")]

use super::net::register;
use chapter_04::AsyncSocket;
use chapter_05::{Connection, ProtocolKind, connect_accepted_socket};
use socket2::{Domain, Socket, Type};
use std::net::{TcpListener, TcpStream};

/// Two connected sockets; both block.
pub(crate) fn tcp() -> (Socket, Socket) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0.into(), far.into())
}

/// The same, of the other family.
pub(crate) fn unix() -> (Socket, Socket) {
    Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap()
}

/// Connects a protocol over TCP, and gives the far end.
pub(crate) async fn meet<P: ProtocolKind>(protocol: P) -> (Connection<P>, AsyncSocket) {
    let (near, far) = tcp();
    (connect_accepted_socket(|| protocol, near).await.unwrap(), register(far))
}

/// Everything that comes until the end of file.
pub(crate) async fn receive_all(far: &AsyncSocket) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let bytes = far.recv(64 * 1024).await.unwrap();
        if bytes.is_empty() {
            return all;
        }
        all.extend_from_slice(&bytes);
    }
}

/// Bytes that show where they belong.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place % 251) as u8).collect()
}
