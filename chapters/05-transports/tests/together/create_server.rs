//! Where a server listens, and how.

use crate::cancel::{dropped_at, moments};
use crate::guests::{Book, address, assert_refused, both, connect, connect_now, ips, ping, until};
use crate::net::{LIMIT, event_loop};
use chapter_01::ListenError;
use chapter_04::{Family, Resolver};
use chapter_05::{Server, ServerOptions, create_server};
use socket2::{Domain, SockRef, Socket, Type};
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Barrier};
use std::time::Instant;

/// An address that is reserved for documents, which no machine has.
const NOWHERE: &str = "203.0.113.1";

/// A server whose clients nobody looks at.
async fn serve(at: impl Into<ServerOptions>) -> io::Result<Server> {
    create_server(Book::new().factory(), at).await
}

async fn refused(at: impl Into<ServerOptions>) -> io::Error {
    serve(at).await.map(drop).unwrap_err()
}

fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

/// A port that is taken at an address of its own. Tests run beside each other: at 127.0.0.1 another
/// one may have any port.
fn taken(ip: &str) -> (TcpListener, u16) {
    let listener = TcpListener::bind((ip, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// CS-01: a socket that is bound elsewhere, in blocking mode, is served. That a host is given as well,
/// or neither, cannot be written down.
#[test]
fn a_socket_is_adopted() {
    both(|_| async {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        let bound = socket.local_addr().unwrap().as_socket().unwrap();
        let server = serve(socket).await.unwrap();
        assert_eq!(address(&server), bound);
        ping(&connect(bound).await).await;
    });
}

/// CS-01: a socket that is bound to nothing gets its address when it listens.
#[test]
fn an_adopted_socket_may_be_unbound() {
    both(|_| async {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let server = serve(ServerOptions::socket(socket)).await.unwrap();
        let SocketAddr::V4(bound) = address(&server) else { panic!("it is of the other family") };
        assert_ne!(bound.port(), 0);
        ping(&connect((Ipv4Addr::LOCALHOST, bound.port()).into()).await).await;
    });
}

/// CS-01: what is no stream socket cannot be listened at.
#[test]
fn an_adopted_socket_must_be_a_stream_socket() {
    both(|_| async {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        let error = refused(socket).await;
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with("a stream socket is needed"), "{error}");
    });
}

/// CS-02: the empty host is every address, of both families.
#[test]
fn no_host_is_every_host() {
    both(|_| async {
        for options in [ServerOptions::any(0), ("", 0).into(), ServerOptions::hosts([""], 0)] {
            let server = serve(options).await.unwrap();
            let addresses = ips(&server);
            assert_eq!(addresses[0].ip(), Ipv4Addr::UNSPECIFIED);
            ping(&connect((Ipv4Addr::LOCALHOST, addresses[0].port()).into()).await).await;
            assert_eq!(addresses.len(), if has_ipv6() { 2 } else { 1 });
            if let Some(six) = addresses.get(1) {
                assert_eq!(six.ip(), Ipv6Addr::UNSPECIFIED);
                ping(&connect((Ipv6Addr::LOCALHOST, six.port()).into()).await).await;
            }
        }
    });
}

/// CS-02: the addresses may be limited to those of a family.
#[test]
fn one_family_may_be_asked_for() {
    both(|_| async {
        let server = serve(ServerOptions::any(0).family(Family::V4)).await.unwrap();
        assert_eq!(address(&server).ip(), Ipv4Addr::UNSPECIFIED);
        if has_ipv6() {
            let server = serve(ServerOptions::any(0).family(Family::V6)).await.unwrap();
            assert_eq!(address(&server).ip(), Ipv6Addr::UNSPECIFIED);
        }
        let error = refused(ServerOptions::host("127.0.0.1", 0).family(Family::V6)).await;
        assert!(error.to_string().contains("\"127.0.0.1\" has no IPv6 address"), "{error}");
    });
}

/// CS-02: each of several hosts, and what several names stand for once.
#[test]
fn every_host_is_listened_at_once() {
    both(|_| async {
        event_loop().set_resolver(Resolver::with_lookup(|name, port| match name {
            "one" | "the-same" => Ok(vec![(Ipv4Addr::LOCALHOST, port).into()]),
            _ => Err(ErrorKind::NotFound.into()),
        }));
        let hosts = ["one", "127.0.0.2", "the-same", "127.0.0.1", "one"];
        let server = serve(ServerOptions::hosts(hosts, 0)).await.unwrap();
        let listens: Vec<_> = ips(&server).iter().map(|address| address.ip().to_string()).collect();
        assert_eq!(listens, ["127.0.0.1", "127.0.0.2"]);
        for address in ips(&server) {
            ping(&connect(address).await).await;
        }
    });
}

/// CS-03: each look-up of these blocks until the other one is made.
#[test]
fn the_hosts_are_looked_up_at_the_same_time() {
    both(|_| async {
        let meeting = Arc::new(Barrier::new(2));
        event_loop().set_resolver(Resolver::with_lookup(move |name, port| {
            meeting.wait();
            let last = if name == "one" { 1 } else { 2 };
            Ok(vec![SocketAddr::from(([127, 0, 0, last], port))])
        }));
        let server = serve(ServerOptions::hosts(["one", "two"], 0)).await.unwrap();
        // In the order of the hosts, whichever was found first.
        let hosts: Vec<_> = ips(&server).iter().map(|address| address.ip().to_string()).collect();
        assert_eq!(hosts, ["127.0.0.1", "127.0.0.2"]);
    });
}

/// A host that nobody knows is named, and nothing stays open.
#[test]
fn a_host_that_nobody_knows_is_named() {
    both(|_| async {
        event_loop().set_resolver(Resolver::with_lookup(|_, _| Err(ErrorKind::NotFound.into())));
        let error = refused(ServerOptions::hosts(["127.0.0.1", "nobody"], 0)).await;
        assert!(error.to_string().starts_with("host \"nobody\" has no address"), "{error}");
        let none: [&str; 0] = [];
        let error = refused(ServerOptions::hosts(none, 0)).await;
        assert!(error.to_string().starts_with("there is no host to listen at"), "{error}");
        assert_eq!(event_loop().census().sources, 0);
    });
}

/// CS-04: a server that has closed its connections first leaves its port in TIME_WAIT. Another one
/// may have the port all the same, unless it was told not to.
#[test]
fn old_connections_are_no_obstacle_unless_asked_for() {
    both(|_| async {
        let book = Book::new();
        let server = create_server(book.factory(), ("127.5.0.1", 0)).await.unwrap();
        let address = address(&server);
        let client = connect(address).await;
        ping(&client).await;
        server.close();
        server.close_clients();
        server.wait_closed().await;
        assert_eq!(client.recv(10).await.unwrap().len(), 0);
        drop(client);
        let error = refused(ServerOptions::from(address).reuse_address(false)).await;
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(serve(address).await.unwrap().is_serving());
    });
}

/// CS-04: two servers have one port only if both say so.
#[test]
fn a_port_is_shared_on_request_only() {
    both(|_| async {
        let options = || ServerOptions::host("127.0.0.1", 0);
        let first = serve(options().reuse_port(true)).await.unwrap();
        let again = || ServerOptions::from(address(&first));
        let _second = serve(again().reuse_port(true)).await.unwrap();
        let error = refused(again()).await;
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&address(&first).to_string()), "{error}");
    });
}

/// CS-04: what is set for a listener holds for the connections that come from it.
#[test]
fn accepted_connections_are_kept_alive_on_request() {
    both(|_| async {
        for keep_alive in [false, true] {
            let book = Book::new();
            let options = ServerOptions::host("127.0.0.1", 0).keep_alive(keep_alive);
            let server = create_server(book.factory(), options).await.unwrap();
            let _client = connect(address(&server)).await;
            until(|| book.made.get() == 1).await;
            let mut found = None;
            let looked = book.transport(0).with_descriptor(&mut |descriptor| {
                found = Some(SockRef::from(&descriptor).keepalive().unwrap());
            });
            assert_eq!((looked, found), (true, Some(keep_alive)));
        }
    });
}

/// CS-05: the two families are two listeners, which may have one port number.
#[test]
fn an_ipv6_listener_leaves_the_port_to_ipv4() {
    both(|_| async {
        if !has_ipv6() {
            return;
        }
        let (six, four) = loop {
            let six = serve(ServerOptions::any(0).family(Family::V6)).await.unwrap();
            match serve(ServerOptions::any(address(&six).port()).family(Family::V4)).await {
                Ok(four) => break (six, four),
                // Another test may have this port, over IPv4 alone.
                Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse),
            }
        };
        let port = address(&six).port();
        let clients = [
            connect((Ipv4Addr::LOCALHOST, port).into()).await,
            connect((Ipv6Addr::LOCALHOST, port).into()).await,
        ];
        for client in &clients {
            ping(client).await;
        }
        assert_eq!((six.connection_count(), four.connection_count()), (1, 1));
    });
}

/// CS-06 and D-39: with port 0 each address has a port of its own, or, on request, all have one.
#[test]
fn d_39_two_families_may_have_one_port_number() {
    both(|_| async {
        let hosts = || ServerOptions::hosts(["127.0.0.1", "127.0.0.2"], 0);
        let ports = |server: &Server| ips(server).iter().map(SocketAddr::port).collect::<Vec<_>>();
        let (each, one) = (serve(hosts()).await.unwrap(), serve(hosts().same_port(true)).await);
        // The kernel may choose the same number twice, once in some ten thousand times.
        assert!(ports(&each).iter().all(|port| *port > 0));
        let one = ports(&one.unwrap());
        assert_eq!((one.len(), one[0]), (2, one[1]));
        let any = serve(ServerOptions::any(0).same_port(true)).await.unwrap();
        let addresses = ips(&any);
        assert_eq!(addresses.len(), if has_ipv6() { 2 } else { 1 });
        assert!(addresses.iter().all(|address| address.port() == addresses[0].port()));
    });
}

/// D-39: a port that is given is the one; there is nothing to be tried again.
#[test]
fn a_given_port_is_the_same_for_all_anyway() {
    both(|_| async {
        let (_taken, port) = taken("127.5.0.3");
        let hosts = ServerOptions::hosts(["127.5.0.2", "127.5.0.3"], port).same_port(true);
        let error = refused(hosts).await;
        assert!(error.to_string().starts_with(&format!("127.5.0.3:{port} is in use")), "{error}");
    });
}

/// CS-07: an address that this machine has not got is left out, as long as there is another one.
#[test]
fn an_address_of_another_machine_is_left_out() {
    both(|_| async {
        let server = serve(ServerOptions::hosts([NOWHERE, "127.0.0.1"], 0)).await.unwrap();
        assert_eq!(address(&server).ip(), Ipv4Addr::LOCALHOST);
        let error = refused((NOWHERE, 0)).await;
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        let named = format!("{NOWHERE}:0 is no address of this machine");
        assert!(error.to_string().starts_with(&named), "{error}");
    });
}

/// CS-07: any other refusal fails the call. It names the address, and closes what was open.
#[test]
fn an_address_in_use_fails_the_call_and_closes_the_others() {
    both(|_| async {
        let (_taken, port) = taken("127.5.0.5");
        let error = refused(ServerOptions::hosts(["127.5.0.4", "127.5.0.5"], port)).await;
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let reason = error.get_ref().and_then(|error| error.downcast_ref::<ListenError>());
        let expected = SocketAddr::from(([127, 5, 0, 5], port));
        assert!(matches!(reason, Some(ListenError::InUse(named)) if *named == expected));
        // A socket that is open would be in the way of one that does not share its address.
        let options = ServerOptions::host("127.5.0.4", port).reuse_address(false);
        assert!(serve(options).await.unwrap().is_serving());
    });
}

/// CS-07: whoever has bound first and listens last is told by the name of the address, too. The
/// server is closed, and so is what it has listened at already.
#[test]
fn an_address_where_nobody_may_listen_is_named() {
    both(|_| async {
        let hosts = ServerOptions::hosts(["127.0.0.1", "127.0.0.2"], 0);
        let server = serve(hosts.same_port(true).start_serving(false)).await.unwrap();
        let [one, two] = ips(&server)[..] else { panic!("it is bound to both") };
        let _other = chapter_01::listen(two, 1).unwrap();
        let error = server.start_serving().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("{two} is in use")), "{error}");
        assert_refused(one);
        assert!(server.addresses().is_empty() && !server.is_serving());
        server.wait_closed().await;
        assert_eq!((event_loop().census().sources, event_loop().census().tasks), (0, 1));
    });
}

/// How many clients wait in the kernel's queue, which it shows as what a listening socket has to
/// receive.
fn queued(port: u16) -> u32 {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!("0100007F:{port:04X}");
    // Number, local and remote address, state (0A: it listens), bytes to send : bytes to receive.
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.into_iter().find(|row| row[1] == local && row[3] == "0A").unwrap();
    u32::from_str_radix(row[4].split_once(':').unwrap().1, 16).unwrap()
}

/// CS-08: a hundred clients have a place, and on Linux one more; or as many as was asked for. A
/// negative number is none, and not all that the system allows.
#[test]
fn so_many_clients_wait_until_they_are_accepted() {
    both(|_| async {
        let options = || ServerOptions::host("127.0.0.1", 0);
        for (options, places) in
            [(options(), 101), (options().backlog(3), 4), (options().backlog(-7), 1)]
        {
            let server = serve(options).await.unwrap();
            let address = address(&server);
            // The loop has no turn until the next await.
            let clients: Vec<_> = (0..places + 5)
                .map(|_| {
                    let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                    client.set_nonblocking(true).unwrap();
                    let _ = client.connect(&address.into());
                    client
                })
                .collect();
            let begin = Instant::now();
            while queued(address.port()) < places {
                assert!(begin.elapsed() < LIMIT, "the clients are never queued");
                std::thread::yield_now();
            }
            assert_eq!(queued(address.port()), places);
            drop(clients);
        }
    });
}

/// CS-09: a client that has connected before is taken when the call returns.
#[test]
fn the_first_clients_are_taken_before_it_returns() {
    both(|_| async {
        let listener = chapter_01::listen("127.0.0.1:0".parse().unwrap(), 10).unwrap();
        let _client = connect_now(chapter_01::local_address(&listener).unwrap());
        let book = Book::new();
        let server = create_server(book.factory(), listener).await.unwrap();
        assert_eq!((book.asked.get(), server.connection_count()), (1, 1));
    });
}

/// Whoever gives up, at whichever await, leaves nothing behind: the next attempt finds the port free.
#[test]
fn a_call_that_is_given_up_leaves_nothing_open() {
    both(|_| async {
        let (free, port) = taken("127.5.0.7");
        drop(free);
        let last = |_: &str, port| Ok(vec![SocketAddr::from(([127, 5, 0, 7], port))]);
        event_loop().set_resolver(Resolver::with_lookup(last));
        let mut dropped = 0;
        for moment in moments() {
            let done = dropped_at(moment, serve(ServerOptions::host("name", port))).await;
            if let Some(server) = done {
                assert!(server.unwrap().is_serving());
                break;
            }
            let census = event_loop().census();
            assert_eq!((census.sources, census.tasks), (0, 1), "{moment:?}");
            dropped += 1;
        }
        // While the name is looked up, and in the pass that the server has before it returns.
        assert!(dropped >= 3, "it was given up at {dropped} moments only");
    });
}
