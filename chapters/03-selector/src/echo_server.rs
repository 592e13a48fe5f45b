use crate::back_off::BackOff;
use crate::event::{Event, Interest, Readiness, Token};
use crate::selector::{Selector, SelectorKind};
use chapter_01::{AcceptFault, End, Log, Reply};
use chapter_02::{Buffers, Client, RECEIVE_MAX, TryIo};
use socket2::Socket;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::{Duration, Instant};

/// How many clients are accepted before those that are connected have their turn again.
pub const ACCEPT_BUDGET: usize = 64;

/// A server that sleeps until one of its sockets is ready, over either back end.
pub struct EchoServer<S, R, N> {
    selector: Selector<S, Watched<R>>,
    listener: Token,
    new_reply: N,
    /// Sources that could go on without a report, each at most once.
    unfinished: Vec<Token>,
    back_off: BackOff,
    /// Lent to each client for the length of a receive.
    buffers: Buffers,
    /// Emptied and filled by each wait.
    events: Vec<Event>,
    log: Log,
}

/// What the server remembers of a source: the data in its selector. Nobody needs its name, for the
/// compiler finds it where a selector is given to [`EchoServer::with_selector`].
pub struct Watched<R> {
    /// The readiness flags.
    readiness: Readiness,
    /// Whether the source stands in the queue of the unfinished.
    unfinished: bool,
    /// `None` for the listener.
    client: Option<Client<R>>,
}

impl<R: Reply, N: FnMut() -> R> EchoServer<Socket, R, N> {
    /// A server on a listening socket; `new_reply` makes the replies of one client.
    ///
    /// # Errors
    ///
    /// The kernel's, such as no descriptor left for the selector.
    pub fn new(
        listener: Socket,
        kind: SelectorKind,
        new_reply: N,
        log: Log,
    ) -> io::Result<EchoServer<Socket, R, N>>
    where
        R: 'static,
    {
        listener.set_nonblocking(true)?;
        EchoServer::with_selector(Selector::new(kind)?, listener, new_reply, log)
    }
}

impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
    /// A server over a selector of any kind, also over a fake one with fake sockets. The listener
    /// must not block.
    ///
    /// # Errors
    ///
    /// As [`Selector::watch`].
    pub fn with_selector(
        mut selector: Selector<S, Watched<R>>,
        listener: S,
        new_reply: N,
        log: Log,
    ) -> io::Result<EchoServer<S, R, N>> {
        let watched = Watched { readiness: Readiness::NONE, unfinished: false, client: None };
        let listener = selector.watch(listener, watched, Interest::READ)?;
        Ok(EchoServer {
            selector,
            listener,
            new_reply,
            unfinished: Vec::new(),
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
    /// Only if the listening socket or the selector itself fails. What goes wrong with a client
    /// ends that client alone.
    pub fn run(&mut self) -> io::Result<Infallible> {
        loop {
            self.pass()?;
        }
    }

    /// Waits once and serves whoever is ready, everybody once.
    ///
    /// 1. If a pause of the accepting is over, the listener joins the unfinished.
    /// 2. Sleep until the kernel reports something, but not if somebody could go on at once.
    /// 3. Each source that is reported has its turn: one batch of accepts, or one receive.
    /// 4. Then each of the unfinished. Who could go on joins them for the next pass: nobody has two
    ///    turns in one, so no client can hold up the rest.
    ///
    /// # Errors
    ///
    /// As [`run`](EchoServer::run).
    pub fn pass(&mut self) -> io::Result<()> {
        if self.back_off.take_elapsed(Instant::now) {
            self.queue_listener();
        }
        let timeout = if self.unfinished.is_empty() {
            self.back_off.remaining(Instant::now)
        } else {
            Some(Duration::ZERO)
        };
        self.selector.select(&mut self.events, timeout)?;
        while let Some(token) = self.unfinished.pop() {
            self.events.push(Event { token, readiness: Readiness::NONE });
        }
        for place in 0..self.events.len() {
            self.turn(self.events[place])?;
        }
        Ok(())
    }

    /// How many clients are connected.
    pub fn clients(&self) -> usize {
        self.selector.len() - 1
    }

    /// Notes what is reported of a source, and does for it what can be done.
    fn turn(&mut self, Event { token, readiness: reported }: Event) -> io::Result<()> {
        // A client may be gone before its turn: then its token names nothing.
        let Some((socket, watched)) = self.selector.get_mut(token) else { return Ok(()) };
        watched.readiness |= reported;
        // Without a report, this is the turn that the queue gives.
        watched.unfinished &= reported != Readiness::NONE;
        let Some(client) = &mut watched.client else { return self.accept(reported) };
        // Who is unfinished has its turn in the queue, and not a second one here.
        if !watched.unfinished {
            let flags = &mut watched.readiness;
            if let Some(outcome) = serve(socket, client, flags, &mut self.buffers, self.log) {
                self.release(token, outcome);
                return Ok(());
            }
            if flags.is_readable() && client.wants_to_receive() {
                watched.unfinished = true;
                self.unfinished.push(token);
            }
        }
        let wanted = Interest::READ.when(client.wants_to_receive())
            | Interest::WRITE.when(client.wants_to_send());
        if let Err(error) = self.selector.settle(token, wanted, reported) {
            // The kernel has no memory for the interest: the client cannot be served any more.
            self.release(token, Err(error));
        }
        Ok(())
    }

    /// Accepts whoever waits, up to the budget.
    fn accept(&mut self, reported: Readiness) -> io::Result<()> {
        let mut budget = if self.listener().1.unfinished { 0 } else { ACCEPT_BUDGET };
        while budget > 0 && !self.back_off.is_on() {
            budget -= 1;
            match self.listener().0.try_accept() {
                Ok(Poll::Ready((socket, peer))) => self.welcome(socket, peer),
                Ok(Poll::Pending) => {
                    self.listener().1.readiness = Readiness::NONE;
                    self.back_off.end();
                    break;
                }
                Err(error) => match AcceptFault::of(&error) {
                    AcceptFault::Client => {}
                    AcceptFault::Exhausted => self.back_off.begin(Instant::now(), &error),
                    AcceptFault::Listener => return Err(error),
                },
            }
        }
        let accepting = !self.back_off.is_on();
        if accepting && self.listener().1.readiness.is_readable() {
            self.queue_listener();
        }
        let wanted = Interest::READ.when(accepting);
        if let Err(error) = self.selector.settle(self.listener, wanted, reported) {
            // The kernel has no memory for the interest: ask again after a pause.
            self.back_off.begin(Instant::now(), &error);
        }
        Ok(())
    }

    fn listener(&mut self) -> (&S, &mut Watched<R>) {
        self.selector.get_mut(self.listener).expect("the listener stays registered")
    }

    fn queue_listener(&mut self) {
        if !std::mem::replace(&mut self.listener().1.unfinished, true) {
            self.unfinished.push(self.listener);
        }
    }

    fn welcome(&mut self, socket: S, peer: SocketAddr) {
        let client = Client::new(peer, (self.new_reply)(), self.log);
        let watched =
            Watched { readiness: Readiness::WRITABLE, unfinished: false, client: Some(client) };
        if let Err(error) = self.selector.watch(socket, watched, Interest::READ) {
            // The selector has closed the socket; the others are not concerned.
            Log::report(format_args!("cannot watch {peer}: {error}"));
        }
    }

    /// Closes a client's socket, which leaves a descriptor for one who waits.
    fn release(&mut self, token: Token, outcome: io::Result<End>) {
        self.back_off.cut_short(Instant::now);
        match self.selector.unregister(token) {
            Ok((_socket, Watched { client: Some(client), .. })) => {
                client.log_end(outcome, self.log);
            }
            Ok(_) => {}
            // The selector has closed the socket all the same.
            Err(error) => Log::report(format_args!("cannot unregister a client: {error}")),
        }
    }
}

/// Does for a client what its flags allow: sends what waits, then receives and answers once. Says
/// how the client has ended, if it has.
fn serve<S: TryIo, R: Reply>(
    socket: &S,
    client: &mut Client<R>,
    flags: &mut Readiness,
    buffers: &mut Buffers,
    log: Log,
) -> Option<io::Result<End>> {
    if client.wants_to_send()
        && flags.is_writable()
        && let Err(error) = client.flush(socket)
    {
        return Some(Err(error));
    }
    if client.wants_to_receive() && flags.is_readable() {
        match client.receive(socket, buffers, log) {
            Ok(received) => flags.after_receive(&received, RECEIVE_MAX),
            Err(error) => return Some(Err(error)),
        }
    }
    if client.wants_to_send() {
        flags.after_partial_send();
    }
    client.ended().map(Ok)
}

#[cfg(test)]
mod tests;
