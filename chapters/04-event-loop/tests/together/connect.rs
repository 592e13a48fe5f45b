//! Connecting, over both selectors.

use crate::net::{both, event_loop, kind, passes, register, tcp_listener, unconnected};
use chapter_04::{Either, Resolver, race, spawn, yield_now};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An address on which nobody listens. It stays taken as long as its owner lives.
fn nobody() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// SA-11: success says nothing more, and the connection carries bytes in both directions.
#[test]
fn a_connect_ends_with_a_connection() {
    both(|_| async {
        let (listener, address) = tcp_listener();
        let socket = unconnected(address);
        socket.connect(address).await.unwrap();
        let (client, _) = listener.accept().await.unwrap();
        socket.send_all(b"ping").await.unwrap();
        assert_eq!(&*client.recv(10).await.unwrap(), b"ping");
        client.send_all(b"pong").await.unwrap();
        assert_eq!(&*socket.recv(10).await.unwrap(), b"pong");
    });
}

/// A socket that is registered before it is connected is reported as hung up. That is not taken for
/// the end of the connect, whenever it is reported.
#[test]
fn a_socket_that_was_reported_as_hung_up_connects() {
    both(|_| async {
        let (listener, address) = tcp_listener();
        for reports in 0..4 {
            let socket = unconnected(address);
            passes(reports).await;
            socket.connect(address).await.unwrap();
            assert!(socket.as_socket().peer_addr().is_ok());
            let (client, _) = listener.accept().await.unwrap();
            client.send_all(b"hello").await.unwrap();
            assert_eq!(&*socket.recv(10).await.unwrap(), b"hello");
        }
    });
}

/// A connect that takes its time lets others run, and gives way to the end of the task: here the
/// listener's queue is full, so the answer to it never comes.
#[test]
fn a_connect_that_waits_lets_others_run() {
    both(|_| async {
        let listener = chapter_01::listen("127.0.0.1:0".parse().unwrap(), 0).unwrap();
        let address = chapter_01::local_address(&listener).unwrap();
        let mut waiting = Vec::new();
        let socket = loop {
            let socket = unconnected(address);
            let connecting = async { socket.connect(address).await.unwrap() };
            match race(connecting, passes(20)).await {
                Either::First(()) => waiting.push(socket),
                Either::Second(()) => break socket,
            }
        };
        assert!(socket.as_socket().peer_addr().is_err());
        assert_eq!(event_loop().census().sources, waiting.len() + 1);
        drop(socket);
        assert_eq!(event_loop().census().sources, waiting.len());
    });
}

/// SA-11: the error is of the kind that the kernel says, and names the address.
#[test]
fn a_refused_connect_names_the_address() {
    both(|_| async {
        let (_taken, address) = nobody();
        let refused = unconnected(address).connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert!(refused.to_string().contains(&address.to_string()), "{refused}");
        let no_such = SockAddr::unix("/no/such/socket").unwrap();
        let socket = register(Socket::new(Domain::UNIX, Type::STREAM, None).unwrap());
        let missing = socket.connect(no_such).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        assert!(missing.to_string().contains("/no/such/socket"), "{missing}");
    });
}

/// SA-11: a receive that waits for the same socket takes the error away from the connect. Both end.
#[test]
fn a_refused_connect_ends_although_a_receive_has_the_error() {
    both(|_| async {
        let (_taken, address) = nobody();
        let socket = Rc::new(unconnected(address));
        let (receiver, connector) = (Rc::clone(&socket), Rc::clone(&socket));
        let connecting = spawn(async move { kind(connector.connect(address).await) });
        let receiving = spawn(async move {
            yield_now().await;
            kind(receiver.recv(1).await.map(|bytes| bytes.len()))
        });
        let failed = connecting.await.unwrap().unwrap_err();
        let expected = [ErrorKind::ConnectionRefused, ErrorKind::ConnectionAborted];
        assert!(expected.contains(&failed), "{failed}");
        assert!(receiving.await.unwrap().is_err());
    });
}

/// A Unix listener whose queue is full does not say when there is room.
#[test]
fn a_connect_waits_for_room_in_the_queue_of_a_unix_listener() {
    both(|selector| async move {
        let name = format!("sockets-to-streams-{}-{selector}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let address = SockAddr::unix(format!("\0{name}")).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let client = || {
            let (socket, address) =
                (register(Socket::new(Domain::UNIX, Type::STREAM, None).unwrap()), address.clone());
            spawn(async move { socket.connect(address).await.map(|()| Some(socket)).unwrap() })
        };
        let clients = [client(), client(), client()];
        passes(5).await;
        assert!(!clients[2].is_finished());
        let acceptor = std::thread::spawn(move || {
            for _ in 0..3 {
                listener.accept().unwrap().0.write_all(b"welcome").unwrap();
            }
        });
        for client in clients {
            let socket = client.await.unwrap().unwrap();
            assert_eq!(&*socket.recv(10).await.unwrap(), b"welcome");
        }
        acceptor.join().unwrap();
    });
}

/// SA-10: a numeric host is not looked up; of a name, the first address of the socket's family is
/// tried, and no other.
#[test]
fn a_host_is_its_first_address_of_the_family() {
    both(|_| async {
        let lookups = Arc::new(AtomicUsize::new(0));
        let (listener, address) = tcp_listener();
        let count = Arc::clone(&lookups);
        event_loop().set_resolver(Resolver::with_lookup(move |host, port| {
            count.fetch_add(1, Ordering::Relaxed);
            let hosts = match host {
                "good" => vec!["::1", "127.0.0.1", "127.0.0.2"],
                "bad" => vec!["127.0.0.2", "127.0.0.1"],
                _ => vec!["::1"],
            };
            Ok(hosts.into_iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect())
        }));
        unconnected(address).connect_to("127.0.0.1", address.port()).await.unwrap();
        assert_eq!(lookups.load(Ordering::Relaxed), 0);
        unconnected(address).connect_to("good", address.port()).await.unwrap();
        for _ in 0..2 {
            listener.accept().await.unwrap();
        }
        let bad = unconnected(address).connect_to("bad", address.port()).await.unwrap_err();
        assert_eq!(bad.kind(), ErrorKind::ConnectionRefused);
        assert!(bad.to_string().contains("127.0.0.2"), "{bad}");
        let none = unconnected(address).connect_to("v6", address.port()).await;
        assert_eq!(kind(none), Err(ErrorKind::AddrNotAvailable));
        assert_eq!(lookups.load(Ordering::Relaxed), 3);
        let unix = register(Socket::new(Domain::UNIX, Type::STREAM, None).unwrap());
        assert_eq!(kind(unix.connect_to("good", 1).await), Err(ErrorKind::InvalidInput));
    });
}
