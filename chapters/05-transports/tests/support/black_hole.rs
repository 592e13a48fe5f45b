//! An address that swallows those who connect to it, without a network.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use crate::net::LIMIT;

/// A listener that accepts nobody and whose queue is full: the kernel drops each further request to
/// connect, without a word. Who connects tries again for about two minutes.
pub(crate) struct BlackHole {
    pub(crate) address: SocketAddr,
    _listener: socket2::Socket,
    /// The one client that fills a queue of length 0, which has a place for one.
    _client: TcpStream,
}

impl BlackHole {
    pub(crate) fn new() -> BlackHole {
        let listener = chapter_01::listen("127.0.0.1:0".parse().unwrap(), 0).unwrap();
        let address = chapter_01::local_address(&listener).unwrap();
        let client = TcpStream::connect(address).unwrap();
        let begin = Instant::now();
        while queued(address.port()) == 0 {
            assert!(begin.elapsed() < LIMIT, "the client is never queued");
            thread::yield_now();
        }
        BlackHole { address, _listener: listener, _client: client }
    }
}

/// How many connections wait to be accepted: the kernel shows it as what a listening socket has to
/// receive.
fn queued(port: u16) -> u32 {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!("0100007F:{port:04X}");
    // Number, local and remote address, state (0A: it listens), bytes to send : bytes to receive.
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.into_iter().find(|row| row[1] == local && row[3] == "0A").unwrap();
    u32::from_str_radix(row[4].split_once(':').unwrap().1, 16).unwrap()
}
