use crate::handle::Handle;
use crate::loop_core::Core;
use crate::loop_handle::LoopHandle;
use crate::reactor::{Direction, Watched};
use crate::remote::LoopClosed;
use crate::report::ErrorContext;
use crate::running;
use crate::subscription::{self, Second, Subscription};
use chapter_02::TryIo;
use chapter_03::{Source, Token};
use socket2::{Domain, Socket, Type};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::panic::Location;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

impl LoopHandle {
    /// Has the loop call this when a signal arrives, as an ordinary callback and soon, even if the
    /// loop sleeps (SG-01). The numbers are in [`signal`](crate::signal).
    ///
    /// It takes the place of the handler that this loop had for the signal. Signals that come close
    /// together may be one call (SG-05). A signal belongs to the process: each loop that has a
    /// handler is told, in whatever thread it runs, and what other code has installed for the
    /// signal is done as well.
    ///
    /// ```
    /// use chapter_04::{EventLoop, signal};
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// let handle = event_loop.clone();
    /// event_loop.add_signal_handler(signal::SIGHUP, move || handle.stop())?;
    /// signal_hook::low_level::raise(signal::SIGHUP)?;
    /// event_loop.run_forever()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` if no signal with a name has this number, `Unsupported` if the signal cannot
    /// be handled (SG-02), `NotConnected` if the loop is closed; or no descriptor is left. A handler
    /// that was there stays.
    #[track_caller]
    pub fn add_signal_handler(
        &self,
        signal: i32,
        callback: impl FnMut() + 'static,
    ) -> io::Result<()> {
        self.core.add_signal_handler(signal, Box::new(callback), Second::IsHeard)
    }

    /// Takes a handler away, and says whether there was one. It is not called any more, not even for
    /// a signal that has arrived.
    ///
    /// If no loop of the process has a handler for the signal then, its default action is back
    /// (SG-04), whatever it was that the process did at the signal before.
    pub fn remove_signal_handler(&self, signal: i32) -> bool {
        let removed = self.core.signals.handlers.borrow_mut().remove(&signal);
        removed.is_some()
    }
}

/// The signal handlers of a loop.
#[derive(Default)]
pub(crate) struct Signals {
    handlers: RefCell<BTreeMap<i32, Rc<Handler>>>,
    /// The handlers own it.
    pipe: RefCell<Weak<Pipe>>,
}

pub(crate) struct Handler {
    /// Borrowed while it runs, for nothing else uses it.
    callback: RefCell<Box<dyn FnMut()>>,
    /// The line that added it, for reports.
    place: &'static Location<'static>,
    subscription: Subscription,
    _pipe: Rc<Pipe>,
}

impl Signals {
    /// Removes every handler, for the caller to drop.
    pub(crate) fn close(&self) -> BTreeMap<i32, Rc<Handler>> {
        self.handlers.take()
    }

    fn pipe(&self, core: &Rc<Core>) -> io::Result<Rc<Pipe>> {
        let known = self.pipe.borrow().upgrade();
        if let Some(pipe) = known {
            return Ok(pipe);
        }
        let pipe = Rc::new(Pipe::open(core)?);
        *self.pipe.borrow_mut() = Rc::downgrade(&pipe);
        Ok(pipe)
    }
}

impl Core {
    #[track_caller]
    pub(crate) fn add_signal_handler(
        self: &Rc<Core>,
        signal: i32,
        callback: Box<dyn FnMut()>,
        second: Second,
    ) -> io::Result<()> {
        let closed = |closed: LoopClosed| io::Error::new(ErrorKind::NotConnected, closed);
        self.check_open().map_err(closed)?;
        subscription::check(signal)?;
        let pipe = self.signals.pipe(self)?;
        let handler = Rc::new(Handler {
            callback: RefCell::new(callback),
            place: Location::caller(),
            subscription: Subscription::new(signal, &pipe.sender, second)?,
            _pipe: pipe,
        });
        let old = self.signals.handlers.borrow_mut().insert(signal, Rc::clone(&handler));
        if let Some(old) = old {
            handler.subscription.take_over_from(&old.subscription);
        }
        Ok(())
    }

    /// Schedules the handlers of the signals that have arrived.
    fn take_signals(self: &Rc<Core>) {
        let Some(pipe) = self.signals.pipe.borrow().upgrade() else { return };
        // First the bytes, then the flags: a signal that comes in between writes another byte.
        if let Err(error) = pipe.empty().and_then(|()| pipe.wait()) {
            self.report(&ErrorContext::new("the loop hears no more signals").with_error(error));
        }
        for (signal, handler) in &*self.signals.handlers.borrow() {
            if handler.subscription.take_arrived() {
                let (core, signal) = (Rc::downgrade(self), *signal);
                let call = move || {
                    if let Some(core) = core.upgrade() {
                        core.call_signal_handler(signal);
                    }
                };
                self.schedule(Handle::new(self, Box::new(call), handler.place));
            }
        }
    }

    /// Calls the handler that the signal has now.
    fn call_signal_handler(&self, signal: i32) {
        let handler = self.signals.handlers.borrow().get(&signal).cloned();
        if let Some(handler) = handler {
            handler.callback.borrow_mut()();
        }
    }
}

/// Signals write to one end, and the loop waits for the other.
struct Pipe {
    core: Rc<Core>,
    token: Token,
    watched: Rc<Watched>,
    receiver: Rc<Socket>,
    sender: Socket,
    waker: Waker,
}

impl Pipe {
    fn open(core: &Rc<Core>) -> io::Result<Pipe> {
        let (receiver, sender) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
        receiver.set_nonblocking(true)?;
        // A signal must never wait for room.
        sender.set_nonblocking(true)?;
        let receiver = Rc::new(receiver);
        let (token, watched) = core.reactor.register(Rc::clone(&receiver) as Rc<dyn Source>)?;
        let waker = Waker::from(Arc::new(SignalsArrived));
        let pipe = Pipe { core: Rc::clone(core), token, watched, receiver, sender, waker };
        pipe.wait()?;
        Ok(pipe)
    }

    fn wait(&self) -> io::Result<()> {
        let Pipe { core, token, watched, waker, .. } = self;
        core.reactor.wait_for(*token, watched, Direction::Read, waker).map(drop)
    }

    fn empty(&self) -> io::Result<()> {
        let mut bytes = [0; 1024];
        while let Poll::Ready(1..) = self.receiver.try_recv(&mut bytes)? {}
        Ok(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // The loop may be closed; then the kernel watches nothing of it any more.
        let _ = self.core.reactor.unregister(self.token);
    }
}

/// Woken by the reactor, which is in a pass of the loop then.
struct SignalsArrived;

impl Wake for SignalsArrived {
    fn wake(self: Arc<SignalsArrived>) {
        running::current().take_signals();
    }
}
