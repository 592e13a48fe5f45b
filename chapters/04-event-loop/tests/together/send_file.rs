//! Files that are sent, over both selectors: by the kernel, and read by the executor where the
//! kernel cannot.

use crate::cancel::{dropped_at, moments};
use crate::net::{both, fill, kind, passes, register, reset, tcp_pair};
use chapter_04::{AsyncSocket, spawn, yield_now};
use socket2::{Domain, Socket, Type};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, Write};
use std::net::UdpSocket;

/// A file that the kernel does not send, and what is in it.
const UNSENDABLE: &str = "/proc/self/cmdline";

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn bytes(count: u32) -> Vec<u8> {
    (0..count).map(|number| (number / 7) as u8).collect()
}

/// Receives until the end, a little at a time.
async fn collect(far: AsyncSocket) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let received = far.recv(40_000).await.unwrap();
        if received.is_empty() {
            return bytes;
        }
        bytes.extend_from_slice(&received);
        yield_now().await;
    }
}

/// The part that is asked for is sent, and the file's position ends behind it, wherever it was.
#[test]
fn a_part_of_a_file_is_sent_and_the_position_is_behind_it() {
    both(|_| async {
        let all = bytes(3_000_000);
        let cases = [
            (0, None, 0..3_000_000),
            (10, Some(20), 10..30),
            (1_000_000, None, 1_000_000..3_000_000),
            (2_999_990, Some(1000), 2_999_990..3_000_000),
            (0, Some(1_000_000), 0..1_000_000),
        ];
        for (offset, count, expected) in cases {
            let (near, far) = tcp_pair();
            let receiver = spawn(collect(register(far)));
            let mut file = file(&all);
            let sent = near.send_file(&file, offset, count).await.unwrap();
            assert_eq!(sent, expected.len() as u64);
            assert_eq!(file.stream_position().unwrap(), expected.end as u64);
            drop(near);
            assert!(receiver.await.unwrap() == all[expected]);
        }
    });
}

/// SF-02: the same for a file that the kernel does not send.
#[test]
fn a_file_that_the_kernel_does_not_send_is_read_and_sent() {
    both(|_| async {
        for (offset, count) in [(0, None), (2, None), (1, Some(3)), (0, Some(1 << 40))] {
            let mut file = File::open(UNSENDABLE).unwrap();
            let mut whole = Vec::new();
            file.read_to_end(&mut whole).unwrap();
            file.rewind().unwrap();
            let end = whole.len().min(count.map_or(whole.len(), |count| offset + count));
            let (near, far) = tcp_pair();
            let receiver = spawn(collect(register(far)));
            let sent = near.send_file(&file, offset as u64, count.map(|c| c as u64)).await;
            assert_eq!(sent.unwrap(), (end - offset) as u64);
            assert_eq!(file.stream_position().unwrap(), end as u64);
            drop(near);
            assert_eq!(receiver.await.unwrap(), &whole[offset..end]);
        }
    });
    let socket = tcp();
    let refused = rustix::fs::sendfile(&socket, File::open(UNSENDABLE).unwrap(), None, 1);
    assert_eq!(refused, Err(rustix::io::Errno::INVAL), "it has to be another file for this test");
}

fn tcp() -> Socket {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap().into()
}

/// Nothing is there, so nothing is sent, and the position is left alone.
#[test]
fn beyond_the_end_of_a_file_is_nothing() {
    both(|_| async {
        let (near, _far) = tcp_pair();
        let mut file = file(b"0123456789");
        for (offset, count) in [(10, None), (1 << 40, None), (u64::MAX >> 1, Some(5))] {
            assert_eq!(near.send_file(&file, offset, count).await.unwrap(), 0);
            assert_eq!(file.stream_position().unwrap(), 0);
        }
    });
}

#[test]
fn what_cannot_be_meant_is_refused() {
    both(|_| async {
        let (near, _far) = tcp_pair();
        let whole = file(b"0123456789");
        let refused = near.send_file(&whole, 0, Some(0)).await;
        assert_eq!(kind(refused), Err(ErrorKind::InvalidInput));
        let refused = near.send_file(&whole, 1 << 63, None).await;
        assert_eq!(kind(refused), Err(ErrorKind::InvalidInput));
        let udp = register(UdpSocket::bind("127.0.0.1:0").unwrap());
        let refused = udp.send_file(&whole, 0, None).await;
        assert_eq!(kind(refused), Err(ErrorKind::InvalidInput));
        let directory = File::open("/proc/self").unwrap();
        assert!(near.send_file(&directory, 0, None).await.is_err());
    });
}

/// SF-03: the peer goes while the file is sent; the position tells how far it came.
#[test]
fn a_peer_that_goes_is_an_error() {
    both(|_| async {
        let (near, far) = tcp_pair();
        let all = file(&bytes(10_000_000));
        let mut position = all.try_clone().unwrap();
        let sending = spawn(async move { kind(near.send_file(&all, 5, None).await) });
        passes(5).await;
        reset(far);
        let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        assert!(gone.contains(&sending.await.unwrap().unwrap_err()));
        assert!(position.stream_position().unwrap() > 5);
        for file in [file(b"short"), File::open(UNSENDABLE).unwrap()] {
            let (near, far) = tcp_pair();
            fill(near.as_socket());
            let sending = spawn(async move { kind(near.send_file(&file, 0, None).await) });
            passes(3).await;
            reset(far);
            assert!(gone.contains(&sending.await.unwrap().unwrap_err()));
        }
    });
}

/// Dropped at any step: what has arrived is the part of the file up to its position.
#[test]
fn a_file_whose_send_is_dropped_says_how_far_it_came() {
    both(|_| async {
        let all = bytes(1_500_000);
        for moment in moments() {
            let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
            let (near, receiver) = (register(near), spawn(collect(register(far))));
            let mut file = file(&all);
            let sent = dropped_at(moment, near.send_file(&file, 100, None)).await;
            drop(near);
            let received = receiver.await.unwrap();
            let end = 100 + received.len();
            assert!(received == all[100..end], "{moment:?}");
            let position = file.stream_position().unwrap() as usize;
            assert_eq!(position, if received.is_empty() { 0 } else { end }, "{moment:?}");
            if let Some(sent) = sent {
                assert_eq!(sent.unwrap() as usize, all.len() - 100);
                break;
            }
        }
    });
}
