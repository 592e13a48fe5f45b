use crate::address::Address;
use crate::any_protocol::ProtocolKind;
use crate::connections::Connections;
use crate::open::open_accepted;
use chapter_04::FutureCell;
use chapter_04::{
    AsyncSocket, ErrorContext, JoinHandle, accept_all, running_loop, spawn, timeout, yield_now,
};
use socket2::Socket;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// A server: listening sockets, and the connections that came from them.
///
/// Its life: bound → serving → closed, and never back.
///
/// Dropping it closes it: nobody can connect any more. The connections go on, in each case.
pub struct Server {
    state: Rc<State>,
}

/// Its owners are the server and the task of each listener.
struct State {
    stage: RefCell<Stage>,
    backlog: i32,
    /// Makes a connection of a socket that was accepted.
    welcome: Box<dyn Fn(Socket, Address) -> io::Result<()>>,
    connections: Rc<Connections>,
    /// Done when the server is closed.
    closed: FutureCell<()>,
    forever: Cell<bool>,
}

enum Stage {
    /// The kernel refuses who connects (SV-01).
    Bound(Vec<Listener>),
    Serving(Vec<Serving>),
    Closed,
}

/// A socket that is bound, and what has to be done when it is closed.
pub(crate) struct Listener {
    pub(crate) socket: Socket,
    pub(crate) address: Address,
    /// Dropped after the socket.
    pub(crate) guard: Option<Box<dyn std::any::Any>>,
}

/// A listener whose clients are accepted.
struct Serving {
    address: Address,
    task: JoinHandle<()>,
    /// Dropped after the task, which owns the socket.
    _guard: Option<Box<dyn std::any::Any>>,
}

impl Server {
    pub(crate) fn new<P: ProtocolKind>(
        listeners: Vec<Listener>,
        backlog: i32,
        factory: impl FnMut() -> P + 'static,
    ) -> Server {
        let connections = Rc::<Connections>::default();
        let (factory, attached) = (RefCell::new(factory), Rc::clone(&connections));
        let welcome = move |socket, peer| {
            let protocol = (factory.borrow_mut())();
            open_accepted(protocol, socket, peer, &attached)
        };
        let state = State {
            stage: RefCell::new(Stage::Bound(listeners)),
            backlog,
            welcome: Box::new(welcome),
            connections,
            closed: FutureCell::new(),
            forever: Cell::new(false),
        };
        Server { state: Rc::new(state) }
    }

    /// Lets clients connect, and has had one pass to take the first when it returns. Again, it does
    /// nothing (SV-01, CS-09).
    ///
    /// # Errors
    ///
    /// The server is closed; or the kernel refuses to listen, and it is closed then.
    pub async fn start_serving(&self) -> io::Result<()> {
        self.state.start()?;
        yield_now().await;
        Ok(())
    }

    /// Serves until the server is closed from elsewhere. Dropping this closes it (SV-02, SV-03).
    ///
    /// # Errors
    ///
    /// As [`start_serving`](Server::start_serving); or this is awaited elsewhere already.
    pub async fn serve_forever(&self) -> io::Result<()> {
        if self.state.forever.get() {
            return Err(io::Error::other(ServerError::ServesForever));
        }
        self.start_serving().await?;
        self.state.forever.set(true);
        let _close = Forever(&self.state);
        // Nobody fails or cancels it.
        let _ = (&self.state.closed).await;
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
            Stage::Bound(listeners) => listeners.iter().map(|one| one.address.clone()).collect(),
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
    pub async fn shutdown(&self, grace: Duration) {
        self.close();
        if timeout(grace, self.wait_closed()).await.is_err() {
            self.abort_clients();
            self.wait_closed().await;
        }
    }
}

impl State {
    fn start(self: &Rc<State>) -> io::Result<()> {
        let stage = self.stage.replace(Stage::Closed);
        let outcome = match stage {
            Stage::Bound(listeners) => {
                let serve = |listener| self.serve(listener);
                listeners.into_iter().map(serve).collect::<io::Result<_>>().map(Stage::Serving)
            }
            Stage::Serving(_) => Ok(stage),
            Stage::Closed => Err(io::Error::other(ServerError::Closed)),
        };
        match outcome {
            Ok(stage) => {
                *self.stage.borrow_mut() = stage;
                Ok(())
            }
            Err(error) => {
                self.closed();
                Err(error)
            }
        }
    }

    fn serve(self: &Rc<State>, listener: Listener) -> io::Result<Serving> {
        let Listener { socket, address, guard } = listener;
        socket.listen(self.backlog)?;
        let socket = AsyncSocket::new(socket)?;
        let task = spawn(Rc::clone(self).accept(socket));
        Ok(Serving { address, task, _guard: guard })
    }

    /// The task of a listener.
    async fn accept(self: Rc<State>, listener: AsyncSocket) {
        let accept = async || {
            // A callback may have closed the server since the last client.
            if matches!(*self.stage.borrow(), Stage::Closed) {
                pending::<()>().await;
            }
            listener.take_client().await
        };
        let take = |socket, peer| self.take(socket, peer);
        let ended = accept_all(accept, take, || self.connections.departure()).await;
        let Err(error) = ended;
        report("a listener is broken, and its server closed", &error);
        self.close();
    }

    /// What fails here concerns this client alone (AC-08, D-16).
    fn take(&self, socket: Socket, peer: SocketAddr) {
        let welcomed = peer_of(&socket, peer).and_then(|peer| (self.welcome)(socket, peer));
        if let Err(error) = welcomed {
            report("a client could not be served", &error);
        }
    }

    fn close(&self) {
        let stage = self.stage.replace(Stage::Closed);
        match stage {
            Stage::Bound(listeners) => drop(listeners),
            Stage::Serving(serving) => serving.iter().for_each(|one| one.task.cancel_now()),
            Stage::Closed => return,
        }
        self.closed();
    }

    fn closed(&self) {
        // The first time counts.
        let _ = self.closed.set_result(());
    }
}

/// What `accept` says of a peer that has an IP address (AC-12).
fn peer_of(socket: &Socket, peer: SocketAddr) -> io::Result<Address> {
    let is_ip = socket.local_addr()?.as_socket().is_some();
    if is_ip { Ok(Address::Ip(peer)) } else { Ok(Address::from(socket.peer_addr()?)) }
}

fn report(message: &'static str, error: &io::Error) {
    let context = ErrorContext::new(message).with_error(error);
    match running_loop() {
        Ok(event_loop) => event_loop.call_exception_handler(&context),
        Err(_) => context.log(),
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

impl Drop for Server {
    fn drop(&mut self) {
        self.state.close();
    }
}

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
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ServerError::Closed => "the server is closed: make another one",
            ServerError::ServesForever => "serve_forever is awaited already: await it once",
        })
    }
}

impl Error for ServerError {}
