use crate::loop_core::Core;
use crate::reactor::{Audience, Watched};
use crate::running;
use chapter_02::TryIo;
use chapter_03::{Interest, Readiness, Source, Token};
use socket2::Socket;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::task::Poll;

/// The most that one receive of an [`ObservedSocket`] takes (TR-06).
pub const TURN_MAX: usize = 256 * 1024;

/// Somebody who has a turn in the ready queue when its socket is ready: asyncio's reader and writer
/// callbacks in one. What it is, is for the next layer to say.
pub trait Observer {
    /// Its turn: something that it wants may be possible, or it has asked for the turn itself. It
    /// has at most one at a time in the queue.
    fn turn(self: Rc<Self>);

    /// The loop is closed, and there will be no turn any more.
    fn loop_closed(&self);
}

/// A socket of a loop that has an [`Observer`].
///
/// An [`AsyncSocket`](crate::AsyncSocket) wakes whichever tasks wait for it. This one has its
/// observer for good, so that a connection that rests needs no task, and a message no waker.
///
/// It owns the socket and its registration, until it is closed or dropped (D-04).
pub struct ObservedSocket<S = Socket> {
    core: Rc<Core>,
    watched: Rc<Watched>,
    token: Token,
    /// Its owners are this and, for the length of a call, whoever it is lent to.
    socket: RefCell<Option<Rc<S>>>,
    /// As in an `AsyncSocket`.
    gives_all: bool,
}

/// The observer of a source and what it wants.
#[derive(Default)]
pub(crate) struct Observed {
    observer: RefCell<Option<Rc<dyn Observer>>>,
    wanted: Cell<Interest>,
    /// Whether a turn is in the ready queue, or will be.
    queued: Cell<bool>,
}

impl ObservedSocket {
    /// Gives a socket to the running loop. It has no turn before it has an observer that wants
    /// something.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if the socket is in blocking mode (SA-18). Else the kernel's. The socket is
    /// closed.
    ///
    /// # Panics
    ///
    /// No loop runs in this thread.
    #[track_caller]
    pub fn new(socket: Socket) -> io::Result<ObservedSocket> {
        let gives_all = crate::async_socket::check(&socket)?;
        let socket = Rc::new(socket);
        let source = Rc::clone(&socket) as Rc<dyn Source>;
        ObservedSocket::with_source(running::current(), socket, source, gives_all)
    }
}

impl<S: TryIo> ObservedSocket<S> {
    pub(crate) fn with_source(
        core: Rc<Core>,
        socket: Rc<S>,
        source: Rc<dyn Source>,
        gives_all: bool,
    ) -> io::Result<ObservedSocket<S>> {
        let (token, watched) = core.reactor.register_observed(source)?;
        Ok(ObservedSocket { core, watched, token, socket: RefCell::new(Some(socket)), gives_all })
    }

    /// Receives what is there into the buffer that the loop has for turns, and lends it: at most
    /// [`TURN_MAX`] bytes, none at the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`; `NotConnected` if the socket is closed.
    #[inline]
    pub fn receive<R>(&self, take: impl FnOnce(&[u8]) -> R) -> io::Result<Poll<R>> {
        // Who receives inside of `take` has another one.
        let mut buffer = self.core.turn_buffer.take().unwrap_or_else(new_buffer);
        let received = self.receive_into(&mut buffer);
        let outcome = received.map(|received| received.map(|count| take(&buffer[..count])));
        self.core.turn_buffer.set(Some(buffer));
        outcome
    }

    /// Receives what is there into a buffer of the caller's; no bytes at the end of the stream.
    ///
    /// # Errors
    ///
    /// As [`receive`](ObservedSocket::receive).
    #[inline]
    pub fn receive_into(&self, buffer: &mut [u8]) -> io::Result<Poll<usize>> {
        self.attempt(|socket, readiness| {
            let received = socket.try_recv(buffer)?;
            if self.gives_all || received.is_pending() {
                readiness.after_receive(&received, buffer.len());
            }
            Ok(received)
        })
    }
}

#[cold]
fn new_buffer() -> Box<[u8]> {
    vec![0; TURN_MAX].into_boxed_slice()
}

impl<S> ObservedSocket<S> {
    /// Names who has the turns from now on.
    pub fn observe(&self, observer: Rc<dyn Observer>) {
        let old = self.observed().observer.replace(Some(observer));
        drop(old);
    }

    /// Says of which directions reports are wanted. A report of the past counts: see
    /// [`readiness`](ObservedSocket::readiness).
    ///
    /// # Errors
    ///
    /// The kernel has no memory for the interest, or the loop is closed.
    #[inline]
    pub fn want(&self, wanted: Interest) -> io::Result<()> {
        if self.observed().wanted.replace(wanted) == wanted {
            return Ok(());
        }
        self.core.reactor.settle_wanted(self.token, &self.watched)
    }

    /// What the socket is ready for, as far as is known.
    #[inline]
    pub fn readiness(&self) -> Readiness {
        self.watched.readiness.get()
    }

    /// Tries something with the socket. `attempt` takes away from the readiness what it has
    /// disproved; it must not run code of others.
    ///
    /// # Errors
    ///
    /// Those of the attempt; `NotConnected` if the socket is closed.
    // Always, for the compiler takes the few places that call it for many.
    #[inline(always)]
    pub fn attempt<T>(
        &self,
        attempt: impl FnOnce(&S, &mut Readiness) -> io::Result<T>,
    ) -> io::Result<T> {
        let socket = self.socket.borrow();
        let socket = socket.as_ref().ok_or(ErrorKind::NotConnected)?;
        let mut readiness = self.watched.readiness.get();
        let outcome = attempt(socket, &mut readiness);
        self.watched.readiness.set(readiness);
        outcome
    }

    /// The socket, unless it is closed.
    pub fn socket(&self) -> Option<Rc<S>> {
        self.socket.borrow().clone()
    }

    /// Has the observer have a turn, after everything that is scheduled already. A closed loop has
    /// none.
    pub fn schedule_turn(&self) {
        if self.observed().enqueue() {
            self.core.schedule_turn(Rc::clone(&self.watched));
        }
    }

    /// Has the observer have a turn after the kernel was asked again, so that nobody is kept from
    /// its own.
    pub fn defer_turn(&self) {
        if self.observed().enqueue() {
            self.core.defer_turn(Rc::clone(&self.watched));
        }
    }

    /// Ends the registration and closes the socket, at once, and lets go of the observer.
    pub fn close(&self) {
        let Some(socket) = self.socket.take() else { return };
        // The loop may be closed; then the kernel watches nothing of it any more.
        let _ = self.core.reactor.unregister(self.token);
        drop(socket);
        let observer = self.observed().observer.take();
        drop(observer);
    }

    fn observed(&self) -> &Observed {
        match &self.watched.audience {
            Audience::Observer(observed) => observed,
            Audience::Tasks { .. } => unreachable!("it was registered for an observer"),
        }
    }
}

impl Observed {
    /// Whether a report of these directions makes a turn.
    #[inline]
    pub(crate) fn is_to_be_told(&self, directions: Interest) -> bool {
        directions.intersects(self.wanted.get()) && self.enqueue()
    }

    /// Whether it is not in the queue yet; from now on it is.
    #[inline]
    fn enqueue(&self) -> bool {
        !self.queued.replace(true)
    }

    #[inline]
    pub(crate) fn wanted(&self) -> Interest {
        self.wanted.get()
    }

    #[inline]
    pub(crate) fn turn(&self) {
        self.queued.set(false);
        let observer = self.observer.borrow().clone();
        if let Some(observer) = observer {
            observer.turn();
        }
    }

    pub(crate) fn loop_closed(&self) {
        let observer = self.observer.take();
        if let Some(observer) = observer {
            observer.loop_closed();
        }
    }
}

impl<S> Drop for ObservedSocket<S> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<S: fmt::Debug> fmt::Debug for ObservedSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedSocket")
            .field("socket", &self.socket)
            .field("watched", &self.watched)
            .finish_non_exhaustive()
    }
}
