use crate::address::Address;
use crate::any_protocol::ProtocolKind;
use crate::connections::Connections;
use crate::open::open_accepted;
use chapter_01::ListenError;
use chapter_04::{
    AsyncSocket, ErrorContext, FutureCell, JoinHandle, LoopHandle, Outcome, accept_all,
    running_loop, timeout, yield_now,
};
use socket2::Socket;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// A server: listening sockets, and the connections that came from them.
///
/// Its life: bound → serving → closed, and never back.
///
/// Dropping it closes it, and so does the end of its loop: nobody can connect any more. Dropping
/// waits for nobody, and the connections go on; leaving an `async with` of asyncio waits until the
/// last of them has ended by itself (SV-09, D-18). To wait for that, or for some time, is asked for:
/// see [`wait_closed`](Server::wait_closed) and [`shutdown`](Server::shutdown).
///
/// Every method may be called from every callback, the factory included. asyncio's `get_loop` has
/// no counterpart: a server is used where its loop runs.
#[must_use = "a server is closed when it is dropped"]
pub struct Server {
    state: Rc<State>,
}

/// Its owners are the server and, while it serves, the task of each listener.
struct State {
    stage: RefCell<Stage>,
    backlog: i32,
    connections: Rc<Connections>,
    /// Done when the server is closed.
    closed: FutureCell<()>,
    /// Whether somebody awaits `serve_forever`.
    forever: Cell<bool>,
    /// Whether it was closed because a listener is broken.
    broken: Cell<bool>,
}

enum Stage {
    /// The kernel refuses who connects (SV-01).
    Bound(Vec<Listener>, Rc<Welcome>),
    Serving(Vec<Serving>),
    Closed,
}

/// Makes a connection of a socket that was accepted. Its owners are the tasks of the listeners: what
/// the factory has captured is free when the server is closed.
type Welcome = dyn Fn(Socket, Address) -> io::Result<()>;

/// A socket that is bound, and what has to be done when it is closed.
pub(crate) struct Listener {
    pub(crate) socket: Socket,
    pub(crate) address: Address,
    /// Dropped after the socket.
    pub(crate) guard: Option<Box<dyn Any>>,
}

/// A listener whose clients are accepted. Dropping it closes its socket at once, also when its task
/// is the one that runs.
struct Serving {
    address: Address,
    task: JoinHandle<()>,
    /// While the task waits for a client, it is an owner as well. In the factory it is none.
    _socket: Rc<AsyncSocket>,
    /// Dropped after the socket.
    _guard: Option<Box<dyn Any>>,
}

impl Server {
    pub(crate) fn new<P: ProtocolKind>(
        listeners: Vec<Listener>,
        backlog: i32,
        factory: impl FnMut() -> P + 'static,
    ) -> Server {
        let connections = Rc::<Connections>::default();
        // The listeners share the factory. It cannot call itself: only their tasks do, one at a
        // time.
        let (factory, attached) = (RefCell::new(factory), Rc::clone(&connections));
        let welcome = move |socket, peer| {
            let protocol = (factory.borrow_mut())();
            open_accepted(protocol, socket, peer, &attached)
        };
        let state = State {
            stage: RefCell::new(Stage::Bound(listeners, Rc::new(welcome))),
            backlog,
            connections,
            closed: FutureCell::new(),
            forever: Cell::new(false),
            broken: Cell::new(false),
        };
        Server { state: Rc::new(state) }
    }

    /// Lets clients connect, and has had one pass to take the first when it returns. Again, it does
    /// nothing (SV-01, CS-09).
    ///
    /// # Errors
    ///
    /// The server is closed; or the kernel refuses to listen at the address that the error names,
    /// and the server is closed then. No loop runs in this thread.
    pub async fn start_serving(&self) -> io::Result<()> {
        self.state.start()?;
        yield_now().await;
        Ok(())
    }

    /// Serves until the server is closed from elsewhere and its last connection is lost, as
    /// [`wait_closed`](Server::wait_closed) (SV-02).
    ///
    /// Dropping this closes the server (SV-03). A cancelled task of asyncio waits for the
    /// connections even so; here, [`shutdown`](Server::shutdown) does.
    ///
    /// # Errors
    ///
    /// As [`start_serving`](Server::start_serving); this is awaited elsewhere already; or a listener
    /// was broken, and the server closed for it.
    pub async fn serve_forever(&self) -> io::Result<()> {
        if self.state.forever.replace(true) {
            return Err(io::Error::other(ServerError::ServesForever));
        }
        let _close = Forever(&self.state);
        self.start_serving().await?;
        self.wait_closed().await;
        if self.state.broken.get() {
            return Err(io::Error::other(ServerError::Broken));
        }
        Ok(())
    }

    /// Whether clients can connect.
    pub fn is_serving(&self) -> bool {
        matches!(*self.state.stage.borrow(), Stage::Serving(_))
    }

    /// Where it listens, an address for each socket; none once it is closed (SV-12).
    #[doc(alias = "sockets")]
    pub fn addresses(&self) -> Vec<Address> {
        match &*self.state.stage.borrow() {
            Stage::Bound(listeners, _) => listeners.iter().map(|one| one.address.clone()).collect(),
            Stage::Serving(serving) => serving.iter().map(|one| one.address.clone()).collect(),
            Stage::Closed => Vec::new(),
        }
    }

    /// How many connections there are, from the accept until after `connection_lost` (SV-07).
    pub fn connection_count(&self) -> usize {
        self.state.connections.len()
    }

    /// Closes the listening sockets, at once. Who has connected and was not accepted yet is reset
    /// (SV-05); connections go on (SV-04). Again, it does nothing.
    pub fn close(&self) {
        self.state.close();
    }

    /// Waits until the server is closed and its last connection is lost, in whichever order (SV-06).
    /// Any number of tasks may wait (SV-08).
    ///
    /// A client that stays keeps it waiting for ever (D-18): see [`shutdown`](Server::shutdown).
    pub async fn wait_closed(&self) {
        // Nobody fails or cancels it.
        let _ = (&self.state.closed).await;
        self.state.connections.all_departures().await;
    }

    /// Closes every connection, in order (SV-10).
    pub fn close_clients(&self) {
        self.state.connections.all().iter().for_each(|transport| transport.close());
    }

    /// Aborts every connection (SV-10).
    pub fn abort_clients(&self) {
        self.state.connections.all().iter().for_each(|transport| transport.abort());
    }

    /// Closes the server, gives the connections this time to end, and aborts those that are left.
    /// When it returns, the last `connection_lost` was called (D-18).
    ///
    /// Dropped before, it has closed the server, and who is connected stays.
    pub async fn shutdown(&self, grace: Duration) {
        self.close();
        if timeout(grace, self.wait_closed()).await.is_err() {
            self.abort_clients();
            self.wait_closed().await;
        }
    }
}

impl State {
    /// In between, the stage is `Closed`, which nobody sees: no code of others runs.
    fn start(self: &Rc<State>) -> io::Result<()> {
        let event_loop = running_loop().map_err(io::Error::other)?;
        if matches!(*self.stage.borrow(), Stage::Serving(_)) {
            return Ok(());
        }
        let Stage::Bound(listeners, welcome) = self.stage.replace(Stage::Closed) else {
            return Err(io::Error::other(ServerError::Closed));
        };
        let serve = |listener| self.serve(&event_loop, listener, Rc::clone(&welcome));
        // Where one fails, those that serve already are dropped, and so closed.
        match listeners.into_iter().map(serve).collect() {
            Ok(serving) => {
                *self.stage.borrow_mut() = Stage::Serving(serving);
                Ok(())
            }
            Err(error) => {
                self.has_closed();
                Err(error)
            }
        }
    }

    fn serve(
        self: &Rc<State>,
        event_loop: &LoopHandle,
        listener: Listener,
        welcome: Rc<Welcome>,
    ) -> io::Result<Serving> {
        // In this order, for where listening fails they are dropped in the opposite one.
        let (guard, address, socket) = (listener.guard, listener.address, listener.socket);
        // The kernel takes a negative number for a huge one.
        let listening = socket.listen(self.backlog.max(0));
        listening.map_err(|error| cannot_listen(&address, error))?;
        // A socket that was adopted unbound has got its address by that.
        let address = Address::from(socket.local_addr()?);
        let socket = Rc::new(AsyncSocket::new(socket)?);
        let (state, accepted) = (CloseAtEnd(Rc::clone(self)), Rc::downgrade(&socket));
        let accept = accept(state, accepted, address.ip().is_some(), welcome);
        let task = event_loop.spawn(accept).map_err(io::Error::other)?;
        Ok(Serving { address, task, _socket: socket, _guard: guard })
    }

    fn close(&self) {
        let stage = self.stage.replace(Stage::Closed);
        if !matches!(stage, Stage::Closed) {
            // First, for what the factory has captured ends with the stage, and may panic.
            self.has_closed();
            drop(stage);
        }
    }

    fn has_closed(&self) {
        // The first time counts.
        let _ = self.closed.set_result(());
    }
}

/// The task of a listener.
async fn accept(
    server: CloseAtEnd,
    listener: Weak<AsyncSocket>,
    is_ip: bool,
    welcome: Rc<Welcome>,
) {
    let accept = || next_client(Weak::clone(&listener));
    let take = |socket, peer| welcome_one(&*welcome, is_ip, socket, peer);
    let Err(error) = accept_all(accept, take, || server.0.connections.departure()).await;
    server.0.broken.set(true);
    report("a listener is broken, and its server closed", &error);
}

/// Waits for a client, and owns the listener only that long.
async fn next_client(listener: Weak<AsyncSocket>) -> io::Result<(Socket, SocketAddr)> {
    match listener.upgrade() {
        Some(listener) => listener.take_client().await,
        // The factory, or who was told of an error, has closed the server. The task is cancelled.
        None => pending().await,
    }
}

/// Makes a connection in the same step as the accept: there is no moment between the two in which
/// the server could be closed (D-17). What fails here concerns this client alone (AC-08), and the
/// socket, which has an owner at each moment, is closed (D-16).
fn welcome_one(welcome: &Welcome, is_ip: bool, socket: Socket, peer: SocketAddr) {
    // What `accept` says of a peer that has an IP address (AC-12).
    let peer = if is_ip { Ok(Address::Ip(peer)) } else { socket.peer_addr().map(Address::from) };
    if let Err(error) = peer.and_then(|peer| welcome(socket, peer)) {
        report("a client could not be served", &error);
    }
}

fn cannot_listen(address: &Address, error: io::Error) -> io::Error {
    match address.ip() {
        Some(ip) => ListenError::new(ip, error).into(),
        None => io::Error::new(error.kind(), format!("cannot listen at {address}: {error}")),
    }
}

fn report(message: &'static str, error: &io::Error) {
    let context = ErrorContext::new(message).with_error(error);
    match running_loop() {
        Ok(event_loop) => event_loop.call_exception_handler(&context),
        Err(_) => context.log(),
    }
}

/// What the task of a listener owns: it closes the server when it ends, with its loop as it may be,
/// before it has begun.
struct CloseAtEnd(Rc<State>);

impl Drop for CloseAtEnd {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// While somebody serves for ever.
struct Forever<'a>(&'a State);

impl Drop for Forever<'_> {
    fn drop(&mut self) {
        self.0.forever.set(false);
        self.0.close();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.cancel_now();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.close();
    }
}

/// A task may end with a server, which is no failure.
impl Outcome for Server {}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses())
            .field("connections", &self.connection_count())
            .finish_non_exhaustive()
    }
}

/// Why a server does not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerError {
    /// It was closed.
    Closed,
    /// Somebody awaits `serve_forever` already.
    ServesForever,
    /// A listener was broken, which was reported when it happened.
    Broken,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ServerError::Closed => "the server is closed: make another one",
            ServerError::ServesForever => "serve_forever is awaited already: await it once",
            ServerError::Broken => "a listener was broken, and the server closed: see its report",
        })
    }
}

impl Error for ServerError {}

#[cfg(test)]
mod tests;
