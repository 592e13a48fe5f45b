use crate::clock::Clock;
use crate::join_handle::JoinHandle;
use crate::loop_core::Core;
use crate::loop_error::LoopError;
use crate::loop_handle::LoopHandle;
use crate::outcome::Outcome;
use crate::reactor::Reactor;
use crate::running;
use chapter_03::{Backend, SelectorKind, Source};
use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Deref;
use std::rc::Rc;

/// Runs callbacks and tasks, and waits for the kernel when there is nothing to run.
///
/// It owns everything that is scheduled on it: ready callbacks, timers, tasks, and by them the
/// sockets. It belongs to one thread. What can be asked of it is on [`LoopHandle`], which it
/// dereferences to. Dropping it closes it.
///
/// ```
/// use chapter_04::EventLoop;
/// use std::time::Duration;
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop.call_later(Duration::from_millis(1), || println!("a moment later"))?;
/// let seven = event_loop.run_until_complete(async { 7 })?;
/// assert_eq!(seven, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventLoop {
    handle: LoopHandle,
}

impl EventLoop {
    /// A loop over the default selector.
    ///
    /// # Errors
    ///
    /// The kernel's, such as no descriptor left.
    pub fn new() -> io::Result<EventLoop> {
        EventLoop::with_selector(SelectorKind::default())
    }

    /// A loop over a selector of one's choice.
    ///
    /// # Errors
    ///
    /// The kernel's, such as no descriptor left.
    pub fn with_selector(kind: SelectorKind) -> io::Result<EventLoop> {
        Ok(EventLoop::with_reactor(Reactor::new(kind)?, Clock::System))
    }

    /// A loop that waits and reads the time as a test tells it.
    pub fn with_backend(backend: Box<dyn Backend<Rc<dyn Source>>>, clock: Clock) -> EventLoop {
        EventLoop::with_reactor(Reactor::with_backend(backend), clock)
    }

    fn with_reactor(reactor: Reactor, clock: Clock) -> EventLoop {
        EventLoop { handle: LoopHandle::new(Rc::new(Core::new(reactor, clock))) }
    }

    /// Runs until [`stop`](LoopHandle::stop) is called.
    ///
    /// # Errors
    ///
    /// The loop is closed, a loop runs in this thread already (LP-13), or the kernel refuses to
    /// wait.
    pub fn run_forever(&mut self) -> Result<(), LoopError> {
        self.core.check_open()?;
        let _entered = running::enter(&self.core).ok_or(LoopError::Nested)?;
        self.core.run().map_err(LoopError::Select)
    }

    /// Runs a future, as a task of the loop, until it is done, and returns its value. Other tasks
    /// run meanwhile; those that are not done then stay (LP-14), and so does this one if the loop
    /// is stopped first.
    ///
    /// # Errors
    ///
    /// As [`run_forever`](EventLoop::run_forever); or the loop was stopped before the future was
    /// done, or the future was cancelled or panicked.
    #[track_caller]
    pub fn run_until_complete<F>(&mut self, future: F) -> Result<F::Output, LoopError>
    where
        F: Future + 'static,
        F::Output: Outcome + 'static,
    {
        if running::running_loop().is_ok() {
            return Err(LoopError::Nested);
        }
        let task = self.handle.spawn(future)?;
        self.run_until_done(&task)
    }

    /// Runs until a task of this loop is done, and takes its outcome.
    pub(crate) fn run_until_done<T: Outcome>(
        &mut self,
        task: &JoinHandle<T>,
    ) -> Result<T, LoopError> {
        // A task that is done after this run, because it was stopped, must not stop another one.
        let handle = Rc::new(self.handle.clone());
        let this_run = Rc::downgrade(&handle);
        task.when_done(move || {
            if let Some(handle) = this_run.upgrade() {
                handle.stop();
            }
        });
        self.run_forever()?;
        match task.take_outcome() {
            Some(outcome) => outcome.map_err(LoopError::Main),
            None => Err(LoopError::Stopped),
        }
    }

    /// Cancels every task and gives each the turn in which it ends.
    pub(crate) fn cancel_all(&mut self) -> Result<(), LoopError> {
        self.core.tasks.all().iter().for_each(|task| task.cancel());
        // A run that is stopped before it begins is one pass.
        self.stop();
        self.run_forever()
    }

    /// Closes the loop and drops what it owns: callbacks, timers, sockets' registrations, and tasks,
    /// each of which is reported if it was not done (TK-14).
    ///
    /// Closing it again does nothing. A running loop cannot be closed: `&mut` is with whoever runs
    /// it.
    pub fn close(&mut self) {
        self.core.close();
    }
}

impl Deref for EventLoop {
    type Target = LoopHandle;

    fn deref(&self) -> &LoopHandle {
        &self.handle
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop").field("handle", &self.handle).finish()
    }
}
