//! Datagrams, over both selectors.

use crate::net::{both, kind, passes, register};
use chapter_04::{AsyncSocket, spawn};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};

fn udp() -> (AsyncSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (register(socket), address)
}

fn unix(name: Option<&str>) -> AsyncSocket {
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None).unwrap();
    if let Some(name) = name {
        socket.bind(&abstract_name(name)).unwrap();
    }
    register(socket)
}

fn abstract_name(name: &str) -> SockAddr {
    SockAddr::unix(format!("\0sockets-to-streams-{}-{name}", std::process::id())).unwrap()
}

/// SA-20: the count of what was sent; what was received and from whom; what has no room is cut off.
#[test]
fn a_datagram_comes_with_its_sender() {
    both(|_| async {
        let ((near, near_address), (far, far_address)) = (udp(), udp());
        assert_eq!(far.send_to(b"hello", near_address).await.unwrap(), 5);
        let (bytes, sender) = near.recv_from(100).await.unwrap();
        assert_eq!((&*bytes, sender.as_socket()), (&b"hello"[..], Some(far_address)));
        far.send_to(b"too long", near_address).await.unwrap();
        far.send_to(b"", near_address).await.unwrap();
        assert_eq!(&*near.recv_from(3).await.unwrap().0, b"too");
        assert_eq!(&*near.recv_from(3).await.unwrap().0, b"");
        let mut buffer = [0; 4];
        far.send_to(b"abc", near_address).await.unwrap();
        let (count, sender) = near.recv_from_into(&mut buffer).await.unwrap();
        assert_eq!((count, &buffer, sender.as_socket()), (3, b"abc\0", Some(far_address)));
        let oversized = kind(far.send_to(&[0; 70_000], near_address).await);
        assert!(oversized.is_err());
    });
}

/// SA-20: one report may stand for many datagrams, however short the first is; each receive gets
/// one of them.
#[test]
fn datagrams_that_come_together_are_all_received() {
    both(|_| async {
        let ((near, address), (far, _)) = (udp(), udp());
        let receiver = spawn(async move {
            let mut received = Vec::new();
            for _ in 0..3 {
                received.push(near.recv_from(100).await.unwrap().0.to_vec());
                // A connected program may not care for the sender.
                received.push(near.recv(100).await.unwrap().to_vec());
            }
            received
        });
        passes(3).await;
        for number in 0..6_u8 {
            far.send_to(&[number], address).await.unwrap();
        }
        assert_eq!(receiver.await.unwrap(), [[0], [1], [2], [3], [4], [5]]);
    });
}

/// SA-20: the addresses of Unix sockets, with a name and without.
#[test]
fn a_unix_datagram_comes_with_its_sender() {
    both(|_| async {
        let (near, named, unnamed) = (unix(Some("near")), unix(Some("named")), unix(None));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("path");
        let at_path = Socket::new(Domain::UNIX, Type::DGRAM, None).unwrap();
        at_path.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        let at_path = register(at_path);
        for socket in [&named, &unnamed, &at_path] {
            socket.send_to(b"x", abstract_name("near")).await.unwrap();
        }
        let (_, sender) = near.recv_from(10).await.unwrap();
        near.send_to(b"back", sender).await.unwrap();
        assert_eq!(&*named.recv_from(10).await.unwrap().0, b"back");
        assert!(near.recv_from(10).await.unwrap().1.is_unnamed());
        let (_, sender) = near.recv_from(10).await.unwrap();
        assert_eq!(sender.as_pathname(), Some(&*path));
        let nobody = near.send_to(b"x", abstract_name("nobody")).await;
        assert_eq!(kind(nobody), Err(ErrorKind::ConnectionRefused));
    });
}

/// The kernel does not say when the queue of a Unix receiver has room again: the sender waits all
/// the same, and each datagram arrives once.
#[test]
fn a_send_waits_for_room_in_the_queue_of_a_unix_receiver() {
    both(|_| async {
        let (near, far) = (unix(Some("full")), unix(None));
        let sender = spawn(async move {
            for number in 0..100_u16 {
                far.send_to(&number.to_be_bytes(), abstract_name("full")).await.unwrap();
            }
        });
        passes(50).await;
        assert!(!sender.is_finished(), "the queue takes fewer datagrams than that");
        for number in 0..100_u16 {
            assert_eq!(&*near.recv_from(10).await.unwrap().0, &number.to_be_bytes());
        }
        sender.await.unwrap();
    });
}

/// SA-20: connected datagram sockets; each send is a datagram, and the kernel says when there is
/// room.
#[test]
fn a_connected_sender_is_told_of_room() {
    both(|_| async {
        let (near, far) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
        let (near, far) = (register(near), register(far));
        let sender = spawn(async move {
            for number in 0..2_000_u16 {
                far.send_all(&number.to_be_bytes()).await.unwrap();
            }
        });
        passes(50).await;
        assert!(!sender.is_finished(), "the queue takes fewer datagrams than that");
        for number in 0..2_000_u16 {
            assert_eq!(&*near.recv(10).await.unwrap(), &number.to_be_bytes());
        }
        sender.await.unwrap();
    });
}
