//! The race over real sockets and both selectors. Descriptors are counted.

use crate::alone::alone;
use crate::black_hole::BlackHole;
use crate::cancel::{dropped_at, moments};
use crate::net::{both, event_loop, tcp_listener, unconnected};
use chapter_04::AsyncSocket;
use chapter_05::{ConnectErrors, RaceOptions, connect_any};
use socket2::{Domain, Socket, Type};
use std::cell::Cell;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

/// How many descriptors are open, and how many sources are registered.
fn holds() -> (usize, usize) {
    (fs::read_dir("/proc/self/fd").unwrap().count(), event_loop().census().sources)
}

async fn connect(address: SocketAddr) -> io::Result<AsyncSocket> {
    let socket = unconnected(address);
    socket.connect(address).await?;
    Ok(socket)
}

fn delay(milliseconds: u64) -> RaceOptions {
    RaceOptions { delay: Some(Duration::from_millis(milliseconds)), interleave: None }
}

/// An address on which nobody listens. It stays taken as long as its owner lives.
fn nobody() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

fn peer(socket: &AsyncSocket) -> SocketAddr {
    socket.as_socket().peer_addr().unwrap().as_socket().unwrap()
}

/// HE-04 and HE-05: a first address that swallows everything costs the delay, and its socket is
/// closed when the call returns. The kernel alone would take longer than the test may.
#[test]
fn a_black_holed_first_address_costs_one_delay() {
    let _alone = alone();
    both(|_| async {
        let hole = BlackHole::new();
        let (listener, address) = tcp_listener();
        let (descriptors, sources) = holds();
        let begin = event_loop().time();
        let socket = connect_any(vec![hole.address, address], delay(30), connect).await.unwrap();
        assert!(event_loop().time() - begin >= Duration::from_millis(30));
        assert_eq!(holds(), (descriptors + 1, sources + 1));
        assert_eq!(peer(&socket), address);
        let (client, _) = listener.accept().await.unwrap();
        socket.send_all(b"ping").await.unwrap();
        assert_eq!(&*client.recv(10).await.unwrap(), b"ping");
    });
}

/// HE-07 (D-19): both connections are made by the kernel before the loop asks for either. One socket
/// is left, and the client that is the other one is told the end.
#[test]
fn d_19_of_two_winners_one_socket_is_left() {
    let _alone = alone();
    both(|_| async {
        let (first, first_address) = tcp_listener();
        let (second, second_address) = tcp_listener();
        let before = holds();
        let winners = Cell::new(0);
        let addresses = vec![first_address, second_address];
        let connected = connect_any(addresses, delay(0), async |address| {
            let socket = connect(address).await?;
            // The one that is first waits for the other, so that both end in the same turn.
            winners.set(winners.get() + 1);
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if winners.get() == 2 {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
            Ok(socket)
        });
        let socket = connected.await.unwrap();
        assert_eq!(winners.get(), 2);
        assert_eq!(holds(), (before.0 + 1, before.1 + 1));
        let loser = if peer(&socket) == first_address { second } else { first };
        let (client, _) = loser.accept().await.unwrap();
        assert_eq!(&*client.recv(10).await.unwrap(), b"");
    });
}

/// HE-07 (D-19): whoever gives up, at whichever turn, leaves no descriptor behind.
#[test]
fn d_19_a_race_that_is_dropped_leaves_no_descriptor() {
    let _alone = alone();
    both(|_| async {
        let hole = BlackHole::new();
        let (_taken, nobody) = nobody();
        let (_listener, address) = tcp_listener();
        let mut dropped = 0;
        for moment in moments() {
            let before = holds();
            let addresses = vec![hole.address, nobody, hole.address, address];
            let connected = dropped_at(moment, connect_any(addresses, delay(1), connect)).await;
            let is_done = connected.map(|connected| connected.map(drop).unwrap()).is_some();
            assert_eq!(holds(), before, "{moment:?}: descriptors and sources");
            if is_done {
                break;
            }
            dropped += 1;
        }
        // Before the race, with one attempt, with two or three.
        assert!(dropped >= 3, "it was dropped at {dropped} moments only");
    });
}

/// CC-02, CC-03 and HE-06: when all are refused, each error names its address, in their order, and
/// every socket is closed.
#[test]
fn when_all_are_refused_the_error_names_every_address() {
    let _alone = alone();
    both(|_| async {
        let (one, two) = (nobody(), nobody());
        for options in [RaceOptions::default(), delay(0), delay(1000)] {
            let before = holds();
            let refused = connect_any(vec![one.1, two.1], options, connect).await;
            let errors: ConnectErrors = refused.map(drop).unwrap_err();
            assert_eq!(holds(), before);
            assert_eq!(errors.kind(), ErrorKind::ConnectionRefused);
            assert_eq!(errors.errors().len(), 2);
            for (error, (_, address)) in errors.errors().iter().zip([&one, &two]) {
                assert!(error.to_string().contains(&address.to_string()), "{error}");
            }
            assert!(io::Error::from(errors).to_string().starts_with("Multiple exceptions: "));
        }
    });
}
