//! The clients of a server under test, from both ends: protocols that note what happens to them,
//! and sockets that connect.

#![allow(dead_code, reason = "each test file uses a part of this")]

use chapter_03::SelectorKind;
use chapter_04::{AsyncSocket, yield_now};
use chapter_05::{
    Address, BaseProtocol, CallbackResult, ConnectionError, Protocol, Server, Transport,
};
use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;

use crate::net::{self, LIMIT, event_loop, unconnected};
use crate::watch::reports;

/// Runs a test over both selectors. It fails if the loop reports something, unless the test listens
/// to that itself. What is reported when its loop is closed, with the connections that are left, is
/// nobody's concern.
pub(crate) fn both<F>(test: impl Fn(SelectorKind) -> F + Copy + Send + 'static)
where
    F: Future<Output = ()> + 'static,
{
    net::both(move |kind| async move {
        let reports = reports(&event_loop());
        test(kind).await;
        let reports = reports.borrow();
        assert!(reports.is_empty(), "over {kind}: {reports:?}");
    });
}

/// What the protocols of one server have noted. It makes them, too.
#[derive(Default)]
pub(crate) struct Book {
    /// How many protocols there were.
    pub(crate) asked: Cell<usize>,
    pub(crate) made: Cell<usize>,
    pub(crate) lost: Cell<usize>,
    /// Those that are connected.
    pub(crate) transports: RefCell<Vec<Rc<dyn Transport>>>,
}

/// Echoes what it is sent.
pub(crate) struct Guest {
    book: Rc<Book>,
}

impl Book {
    pub(crate) fn new() -> Rc<Book> {
        Rc::default()
    }

    /// A factory for `create_server`.
    pub(crate) fn factory(self: &Rc<Book>) -> impl FnMut() -> Guest + use<> {
        let book = Rc::clone(self);
        move || book.guest()
    }

    pub(crate) fn guest(self: &Rc<Book>) -> Guest {
        add_one(&self.asked);
        Guest { book: Rc::clone(self) }
    }

    pub(crate) fn transport(&self, index: usize) -> Rc<dyn Transport> {
        Rc::clone(&self.transports.borrow()[index])
    }
}

fn add_one(count: &Cell<usize>) {
    count.set(count.get() + 1);
}

impl BaseProtocol for Guest {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        add_one(&self.book.made);
        self.book.transports.borrow_mut().push(Rc::clone(transport));
        Ok(())
    }

    fn connection_lost(&mut self, transport: &Rc<dyn Transport>, _: Option<ConnectionError>) {
        add_one(&self.book.lost);
        self.book.transports.borrow_mut().retain(|other| !Rc::ptr_eq(transport, other));
    }
}

impl Protocol for Guest {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        Ok(transport.write(data)?)
    }
}

/// Waits for something that the loop will do. Who waits for ever is stopped by the test's limit.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        yield_now().await;
    }
}

/// Where a server listens, if at one address.
#[track_caller]
pub(crate) fn address(server: &Server) -> SocketAddr {
    let addresses = server.addresses();
    assert_eq!(addresses.len(), 1);
    addresses[0].ip().unwrap()
}

pub(crate) fn ips(server: &Server) -> Vec<SocketAddr> {
    server.addresses().iter().filter_map(Address::ip).collect()
}

/// A client on the loop.
pub(crate) async fn connect(address: SocketAddr) -> AsyncSocket {
    let client = unconnected(address);
    client.connect(address).await.unwrap();
    client
}

/// A client that the kernel alone has connected: nobody has a turn meanwhile.
pub(crate) fn connect_now(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect_timeout(&address, LIMIT).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client
}

#[track_caller]
pub(crate) fn assert_refused(address: SocketAddr) {
    let refused = TcpStream::connect_timeout(&address, LIMIT).map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

/// Sends a byte and has it back.
pub(crate) async fn ping(client: &AsyncSocket) {
    client.send_all(b"?").await.unwrap();
    assert_eq!(&*client.recv(10).await.unwrap(), b"?");
}

/// Whether the connection ends here, in whichever way.
pub(crate) async fn is_over(client: &AsyncSocket) -> bool {
    match client.recv(10).await {
        Ok(bytes) => bytes.is_empty(),
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}
