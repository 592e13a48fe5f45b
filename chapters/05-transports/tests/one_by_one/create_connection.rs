//! Connecting to a host, and what becomes of a socket that gets no connection. Descriptors are
//! counted.

use crate::black_hole::BlackHole;
use crate::caller::{self, First, Notes, counted, holds};
use crate::guests::{is_over, until};
use crate::net::{event_loop, tcp_listener};
use crate::watch::reports;
use chapter_04::{AsyncSocket, Family, Resolver};
use chapter_05::{
    Address, ConnectErrors, ConnectOptions, Connection, RaceOptions, connect_accepted_socket,
    create_connection,
};
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// An address that is reserved for documents, which no machine has.
const NOWHERE: &str = "203.0.113.1";

/// An address at which nobody listens. It stays taken as long as its owner lives.
fn nobody() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// Has the loop find these addresses for every name.
fn resolve_to(addresses: impl Into<Vec<SocketAddr>>) {
    let addresses = addresses.into();
    event_loop().set_resolver(Resolver::with_lookup(move |_, _| Ok(addresses.clone())));
}

async fn connect(
    to: impl Into<ConnectOptions>,
) -> Result<Connection<caller::Caller>, ConnectErrors> {
    create_connection(Notes::new().factory(), to).await
}

/// The error of a call that leaves nothing behind.
async fn refused(to: impl Into<ConnectOptions>) -> io::Error {
    let before = holds();
    let error = connect(to).await.map(drop).unwrap_err();
    assert_eq!(holds(), before);
    error.into()
}

fn race(milliseconds: u64) -> RaceOptions {
    RaceOptions { delay: Some(Duration::from_millis(milliseconds)), interleave: None }
}

async fn accept(listener: &AsyncSocket) -> (AsyncSocket, Address) {
    let (client, peer) = listener.accept().await.unwrap();
    (client, peer.into())
}

/// CC-05: the transport and the protocol are there when `connection_made` was called and nothing
/// else was, although bytes are waiting. Then they come.
#[test]
fn it_returns_after_connection_made_and_before_the_first_byte() {
    counted(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let socket = Socket::from(TcpStream::connect(address).unwrap());
        let (client, peer) = listener.accept().unwrap();
        SockRef::from(&client).send(b"early").unwrap();
        let notes = Notes::new();
        let (transport, protocol) = create_connection(notes.factory(), socket).await.unwrap();
        assert_eq!(notes.all(), ["asked", "made"]);
        assert_eq!(transport.local_address().ip(), Some(peer));
        assert_eq!(transport.peer_address().ip(), Some(address));
        protocol.with(|_| assert!(!transport.is_closing())).unwrap();
        until(|| notes.has("early")).await;
    });
}

/// CC-01: a host and a port, an address, several, or a socket; two of them cannot be written down.
/// TR-05, D-05: the socket does not wait for more bytes before it sends few.
#[test]
fn there_are_four_ways_to_say_where_to() {
    counted(|| async {
        let (listener, address) = tcp_listener();
        let ways: [&dyn Fn() -> ConnectOptions; 4] = [
            &|| ("127.0.0.1", address.port()).into(),
            &|| address.into(),
            &|| ConnectOptions::addresses([address, address]),
            &|| Socket::from(TcpStream::connect(address).unwrap()).into(),
        ];
        for way in ways {
            let (transport, _) = connect(way()).await.unwrap();
            let (client, peer) = accept(&listener).await;
            assert_eq!(*transport.peer_address(), address.into());
            assert_eq!(*transport.local_address(), peer);
            let mut has_no_delay = false;
            assert!(transport.with_descriptor(&mut |descriptor| {
                has_no_delay = SockRef::from(&descriptor).tcp_nodelay().unwrap();
            }));
            assert!(has_no_delay);
            transport.abort();
            assert!(is_over(&client).await);
        }
    });
}

/// CC-01: a socket that is no stream, or that is connected to nobody, is refused with an advice, and
/// closed.
#[test]
fn a_socket_that_is_no_connection_is_refused() {
    counted(|| async {
        let (datagrams, listening) = (Socket::new(Domain::IPV4, Type::DGRAM, None), nobody().0);
        listening.listen(1).unwrap();
        let unconnected = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let cases = [
            (datagrams.unwrap(), ErrorKind::InvalidInput, "a stream socket is needed: "),
            (listening, ErrorKind::NotConnected, "the socket has no peer: "),
            (unconnected, ErrorKind::NotConnected, "the socket has no peer: "),
        ];
        let before = holds();
        for (socket, kind, text) in cases {
            let notes = Notes::new();
            let refused = create_connection(notes.factory(), socket).await.map(drop);
            let error = io::Error::from(refused.unwrap_err());
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().starts_with(text), "{error}");
            assert!(notes.all().is_empty());
        }
        assert_eq!(holds()[0], before[0] - 3);
    });
}

/// CC-02: the addresses of a host are tried in the resolver's order. The first success wins, and the
/// sockets of those that have failed are closed. With `family` the others are left out.
#[test]
fn a_host_is_tried_in_the_order_of_its_addresses() {
    counted(|| async {
        let (_taken, nobody) = nobody();
        let (first, first_address) = tcp_listener();
        let (_second, second_address) = tcp_listener();
        let six = SocketAddr::from((Ipv6Addr::LOCALHOST, nobody.port()));
        resolve_to([nobody, first_address, second_address]);
        let before = holds();
        let (transport, _) = connect(("host", 80)).await.unwrap();
        assert_eq!(*transport.peer_address(), first_address.into());
        let mut after = before;
        after[0] += 1;
        after[1] += 1;
        assert_eq!(holds(), after);
        accept(&first).await;

        resolve_to([six, first_address]);
        let options = ConnectOptions::host("host", 80).family(Family::V4);
        let (transport, _) = connect(options).await.unwrap();
        assert_eq!(*transport.peer_address(), first_address.into());
        let options = ConnectOptions::addresses([six, first_address]).family(Family::V4);
        let (transport, _) = connect(options).await.unwrap();
        assert_eq!(*transport.peer_address(), first_address.into());
    });
}

/// CC-02, CC-03 and HE-06: when all have failed there are all errors, or one that names every address.
/// HE-08 (D-19): where there is nothing to attempt that is the error, and it names the host.
#[test]
fn when_nothing_answers_the_error_says_what_was_tried() {
    counted(|| async {
        let (one, two) = (nobody(), nobody());
        resolve_to([one.1, two.1]);
        for options in [RaceOptions::default(), race(0)] {
            let host = || ConnectOptions::host("host", 80).race(options);
            let errors = connect(host()).await.map(drop).unwrap_err();
            assert_eq!(errors.errors().len(), 2);
            let error = refused(host()).await;
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            let text = error.to_string();
            assert!(
                text.starts_with("Multiple exceptions: cannot connect to 127.0.0.1:"),
                "{text}"
            );
            for (_, address) in [&one, &two] {
                assert!(text.contains(&address.to_string()), "{text}");
            }
        }
        resolve_to([]);
        assert!(refused(("nowhere", 80)).await.to_string().starts_with("host \"nowhere\" has no "));
        let none = refused(ConnectOptions::addresses([])).await;
        assert_eq!(none.to_string(), "there is no address to connect to");
        let six = ConnectOptions::from(one.1).family(Family::V6);
        assert_eq!(refused(six).await.kind(), ErrorKind::InvalidInput);
    });
}

/// CC-04: the socket is bound before it connects. Local addresses of another family are skipped, and
/// so are those that cannot be had, as long as there are others.
#[test]
fn the_local_address_is_the_first_that_fits() {
    counted(|| async {
        let (listener, address) = tcp_listener();
        let options = ConnectOptions::from(address).local_address("127.0.0.2", 0);
        let (transport, _) = connect(options).await.unwrap();
        let (_, peer) = accept(&listener).await;
        assert_eq!(*transport.local_address(), peer);
        assert_eq!(peer.ip().unwrap().ip(), Ipv4Addr::new(127, 0, 0, 2));

        let local = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        resolve_to([local("::1"), local(NOWHERE), local("127.0.0.3"), local("127.0.0.4")]);
        let options = ConnectOptions::from(address).local_address("mine", 0);
        let (transport, _) = connect(options).await.unwrap();
        let (_, peer) = accept(&listener).await;
        assert_eq!(*transport.local_address(), peer);
        assert_eq!(peer.ip().unwrap().ip(), Ipv4Addr::new(127, 0, 0, 3));
    });
}

/// CC-04: a local address that does not fit, cannot be had or does not exist is an error that names
/// it. Each attempt has its own.
#[test]
fn a_local_address_that_cannot_be_had_is_named() {
    counted(|| async {
        let (_listener, address) = tcp_listener();
        let from = |local| ConnectOptions::from(address).local_address(local, 0);
        let cases = [
            (NOWHERE, format!("cannot connect to {address} from {NOWHERE}:0: ")),
            ("::1", format!("cannot connect to {address} from \"::1\": it has no IPv4 address ")),
        ];
        for (local, text) in cases {
            let error = refused(from(local)).await;
            assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
            assert!(error.to_string().starts_with(&text), "{error}");
        }
        let (_taken, taken) = nobody();
        let busy = ConnectOptions::from(address).local_address("127.0.0.1", taken.port());
        let error = refused(busy).await;
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&taken.to_string()), "{error}");
        resolve_to([]);
        assert!(refused(from("mine")).await.to_string().starts_with("host \"mine\" has no "));
        let both_fail = ConnectOptions::addresses([address, address]).local_address(NOWHERE, 0);
        assert_eq!(connect(both_fail).await.map(drop).unwrap_err().errors().len(), 2);
    });
}

/// The inverse of D-16 (CC-07): a factory that panics costs the connection, and nothing else. The
/// caller is told.
#[test]
fn d_16_a_factory_that_panics_leaves_no_socket() {
    counted(|| async {
        let (listener, address) = tcp_listener();
        let connected = || Socket::from(TcpStream::connect(address).unwrap()).into();
        let ways: [&dyn Fn() -> ConnectOptions; 2] = [&|| address.into(), &connected];
        for way in ways {
            let before = holds();
            let failing = || -> caller::Caller { panic!("no protocol today") };
            let error = create_connection(failing, way()).await.map(drop).unwrap_err();
            assert_eq!(error.to_string(), "the factory of protocols panicked: no protocol today");
            assert_eq!(holds(), before);
            assert!(is_over(&accept(&listener).await.0).await);
        }
    });
}

/// CC-08 and the inverse of D-07: where `connection_made` fails or panics, the transport is closed
/// before the caller is told, and `connection_lost` follows.
#[test]
fn d_07_a_protocol_that_wants_no_connection_gets_none() {
    counted(|| async {
        let reports = reports(&event_loop());
        let (listener, address) = tcp_listener();
        let cases = [
            (First::Fail, "I do not like it", "lost: I do not like it"),
            (First::Panic, "I am afraid", "lost: the protocol panicked: I am afraid"),
        ];
        for (first, reason, end) in cases {
            let (before, notes) = (holds(), Notes::new());
            let asking = notes.clone();
            let made = create_connection(move || asking.caller(first), address).await;
            let error = made.map(drop).unwrap_err();
            assert_eq!(error.to_string(), format!("connection_made failed: {reason}"));
            until(|| notes.has(end)).await;
            assert_eq!(notes.all(), ["asked", "made", end]);
            assert!(is_over(&accept(&listener).await.0).await);
            assert_eq!(holds(), before);
            let report = reports.take().remove(0).to_string();
            assert!(report.ends_with(reason), "{report}");
        }
    });
}

/// TR-03 and CC-05: a connection that was closed by its own `connection_made` is one. It is lost when
/// its caller has it, in the order of asyncio.
#[test]
fn a_connection_that_is_closed_at_once_is_given_to_the_caller() {
    counted(|| async {
        let ((_listener, address), notes) = (tcp_listener(), Notes::new());
        let asking = notes.clone();
        let made = create_connection(move || asking.caller(First::Close), address).await;
        assert!(made.unwrap().0.is_closing());
        assert_eq!(notes.all(), ["asked", "made", "lost"]);
    });
}

/// CC-09: a socket that somebody else has accepted becomes a connection, even if it is in blocking
/// mode.
#[test]
fn a_socket_that_was_accepted_elsewhere_is_adopted() {
    counted(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (outside, notes) = (Notes::new(), Notes::new());
        let address = listener.local_addr().unwrap();
        let (transport, _) = create_connection(outside.factory(), address).await.unwrap();
        let (client, peer) = listener.accept().unwrap();
        let accepted = connect_accepted_socket(notes.factory(), client.into()).await.unwrap();
        assert_eq!(notes.all(), ["asked", "made"]);
        assert_eq!(accepted.0.peer_address().ip(), Some(peer));
        assert_eq!(accepted.0.local_address(), transport.peer_address());
        transport.write(b"ping").unwrap();
        until(|| notes.has("ping")).await;
        accepted.0.write(b"pong").unwrap();
        until(|| outside.has("pong")).await;
        accepted.0.close();
        until(|| outside.has("lost")).await;
    });
}

/// HE-04 and HE-05: a host whose first address swallows everything costs the delay; when the call
/// returns the attempt is gone, and what is left of the race is the connection.
#[test]
fn a_dead_address_of_a_host_costs_one_delay() {
    counted(|| async {
        let (hole, (listener, address)) = (BlackHole::new(), tcp_listener());
        resolve_to([hole.address, address]);
        let mut expected = holds();
        let begin = event_loop().time();
        let options = ConnectOptions::host("host", 80).race(race(30));
        let (transport, _) = connect(options).await.unwrap();
        assert!(event_loop().time() - begin >= Duration::from_millis(30));
        // The descriptor and the source of the connection.
        expected[0] += 1;
        expected[1] += 1;
        assert_eq!(holds(), expected);
        assert_eq!(*transport.peer_address(), address.into());
        accept(&listener).await;
    });
}

/// HE-01 and HE-02: with a delay the families of a host take turns. Here the second attempt would
/// never end, and the third not begin in time, if they did not.
#[test]
fn with_a_delay_the_families_take_turns() {
    counted(|| async {
        // A machine without IPv6 has no second family.
        let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
        let (hole, (_taken, nobody)) = (BlackHole::new(), nobody());
        let address = listener.local_addr().unwrap();
        let host = ConnectOptions::addresses([nobody, hole.address, hole.address, address]);
        let (transport, _) = connect(host.race(race(3_600_000))).await.unwrap();
        assert_eq!(*transport.peer_address(), address.into());
    });
}
