//! The life of a server.

use crate::guests::{
    self, Book, address, assert_refused, both, connect, connect_now, ips, is_over, ping, until,
};
use crate::net::{LIMIT, event_loop, passes};
use crate::watch::reports;
use chapter_01::Log;
use chapter_03::SelectorKind;
use chapter_04::{EventLoop, JoinHandle, race, spawn, timeout};
use chapter_05::{
    BaseProtocol, ConnectionError, Echo, Protocol, Server, ServerError, ServerOptions, Transport,
    create_server,
};
use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Longer than the test may take.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

fn here() -> ServerOptions {
    ServerOptions::host("127.0.0.1", 0)
}

/// A server, what its protocols note, and where it listens.
async fn serve() -> (Rc<Server>, Rc<Book>, SocketAddr) {
    let book = Book::new();
    let server = create_server(book.factory(), here()).await.unwrap();
    let address = address(&server);
    (Rc::new(server), book, address)
}

/// A task that waits for the server.
fn waiter(server: &Rc<Server>) -> JoinHandle<()> {
    let server = Rc::clone(server);
    spawn(async move { server.wait_closed().await })
}

fn is_closed(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|error| error.downcast_ref::<ServerError>());
    inner == Some(&ServerError::Closed)
}

/// SV-01: bound is not listening. To start a second time changes nothing.
#[test]
fn a_server_that_does_not_serve_yet_refuses_clients() {
    both(|_| async {
        let book = Book::new();
        let server = create_server(book.factory(), here().start_serving(false)).await.unwrap();
        let address = address(&server);
        assert!(!server.is_serving());
        assert_refused(address);
        for _ in 0..2 {
            server.start_serving().await.unwrap();
            assert!(server.is_serving());
            assert_eq!(guests::address(&server), address);
            ping(&connect(address).await).await;
        }
        assert_eq!((book.made.get(), event_loop().census().tasks), (2, 2));
    });
}

/// A server that was never started is closed like any other.
#[test]
fn a_server_may_be_closed_before_it_has_served() {
    both(|_| async {
        // At an address that no other test has, whichever port it gets.
        let options = ServerOptions::host("127.5.0.6", 0).start_serving(false);
        let server = create_server(Book::new().factory(), options).await.unwrap();
        let address = address(&server);
        server.close();
        server.wait_closed().await;
        assert!(is_closed(&server.start_serving().await.unwrap_err()));
        // Nobody has the port any more.
        let again = ServerOptions::from(address).reuse_address(false);
        assert!(create_server(Book::new().factory(), again).await.unwrap().is_serving());
    });
}

/// SV-02: it starts the server, and only one may await it. SV-03: who gives it up has closed the
/// server.
#[test]
fn serve_forever_serves_until_it_is_dropped() {
    both(|_| async {
        let server = create_server(Book::new().factory(), here().start_serving(false)).await;
        let server = server.unwrap();
        let address = address(&server);
        let visit = async {
            // The first one is at its first await.
            let second = server.serve_forever().await.unwrap_err();
            assert!(second.to_string().starts_with("serve_forever is awaited already"));
            ping(&connect(address).await).await;
            let third = server.serve_forever().await.unwrap_err();
            assert!(third.to_string().starts_with("serve_forever is awaited already"));
            assert!(server.is_serving());
        };
        race(server.serve_forever(), visit).await;
        assert!(!server.is_serving());
        assert_refused(address);
    });
}

/// SV-02: a closed server does not serve again, in either way.
#[test]
fn a_closed_server_stays_closed() {
    both(|_| async {
        let (server, _, address) = serve().await;
        server.close();
        assert!(is_closed(&server.serve_forever().await.unwrap_err()));
        assert!(is_closed(&server.start_serving().await.unwrap_err()));
        assert!(is_closed(&server.serve_forever().await.unwrap_err()));
        assert_refused(address);
    });
}

/// SV-03: `close` from elsewhere ends it, when the last connection is lost. asyncio's gives
/// "cancelled"; here nobody was, so it is no error.
#[test]
fn serve_forever_ends_with_the_server() {
    both(|_| async {
        let (server, book, address) = serve().await;
        let client = connect(address).await;
        ping(&client).await;
        let serving = Rc::clone(&server);
        let forever = spawn(async move { serving.serve_forever().await });
        passes(2).await;
        server.close();
        passes(2).await;
        assert!(!forever.is_finished());
        drop(client);
        forever.await.unwrap().unwrap();
        assert_eq!(book.lost.get(), 1);
    });
}

/// SV-03: also when the task that awaits it is cancelled, the server is closed. asyncio's task then
/// waits for the connections; here, who cancels does that.
#[test]
fn a_cancelled_serve_forever_closes_the_server() {
    both(|_| async {
        let (server, _, address) = serve().await;
        let client = connect(address).await;
        ping(&client).await;
        let serving = Rc::clone(&server);
        let forever = spawn(async move { serving.serve_forever().await });
        passes(2).await;
        forever.cancel();
        forever.await.unwrap_err();
        assert_refused(address);
        ping(&client).await;
        drop(client);
        server.wait_closed().await;
    });
}

/// SV-04: closed at once, a second time for nothing, and who is connected stays.
#[test]
fn closing_leaves_the_connections_alone() {
    both(|_| async {
        let (server, _, address) = serve().await;
        let client = connect(address).await;
        ping(&client).await;
        for _ in 0..2 {
            server.close();
            assert_refused(address);
            assert!(!server.is_serving() && server.addresses().is_empty());
            assert_eq!(server.connection_count(), 1);
        }
        ping(&client).await;
        // Two sockets are left, and no listener.
        assert_eq!(event_loop().census().sources, 2);
    });
}

/// SV-05: who was connected by the kernel alone is reset.
#[test]
fn who_was_not_accepted_is_reset() {
    both(|_| async {
        let (server, book, address) = serve().await;
        let mut client = connect_now(address);
        server.close();
        assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        server.wait_closed().await;
        assert_eq!(book.asked.get(), 0);
    });
}

/// SV-06: it takes both, in whichever order.
#[test]
fn wait_closed_waits_for_the_close_and_the_last_connection() {
    both(|_| async {
        for close_first in [true, false] {
            let (server, book, address) = serve().await;
            let waiting = waiter(&server);
            let clients = [connect(address).await, connect(address).await];
            until(|| book.made.get() == 2).await;
            let leave = async || {
                drop(clients);
                until(|| book.lost.get() == 2).await;
                passes(2).await;
            };
            if close_first {
                server.close();
                passes(2).await;
                assert!(!waiting.is_finished());
                leave().await;
            } else {
                leave().await;
                assert!(!waiting.is_finished());
                server.close();
            }
            waiting.await.unwrap();
            assert_eq!((book.lost.get(), server.connection_count()), (2, 0));
            // There is nothing to wait for any more.
            server.wait_closed().await;
        }
    });
}

/// Notes how many connections its server has while it is told of its own.
struct Counting {
    server: Rc<RefCell<Option<Server>>>,
    counts: Rc<RefCell<Vec<usize>>>,
}

impl Counting {
    fn count(&self) {
        let server = self.server.borrow();
        self.counts.borrow_mut().push(server.as_ref().unwrap().connection_count());
    }
}

impl BaseProtocol for Counting {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> chapter_05::CallbackResult {
        self.count();
        transport.abort();
        Ok(())
    }

    fn connection_lost(&mut self, _: &Rc<dyn Transport>, _: Option<ConnectionError>) {
        self.count();
    }
}

impl Protocol for Counting {}

/// SV-07: a connection counts from before its first callback until after its last one.
#[test]
fn a_connection_counts_until_after_its_last_callback() {
    both(|_| async {
        let (slot, counts) = (Rc::default(), Rc::<RefCell<Vec<usize>>>::default());
        let (server, noted) = (Rc::clone(&slot), Rc::clone(&counts));
        let factory = move || Counting { server: Rc::clone(&server), counts: Rc::clone(&noted) };
        let server = create_server(factory, here()).await.unwrap();
        let address = address(&server);
        *slot.borrow_mut() = Some(server);
        let client = connect(address).await;
        until(|| counts.borrow().len() == 2).await;
        assert!(is_over(&client).await);
        let server = slot.take().unwrap();
        assert_eq!((counts.take(), server.connection_count()), (vec![1, 1], 0));
    });
}

/// SV-08: all who wait are released, and one who gives up does not disturb the others: while the
/// server is open, and while the last connection is.
#[test]
fn many_may_wait_and_each_may_give_up() {
    both(|_| async {
        let (server, book, address) = serve().await;
        let client = connect(address).await;
        until(|| book.made.get() == 1).await;
        let waiting: Vec<_> = (0..6).map(|_| waiter(&server)).collect();
        passes(2).await;
        waiting[0].cancel();
        waiting[1].cancel_now();
        passes(2).await;
        server.close();
        passes(2).await;
        waiting[2].cancel();
        waiting[3].cancel_now();
        passes(2).await;
        assert!(waiting[4..].iter().all(|waiting| !waiting.is_finished()));
        drop(client);
        let mut released = Vec::new();
        for waiting in waiting {
            released.push(waiting.await.is_ok());
        }
        assert_eq!(released, [false, false, false, false, true, true]);
    });
}

/// SV-09 and SV-11: leaving the scope closes the server and waits for nobody; the connections belong
/// to the loop, and go on. asyncio waits for the clients there (D-18).
#[test]
fn a_server_that_is_dropped_is_closed_and_its_connections_go_on() {
    both(|_| async {
        let (server, book, address) = serve().await;
        let client = connect(address).await;
        ping(&client).await;
        let transport = Rc::downgrade(&book.transport(0));
        assert!(Rc::into_inner(server).is_some());
        assert_refused(address);
        ping(&client).await;
        drop(client);
        until(|| book.lost.get() == 1).await;
        passes(1).await;
        assert!(transport.upgrade().is_none());
    });
}

/// D-18 (SV-09): a client that stays keeps `wait_closed` waiting, and `shutdown` for its grace only.
#[test]
fn d_18_a_shutdown_comes_to_its_end() {
    both(|_| async {
        let (server, book, address) = serve().await;
        let client = connect(address).await;
        ping(&client).await;
        server.close();
        timeout(Duration::ZERO, server.wait_closed()).await.unwrap_err();
        server.shutdown(Duration::from_millis(1)).await;
        assert_eq!((book.lost.get(), server.connection_count()), (1, 0));
        assert!(is_over(&client).await);
    });
}

/// D-18: who leaves in time is waited for, and not longer. A shutdown that is given up has closed the
/// server and aborted nobody.
#[test]
fn d_18_a_shutdown_does_not_last_longer_than_the_connections() {
    both(|_| async {
        let (server, book, address) = serve().await;
        let client = connect(address).await;
        ping(&client).await;
        timeout(Duration::ZERO, server.shutdown(FOR_EVER)).await.unwrap_err();
        assert_refused(address);
        ping(&client).await;
        drop(client);
        server.shutdown(FOR_EVER).await;
        assert_eq!((book.lost.get(), event_loop().census().sources), (1, 0));
    });
}

/// SV-10: to close is to send what was written; to abort is not. Each meets every connection, and no
/// later one.
#[test]
fn clients_are_closed_in_order_or_aborted() {
    /// More than the kernel takes at once.
    const MUCH: usize = 16 * 1024 * 1024;
    type End = fn(&Server);
    both(|_| async {
        let ends: [(End, bool); 2] =
            [(Server::close_clients, true), (Server::abort_clients, false)];
        for (end, is_whole) in ends {
            let (server, book, address) = serve().await;
            let clients = [connect(address).await, connect(address).await];
            until(|| book.made.get() == 2).await;
            for index in 0..2 {
                book.transport(index).write(&vec![1; MUCH]).unwrap();
            }
            end(&server);
            for client in clients {
                let mut received = 0;
                while let Ok(bytes) = client.recv(MUCH).await
                    && !bytes.is_empty()
                {
                    received += bytes.len();
                }
                assert_eq!(received == MUCH, is_whole);
            }
            until(|| book.lost.get() == 2).await;
            assert!(server.is_serving());
            ping(&connect(address).await).await;
        }
    });
}

/// SV-12: an address for each socket. asyncio gives restricted sockets; here it is the addresses, for
/// the sockets belong to the loop.
#[test]
fn each_listener_has_its_address() {
    both(|_| async {
        let hosts = ServerOptions::hosts(["127.0.0.1", "127.0.0.2"], 0);
        let server = create_server(|| Echo::new(Log::Quiet), hosts).await.unwrap();
        let hosts: Vec<_> = ips(&server).iter().map(|address| address.ip().to_string()).collect();
        assert_eq!(hosts, ["127.0.0.1", "127.0.0.2"]);
        for address in ips(&server) {
            ping(&connect(address).await).await;
        }
        assert!(format!("{server:?}").contains("127.0.0.2"));
    });
}

/// What the factory has captured is free when the server is closed, not when it is dropped.
#[test]
fn a_closed_server_owns_no_factory() {
    both(|_| async {
        for started in [true, false] {
            let owned = Rc::new(());
            let captured = Rc::clone(&owned);
            let factory = move || {
                assert!(Rc::strong_count(&captured) > 1);
                Echo::new(Log::Quiet)
            };
            let server = create_server(factory, here().start_serving(started)).await.unwrap();
            assert_eq!(Rc::strong_count(&owned), 2);
            server.close();
            assert_eq!(Rc::strong_count(&owned), 1);
        }
    });
}

/// A server may be closed and dropped where no loop runs.
#[test]
fn a_server_may_be_dropped_outside_of_its_loop() {
    for kind in [SelectorKind::Mio, SelectorKind::Polling] {
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        let serve = || create_server(Book::new().factory(), here());
        let closed = event_loop.run_until_complete(serve()).unwrap().unwrap();
        let dropped = event_loop.run_until_complete(serve()).unwrap().unwrap();
        let addresses = [address(&closed), address(&dropped)];
        closed.close();
        drop(dropped);
        addresses.into_iter().for_each(assert_refused);
        assert_eq!(event_loop.census().sources, 0);
        let ended = event_loop
            .run_until_complete(async move { timeout(LIMIT, closed.wait_closed()).await });
        ended.unwrap().unwrap();
    }
}

/// The end of the loop is the end of its servers: nobody is left who could accept, so the kernel must
/// not let clients connect. It makes no difference whether the server has had a turn.
#[test]
fn a_server_is_closed_with_its_loop() {
    for (kind, has_turns) in
        [(SelectorKind::Mio, true), (SelectorKind::Polling, true), (SelectorKind::Mio, false)]
    {
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        let reports = reports(&event_loop);
        let server = event_loop.run_until_complete(async move {
            let options = here().start_serving(has_turns);
            let server = create_server(Book::new().factory(), options).await.unwrap();
            if !has_turns {
                let mut context = Context::from_waker(Waker::noop());
                assert!(pin!(server.start_serving()).poll(&mut context).is_pending());
            }
            server
        });
        let server = server.unwrap();
        let address = address(&server);
        event_loop.close();
        assert!(!server.is_serving() && server.addresses().is_empty());
        assert_refused(address);
        server.close();
        server.abort_clients();
        // As of every task that a loop ends before it is done.
        let told: Vec<_> = reports.borrow().iter().map(|context| context.message).collect();
        assert_eq!(told, ["a task was destroyed before it was done"]);
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(pin!(server.wait_closed()).poll(&mut context), Poll::Ready(())));
        let Poll::Ready(refused) = pin!(server.start_serving()).poll(&mut context) else {
            panic!("there is nothing to wait for")
        };
        assert!(refused.is_err());
    }
}

/// Where a test does something to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Factory,
    Made,
    Data,
    Eof,
    Lost,
}

/// What the test does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Close,
    CloseClients,
    AbortClients,
    StartServing,
    ServeForever,
    Shutdown,
    Drop,
}

/// Does one thing to its server at one place, each time that it gets there.
#[derive(Clone)]
struct Meddler {
    server: Rc<RefCell<Option<Rc<Server>>>>,
    place: Place,
    deed: Deed,
    /// How often it has done it.
    done: Rc<Cell<usize>>,
    lost: Rc<Cell<bool>>,
}

impl Meddler {
    fn at(&self, place: Place) {
        if place != self.place {
            return;
        }
        self.done.set(self.done.get() + 1);
        let Some(server) = self.server.borrow().clone() else { return };
        let listens = server.addresses().first().and_then(chapter_05::Address::ip);
        let mut context = Context::from_waker(Waker::noop());
        match self.deed {
            Deed::Close => server.close(),
            Deed::CloseClients => server.close_clients(),
            Deed::AbortClients => server.abort_clients(),
            // They are begun, and given up.
            Deed::StartServing => drop(pin!(server.start_serving()).poll(&mut context)),
            Deed::ServeForever => drop(pin!(server.serve_forever()).poll(&mut context)),
            Deed::Shutdown => {
                let server = Rc::clone(&server);
                spawn(async move { server.shutdown(Duration::ZERO).await }).detach();
            }
            Deed::Drop => {
                let last = self.server.take();
                drop(server);
                // Unless the test has it, too.
                drop(last);
            }
        }
        if matches!(self.deed, Deed::Close | Deed::ServeForever | Deed::Drop)
            && let Some(address) = listens
        {
            // At once, even where the task of the listener is the one that runs.
            assert_refused(address);
        }
    }
}

impl BaseProtocol for Meddler {
    fn connection_made(&mut self, _: &Rc<dyn Transport>) -> chapter_05::CallbackResult {
        self.at(Place::Made);
        Ok(())
    }

    fn eof_received(
        &mut self,
        _: &Rc<dyn Transport>,
    ) -> chapter_05::CallbackResult<chapter_05::AfterEof> {
        self.at(Place::Eof);
        Ok(chapter_05::AfterEof::Close)
    }

    fn connection_lost(&mut self, _: &Rc<dyn Transport>, _: Option<ConnectionError>) {
        self.at(Place::Lost);
        self.lost.set(true);
    }
}

impl Protocol for Meddler {
    fn data_received(
        &mut self,
        transport: &Rc<dyn Transport>,
        data: &[u8],
    ) -> chapter_05::CallbackResult {
        self.at(Place::Data);
        Ok(transport.write(data)?)
    }
}

/// D-17 (AC-11), and everything else that a callback may do to its server: nothing is reported,
/// whoever was accepted has a connection with a beginning and an end, and the server can be waited
/// for.
#[test]
fn d_17_a_callback_may_do_everything_to_its_server() {
    both(|_| async {
        let reports = reports(&event_loop());
        for place in [Place::Factory, Place::Made, Place::Data, Place::Eof, Place::Lost] {
            for deed in [
                Deed::Close,
                Deed::CloseClients,
                Deed::AbortClients,
                Deed::StartServing,
                Deed::ServeForever,
                Deed::Shutdown,
                Deed::Drop,
            ] {
                meddle(place, deed).await;
                let told = reports.take();
                assert!(told.is_empty(), "{deed:?} in {place:?}: {told:?}");
                let census = event_loop().census();
                let left = (census.sources, census.tasks);
                assert_eq!(left, (0, 1), "{deed:?} in {place:?}: sources and tasks");
            }
        }
    });
}

async fn meddle(place: Place, deed: Deed) {
    let (done, lost) = (Rc::default(), Rc::default());
    let meddler = Meddler { server: Rc::default(), place, deed, done, lost };
    let made = meddler.clone();
    let factory = move || {
        made.at(Place::Factory);
        made.clone()
    };
    let server = Rc::new(create_server(factory, here()).await.unwrap());
    let address = address(&server);
    *meddler.server.borrow_mut() = Some(Rc::clone(&server));
    let server = if deed == Deed::Drop {
        drop(server);
        None
    } else {
        Some(server)
    };
    let client = connect(address).await;
    // The connection may end before.
    if client.send_all(b"?").await.is_ok() {
        let _ = client.recv(1).await;
    }
    drop(client);
    until(|| meddler.lost.get()).await;
    assert_eq!(meddler.done.get(), 1, "{deed:?} in {place:?}");
    if let Some(server) = server {
        server.close();
        server.wait_closed().await;
    }
    // The tasks that have ended are struck off, and the last closure of the connection is gone.
    passes(2).await;
    meddler.server.take();
}
