//! Sockets and loops for tests over the real kernel.

#![allow(dead_code, reason = "each test file uses a part of this")]

#[path = "limit.rs"]
pub(crate) mod limit;

use chapter_03::SelectorKind;
use chapter_04::{AsyncSocket, LoopHandle, run_with, running_loop, timeout, yield_now};
pub(crate) use limit::{LIMIT, within};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Runs a test over both selectors. It fails if it takes too long, also if it blocks the loop.
pub(crate) fn both<F>(test: impl Fn(SelectorKind) -> F + Copy + Send + 'static)
where
    F: Future<Output = ()> + 'static,
{
    for kind in [SelectorKind::Mio, SelectorKind::Polling] {
        within(2 * LIMIT, &format!("{kind}: the loop is blocked"), move || {
            let outcome = run_with(kind, async move { timeout(LIMIT, test(kind)).await });
            outcome
                .unwrap_or_else(|error| panic!("over {kind}: {error}"))
                .expect("the test ends in time");
        });
    }
}

pub(crate) fn event_loop() -> LoopHandle {
    running_loop().unwrap()
}

/// Lets the loop ask the kernel a few times.
pub(crate) async fn passes(count: usize) {
    for _ in 0..count {
        yield_now().await;
    }
}

pub(crate) fn register(socket: impl Into<Socket>) -> AsyncSocket {
    let socket = socket.into();
    socket.set_nonblocking(true).unwrap();
    AsyncSocket::new(socket).unwrap()
}

/// Two connected stream sockets; the far one blocks.
pub(crate) fn unix_pair() -> (AsyncSocket, Socket) {
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
    (register(near), far)
}

/// The same over TCP.
pub(crate) fn tcp_pair() -> (AsyncSocket, Socket) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (near, _) = listener.accept().unwrap();
    (register(near), far.into())
}

pub(crate) fn tcp_listener() -> (AsyncSocket, SocketAddr) {
    let listener = chapter_01::listen("127.0.0.1:0".parse().unwrap(), 1024).unwrap();
    let address = chapter_01::local_address(&listener).unwrap();
    (register(listener), address)
}

/// A TCP socket of the family of an address that is not connected yet.
pub(crate) fn unconnected(address: SocketAddr) -> AsyncSocket {
    let domain = SockAddr::from(address).domain();
    register(Socket::new(domain, Type::STREAM, None).unwrap())
}

/// Makes the next close of a socket a reset.
pub(crate) fn reset(socket: Socket) {
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
}

/// Sends until the kernel takes no more, and says how much that was.
pub(crate) fn fill(socket: &Socket) -> usize {
    let mut sent = 0;
    socket.set_nonblocking(true).unwrap();
    loop {
        match socket.send(&[0; 4096]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return sent,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Receives that many bytes from a blocking socket.
pub(crate) fn drain(mut socket: &Socket, count: usize) -> Vec<u8> {
    use std::io::Read;
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let mut bytes = vec![0; count];
    socket.read_exact(&mut bytes).unwrap();
    bytes
}

pub(crate) fn kind<T>(outcome: io::Result<T>) -> Result<T, ErrorKind> {
    outcome.map_err(|error| error.kind())
}
