//! Connects and servers that are given up, at each step: no descriptor, source, timer or task is left.
//! Descriptors are counted.

use crate::black_hole::BlackHole;
use crate::caller::{Caller, Notes, counted, holds};
use crate::cancel::{Moment, dropped_at, moments};
use crate::guests::{Book, until};
use crate::net::{event_loop, register, tcp_listener, unix_pair};
use chapter_04::{Resolver, timeout};
use chapter_05::{
    ConnectOptions, Connection, RaceOptions, connect_accepted_socket, create_connection,
    create_unix_connection, create_unix_server,
};
use socket2::Socket;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

/// How far the attempts had come that were given up.
#[derive(Debug, Default, PartialEq, Eq)]
struct Dropped {
    /// There was no protocol: it was resolving or connecting.
    before_the_factory: usize,
    /// The protocol was there, but was told nothing.
    before_made: usize,
    /// `connection_made` was called, and the caller was about to have the connection.
    made: usize,
}

/// Gives up at each moment, until at one the connection is there before that. Each time nothing is
/// left: at once where there was no protocol, else when that is told of the end of its connection.
async fn given_up<E: std::fmt::Debug>(
    connect: impl AsyncFn(&Notes) -> Result<Connection<Caller>, E>,
) -> Dropped {
    let mut dropped = Dropped::default();
    for moment in moments() {
        let (before, notes) = (holds(), Notes::new());
        let connected = dropped_at(moment, connect(&notes)).await;
        match (&connected, notes.all().as_slice()) {
            (Some(_), _) => {}
            (None, []) => dropped.before_the_factory += 1,
            (None, [_asked]) => dropped.before_made += 1,
            (None, _) => dropped.made += 1,
        }
        if let Some(connected) = &connected {
            connected.as_ref().unwrap().0.abort();
        }
        if !notes.all().is_empty() {
            until(|| notes.has("lost")).await;
            assert_eq!(notes.all(), ["asked", "made", "lost"], "{moment:?}");
        }
        assert_eq!(holds(), before, "{moment:?}: descriptors, sources, timers, tasks");
        if connected.is_some() {
            break;
        }
    }
    dropped
}

/// CC-06 and HE-07 (D-19): resolving two names, with one attempt, with two or three, making the
/// connection: whoever gives up leaves nothing.
#[test]
fn d_19_a_connect_that_is_given_up_leaves_nothing() {
    counted(|| async {
        let (hole, (_listener, address)) = (BlackHole::new(), tcp_listener());
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = taken.local_addr().unwrap();
        drop(taken);
        let (host, mine) = ([hole.address, nobody, address], SocketAddr::from(([127, 0, 0, 1], 0)));
        event_loop().set_resolver(Resolver::with_lookup(move |name, _| {
            Ok(if name == "mine" { vec![mine] } else { host.to_vec() })
        }));
        let race = RaceOptions { delay: Some(Duration::from_millis(1)), interleave: None };
        let connect = async |notes: &Notes| {
            let to = ConnectOptions::host("host", 80).local_address("mine", 0).race(race);
            create_connection(notes.factory(), to).await
        };
        let dropped = given_up(connect).await;
        // How many turns it takes is for the threads and the kernel to say, but the hole needs one.
        assert!(dropped.before_the_factory >= 3, "{dropped:?}");
    });
}

/// CC-06 and CC-08: the same where a socket is given that is connected already. A connection that is
/// made, and that nobody wants any more, is aborted.
#[test]
fn a_connection_that_is_given_up_while_it_is_made_is_closed() {
    counted(|| async {
        let connect = async |notes: &Notes| {
            let (near, _far) = unix_pair();
            connect_accepted_socket(notes.factory(), near.into_socket()).await
        };
        let expected = Dropped { before_the_factory: 1, before_made: 1, made: 1 };
        assert_eq!(given_up(connect).await, expected);
    });
}

/// CC-06: a time limit ends a connect to a host that swallows everything.
#[test]
fn a_connect_that_has_no_more_time_is_closed() {
    counted(|| async {
        let (hole, notes) = (BlackHole::new(), Notes::new());
        let before = holds();
        let connecting = create_connection(notes.factory(), hole.address);
        timeout(Duration::from_millis(1), connecting).await.map(drop).unwrap_err();
        assert_eq!(holds(), before);
        assert!(notes.all().is_empty());
    });
}

/// CC-06 and UX-06: the kernel lets nobody in to a Unix socket whose queue is full, and does not say
/// when it has room: the connect waits on a timer, which ends with it.
#[test]
fn a_connect_to_a_busy_unix_socket_can_be_given_up() {
    counted(|| async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("busy");
        let listener = Socket::from(UnixListener::bind(&path).unwrap());
        listener.listen(0).unwrap();
        let _first = UnixStream::connect(&path).unwrap();
        for moment in moments().take(5) {
            let (before, notes) = (holds(), Notes::new());
            let connecting = create_unix_connection(notes.factory(), &*path);
            assert!(dropped_at(moment, connecting).await.is_none());
            assert_eq!(holds(), before, "{moment:?}: descriptors, sources, timers, tasks");
        }
        let (listener, notes) = (register(listener), Notes::new());
        let connecting = async |notes: &Notes| {
            let connected = create_unix_connection(notes.factory(), &*path).await;
            drop(listener.take_client().await.unwrap());
            connected
        };
        drop(listener.take_client().await.unwrap());
        connecting(&notes).await.unwrap().0.abort();
        until(|| notes.has("lost")).await;
    });
}

/// CS-09 and UX-03: a server that is given up before it is there is closed, and its path is removed.
#[test]
fn a_unix_server_that_is_given_up_leaves_nothing() {
    counted(|| async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("echo");
        let mut dropped = Vec::new();
        for moment in moments() {
            let before = holds();
            let server =
                dropped_at(moment, create_unix_server(Book::new().factory(), &*path)).await;
            let is_done = server.map(|server| drop(server.unwrap())).is_some();
            assert!(!path.exists(), "{moment:?}");
            // A task that is cancelled ends in its next turn.
            until(|| holds() == before).await;
            if is_done {
                break;
            }
            dropped.push(moment);
        }
        let while_it_yields = [Moment::AfterPoll(0), Moment::BeforePoll(1)];
        assert_eq!(dropped[0], Moment::BeforePoll(0));
        assert_eq!(dropped[1..], while_it_yields);
    });
}
