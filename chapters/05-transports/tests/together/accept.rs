//! How clients come in.

use crate::guests::{
    Book, address, assert_refused, both, connect, connect_now, is_over, ping, until,
};
use crate::net::{self, event_loop, passes, reset};
use crate::watch::reports;
use chapter_01::{Log, listen, local_address};
use chapter_04::{Either, OPERATIONS_MAX, race, yield_now};
use chapter_05::{
    BaseProtocol, CallbackResult, Echo, Protocol, Server, ServerOptions, Transport, create_server,
};
use socket2::Socket;
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::pending;
use std::io::Read;
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;

/// A socket that listens, but nobody accepts yet.
fn listener() -> (Socket, SocketAddr) {
    let listener = listen("127.0.0.1:0".parse().unwrap(), 1024).unwrap();
    let address = local_address(&listener).unwrap();
    (listener, address)
}

/// AC-01 and AC-10, the inverse of D-01: one report of the listener serves many clients, but in one
/// pass at most 64. asyncio takes as many as its backlog is long.
#[test]
fn d_01_at_most_64_clients_are_accepted_in_a_pass() {
    const CLIENTS: usize = 150;
    both(|_| async {
        let (listener, address) = listener();
        let _clients: Vec<_> = (0..CLIENTS).map(|_| connect_now(address)).collect();
        let book = Book::new();
        let options = ServerOptions::socket(listener).backlog(1024);
        let _server = create_server(book.factory(), options).await.unwrap();
        let mut accepted = vec![book.asked.get()];
        while book.asked.get() < CLIENTS {
            let before = book.asked.get();
            yield_now().await;
            accepted.push(book.asked.get() - before);
        }
        accepted.retain(|count| *count > 0);
        assert_eq!(OPERATIONS_MAX, 64);
        assert_eq!(accepted, [64, 64, 22]);
    });
}

/// AC-10 (D-01): a client that is there already is answered before a long queue is accepted.
#[test]
fn d_01_established_clients_are_served_in_between() {
    const CLIENTS: usize = 150;
    both(|_| async {
        let book = Book::new();
        let options = ServerOptions::host("127.0.0.1", 0).backlog(1024);
        let server = create_server(book.factory(), options).await.unwrap();
        let client = connect(address(&server)).await;
        ping(&client).await;
        let _others: Vec<_> = (0..CLIENTS).map(|_| connect_now(address(&server))).collect();
        ping(&client).await;
        assert!(book.asked.get() <= 1 + 2 * 64, "{} were accepted before", book.asked.get());
        until(|| book.made.get() == 1 + CLIENTS).await;
    });
}

/// Says when it is told of its connection.
struct Telling(Rc<RefCell<Vec<String>>>);

impl BaseProtocol for Telling {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.0.borrow_mut().push(format!("{} made", transport.peer_address()));
        Ok(())
    }
}

impl Protocol for Telling {}

/// AC-02: asyncio sets up each client in a task of its own, one pass later. Here the factory is
/// called in the step of the accept, so that there is no moment between the two (D-17); the
/// connection has a turn of its own, behind those of the clients that came with it. AC-12: it knows
/// its peer by the address that the accept has told.
#[test]
fn the_factory_is_called_at_the_accept_and_the_connection_begins_later() {
    both(|_| async {
        let (listener, address) = listener();
        let clients = [connect_now(address), connect_now(address)];
        let told = Rc::<RefCell<Vec<String>>>::default();
        let notes = Rc::clone(&told);
        let factory = move || {
            notes.borrow_mut().push("factory".to_owned());
            Telling(Rc::clone(&notes))
        };
        let _server = create_server(factory, listener).await.unwrap();
        until(|| told.borrow().len() == 4).await;
        let made = clients.map(|client| format!("{} made", client.local_addr().unwrap()));
        let [one, two] = made.each_ref().map(String::as_str);
        assert_eq!(*told.borrow(), ["factory", "factory", one, two]);
    });
}

/// AC-03: a client that has given up before it is accepted costs the others nothing. The kernel of
/// Linux still hands it out; where it says "aborted" instead, that one is skipped, as in chapter 04.
#[test]
fn a_client_that_is_gone_is_no_obstacle() {
    both(|_| async {
        let (listener, address) = listener();
        reset(connect_now(address).into());
        let waiting = connect_now(address);
        let reports = reports(&event_loop());
        let book = Book::new();
        let _server = create_server(book.factory(), listener).await.unwrap();
        ping(&net::register(waiting)).await;
        assert_eq!(book.made.get() - book.lost.get(), 1);
        assert!(reports.borrow().is_empty());
    });
}

/// AC-07: a listener that is broken is reported, and its server closed: nobody would be accepted any
/// more, and who serves for ever must not believe that all is well. asyncio reports it at each
/// attempt, and goes on.
#[test]
fn a_broken_listener_closes_its_server() {
    both(|_| async {
        let reports = reports(&event_loop());
        let (listener, address) = listener();
        let handle = listener.try_clone().unwrap();
        let book = Book::new();
        let server = create_server(book.factory(), listener).await.unwrap();
        let client = connect(address).await;
        ping(&client).await;
        let broken = async {
            // Accepting from it is an error from now on, which the kernel reports like a client.
            handle.shutdown(Shutdown::Both).unwrap();
            until(|| !server.is_serving()).await;
            assert_refused(address);
            ping(&client).await;
            drop(client);
            pending::<Infallible>().await
        };
        let Either::First(ended) = race(server.serve_forever(), broken).await;
        let error = ended.unwrap_err();
        assert!(error.to_string().starts_with("a listener was broken"), "{error}");
        let told: Vec<_> = reports.borrow().iter().map(|context| context.message).collect();
        assert_eq!(told, ["a listener is broken, and its server closed"]);
        assert_eq!(event_loop().census().sources, 0);
    });
}

/// D-16 (AC-08, AC-09): a factory that fails closes the socket of its client at once, and is reported
/// each time. asyncio is silent outside of debug mode, and leaves the socket to the garbage
/// collector.
#[test]
fn d_16_a_factory_that_fails_harms_its_own_client_alone() {
    both(|_| async {
        let reports = reports(&event_loop());
        let mut count = 0;
        let factory = move || {
            count += 1;
            assert!(count % 2 == 0, "not number {count}");
            Echo::new(Log::Quiet)
        };
        let server = create_server(factory, ("127.0.0.1", 0)).await.unwrap();
        for _ in 0..2 {
            assert!(is_over(&connect(address(&server)).await).await);
            assert_eq!((server.connection_count(), event_loop().census().sources), (0, 1));
            ping(&connect(address(&server)).await).await;
            until(|| server.connection_count() == 0).await;
        }
        let told: Vec<_> = reports.borrow().iter().map(ToString::to_string).collect();
        let expected =
            [1, 3].map(|number| format!("a client could not be served: not number {number}"));
        assert_eq!(told, expected);
    });
}

/// D-17 (AC-11): whoever was accepted when the factory closes the server has a connection, of which
/// `wait_closed` knows; the next in the queue are reset.
#[test]
fn d_17_the_factory_may_close_the_server() {
    both(|_| async {
        let reports = reports(&event_loop());
        let (listener, address) = listener();
        let accepted = connect_now(address);
        let mut queued = connect_now(address);
        let slot = Rc::<RefCell<Option<Rc<Server>>>>::default();
        let (owner, book) = (Rc::clone(&slot), Book::new());
        let mut guests = book.factory();
        let factory = move || {
            owner.borrow().as_ref().unwrap().close();
            assert_refused(address);
            guests()
        };
        let options = ServerOptions::socket(listener).start_serving(false);
        let server = Rc::new(create_server(factory, options).await.unwrap());
        *slot.borrow_mut() = Some(Rc::clone(&server));
        server.start_serving().await.unwrap();
        assert!(!server.is_serving());
        queued.read(&mut [0]).unwrap_err();
        let client = net::register(accepted);
        ping(&client).await;
        assert_eq!((book.asked.get(), server.connection_count()), (1, 1));
        drop(client);
        server.wait_closed().await;
        assert_eq!(book.lost.get(), 1);
        assert!(reports.borrow().is_empty());
    });
}

/// The server may be closed by whoever is told of an error, in the step of the accept.
#[test]
fn the_exception_handler_may_close_the_server() {
    both(|_| async {
        let slot = Rc::<RefCell<Option<Server>>>::default();
        let owner = Rc::clone(&slot);
        event_loop().set_exception_handler(move |_, _| {
            let server = owner.take().unwrap();
            let address = address(&server);
            drop(server);
            assert_refused(address);
        });
        let factory = || -> Echo { panic!("there are no protocols") };
        let server = create_server(factory, ("127.0.0.1", 0)).await.unwrap();
        let address = address(&server);
        *slot.borrow_mut() = Some(server);
        assert!(is_over(&connect(address).await).await);
        passes(2).await;
        assert_eq!((event_loop().census().sources, event_loop().census().tasks), (0, 1));
    });
}
