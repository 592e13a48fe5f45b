use crate::back_off::BackOff;
use crate::event::{Event, Interest, Readiness, Token};
use crate::selector::{Selector, SelectorKind};
use chapter_01::{AcceptFault, End, Log, Reply};
use chapter_02::{Buffers, Client, RECEIVE_MAX, TryIo};
use socket2::Socket;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

/// How many clients are accepted before those that are connected have their turn again.
pub const ACCEPT_BUDGET: usize = 64;

/// A server that sleeps until one of its sockets is ready, over either back end.
pub struct EchoServer<S, R, N> {
    selector: Selector<S, Watched<R>>,
    listener: Token,
    new_reply: N,
    /// Sources that may have something to do, each at most once.
    ready: VecDeque<Token>,
    back_off: BackOff,
    /// Lent to each client for the length of a receive.
    buffers: Buffers,
    /// Emptied and filled by each wait.
    events: Vec<Event>,
    log: Log,
}

/// What the server remembers of a source.
struct Watched<R> {
    /// The readiness flags.
    readiness: Readiness,
    /// Whether the source stands in the ready queue.
    queued: bool,
    /// `None` for the listener.
    client: Option<Client<R>>,
}

impl<R: Reply, N: FnMut() -> R> EchoServer<Socket, R, N> {
    /// A server on a listening socket; `new_reply` makes the replies of one client.
    ///
    /// # Errors
    ///
    /// The kernel's, such as no descriptor left for the selector.
    pub fn new(listener: Socket, kind: SelectorKind, new_reply: N, log: Log) -> io::Result<EchoServer<Socket, R, N>>
    where
        R: 'static,
    {
        listener.set_nonblocking(true)?;
        EchoServer::with_selector(Selector::new(kind)?, listener, new_reply, log)
    }
}

impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
    fn with_selector(
        mut selector: Selector<S, Watched<R>>,
        listener: S,
        new_reply: N,
        log: Log,
    ) -> io::Result<EchoServer<S, R, N>> {
        let watched = Watched { readiness: Readiness::NONE, queued: false, client: None };
        let listener = selector.watch(listener, watched, Interest::READ)?;
        Ok(EchoServer {
            selector,
            listener,
            new_reply,
            ready: VecDeque::new(),
            back_off: BackOff::default(),
            buffers: Buffers::default(),
            events: Vec::new(),
            log,
        })
    }

    /// Serves for ever.
    ///
    /// # Errors
    ///
    /// Only if the listening socket or the selector itself fails. What goes wrong with a client ends that client
    /// alone.
    pub fn run(&mut self) -> io::Result<Infallible> {
        loop {
            self.pass()?;
        }
    }

    /// Waits once and serves whoever is ready, everybody once.
    ///
    /// 1. If a pause of the accepting is over, the listener is ready.
    /// 2. Sleep until the kernel reports something, but not if somebody is ready already.
    /// 3. A report becomes a flag and a place in the ready queue.
    /// 4. Each source that is in the queue now has one turn: one batch of accepts, or one receive. Who could go on
    ///    joins the queue again, behind all others, so that no client can hold up the rest.
    ///
    /// # Errors
    ///
    /// As [`run`](EchoServer::run).
    pub fn pass(&mut self) -> io::Result<()> {
        if self.back_off.take_elapsed() {
            self.queue(self.listener);
        }
        let timeout = if self.ready.is_empty() { self.back_off.remaining() } else { Some(Duration::ZERO) };
        let mut events = std::mem::take(&mut self.events);
        self.selector.select(&mut events, timeout)?;
        for event in events.drain(..) {
            self.note(event)?;
        }
        self.events = events;
        for _ in 0..self.ready.len() {
            let Some(token) = self.ready.pop_front() else { break };
            self.turn(token)?;
        }
        Ok(())
    }

    /// How many clients are connected.
    pub fn clients(&self) -> usize {
        self.selector.len() - 1
    }

    fn note(&mut self, Event { token, readiness }: Event) -> io::Result<()> {
        let accepting = !self.back_off.is_on();
        let Some((_, watched)) = self.selector.get_mut(token) else { return Ok(()) };
        watched.readiness |= readiness;
        let wanted = watched.wanted(accepting);
        self.selector.settle(token, wanted, readiness)?;
        self.queue(token);
        Ok(())
    }

    fn queue(&mut self, token: Token) {
        if let Some((_, watched)) = self.selector.get_mut(token)
            && !watched.queued
        {
            watched.queued = true;
            self.ready.push_back(token);
        }
    }

    fn turn(&mut self, token: Token) -> io::Result<()> {
        // A client that is gone may still stand in the queue: its token names nothing.
        let Some((socket, watched)) = self.selector.get_mut(token) else { return Ok(()) };
        watched.queued = false;
        let Some(client) = &mut watched.client else { return self.accept() };
        match serve(socket, client, &mut watched.readiness, &mut self.buffers, self.log).transpose() {
            None => self.wait_for(token),
            Some(outcome) => self.release(token, outcome),
        }
    }

    /// Accepts whoever waits, up to the budget.
    fn accept(&mut self) -> io::Result<()> {
        for _ in 0..ACCEPT_BUDGET {
            if self.back_off.is_on() {
                return Ok(());
            }
            let (listener, watched) = self.selector.get_mut(self.listener).expect("the listener stays registered");
            match listener.try_accept() {
                Ok(Poll::Ready((socket, peer))) => self.welcome(socket, peer),
                Ok(Poll::Pending) => {
                    watched.readiness = Readiness::NONE;
                    self.back_off.end();
                    return self.wait_for(self.listener);
                }
                Err(error) => match AcceptFault::of(&error) {
                    AcceptFault::Client => {}
                    AcceptFault::Exhausted => self.back_off.begin(&error),
                    AcceptFault::Listener => return Err(error),
                },
            }
        }
        self.wait_for(self.listener)
    }

    fn welcome(&mut self, socket: S, peer: SocketAddr) {
        let client = Client::new(peer, (self.new_reply)(), self.log);
        let watched = Watched { readiness: Readiness::WRITABLE, queued: false, client: Some(client) };
        if let Err(error) = self.selector.watch(socket, watched, Interest::READ) {
            // The selector has closed the socket; the others are not concerned.
            eprintln!("cannot watch {peer}: {error}");
        }
    }

    /// Lets a source wait for its next report, or for its next turn if it could go on at once.
    fn wait_for(&mut self, token: Token) -> io::Result<()> {
        let accepting = !self.back_off.is_on();
        let Some((_, watched)) = self.selector.get_mut(token) else { return Ok(()) };
        let wanted = watched.wanted(accepting);
        if wanted.contains(Interest::READ) && watched.readiness.contains(Readiness::READABLE) {
            self.queue(token);
        }
        self.selector.settle(token, wanted, Readiness::NONE)
    }

    /// Closes a client's socket.
    fn release(&mut self, token: Token, outcome: io::Result<End>) -> io::Result<()> {
        let (_, watched) = self.selector.unregister(token)?;
        if let Some(client) = watched.client {
            client.log_end(outcome, self.log);
        }
        Ok(())
    }
}

impl<R: Reply> Watched<R> {
    /// What the source has to wait for.
    fn wanted(&self, accepting: bool) -> Interest {
        match &self.client {
            None => Interest::READ.when(accepting),
            Some(client) => {
                Interest::READ.when(client.wants_to_receive()) | Interest::WRITE.when(client.wants_to_send())
            }
        }
    }
}

/// Does for a client what its flags allow: sends what waits, then receives and answers once. Says how the client has
/// ended if it has.
fn serve<S: TryIo, R: Reply>(
    socket: &S,
    client: &mut Client<R>,
    readiness: &mut Readiness,
    buffers: &mut Buffers,
    log: Log,
) -> io::Result<Option<End>> {
    if client.wants_to_send() && readiness.contains(Readiness::WRITABLE) {
        let _ = client.flush(socket)?;
    }
    if client.wants_to_receive() && readiness.contains(Readiness::READABLE) {
        let received = client.receive(socket, buffers, log)?;
        readiness.after_receive(&received, RECEIVE_MAX);
    }
    if client.wants_to_send() {
        readiness.after_partial_send();
    }
    Ok(client.ended())
}
