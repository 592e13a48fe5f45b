use crate::handle::Handle;
use crate::join_handle::JoinHandle;
use crate::loop_core::{Core, GaveWay, Phase};
use crate::outcome::Outcome;
use crate::remote::{LoopClosed, Remote};
use crate::report::ErrorContext;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::task::Context;
use std::time::{Duration, Instant};

/// What code on a loop asks of it. Clones ask the same loop.
///
/// It keeps a loop's memory, not the loop: once that is closed, every request is refused.
///
/// What asyncio finds out in debug mode alone does not compile here (LP-24). A handle stays in the
/// thread of its loop; another thread asks through [`Remote`]:
///
/// ```compile_fail,E0277
/// # let event_loop = chapter_04::EventLoop::new()?;
/// let handle = event_loop.clone();
/// std::thread::spawn(move || drop(handle.call_soon(|| ())));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// And a future is no callback, which would never be polled:
///
/// ```compile_fail,E0277
/// # let event_loop = chapter_04::EventLoop::new()?;
/// event_loop.call_soon(async { println!("never") });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct LoopHandle {
    pub(crate) core: Rc<Core>,
}

impl LoopHandle {
    pub(crate) fn new(core: Rc<Core>) -> LoopHandle {
        LoopHandle { core }
    }

    /// Schedules a callback: it runs after everything that is scheduled already (LP-01).
    ///
    /// # Errors
    ///
    /// The loop is closed.
    #[track_caller]
    pub fn call_soon(&self, callback: impl FnOnce() + 'static) -> Result<Handle, LoopClosed> {
        self.core.check_open()?;
        let handle = Handle::new(&self.core, Box::new(callback), Location::caller());
        self.core.schedule(handle.clone());
        Ok(handle)
    }

    /// Schedules a callback for the end of a delay. With a delay of zero it runs in the next pass,
    /// after what is ready by then (LP-05). A delay of more than thirty years counts as thirty
    /// years.
    ///
    /// # Errors
    ///
    /// The loop is closed.
    #[track_caller]
    pub fn call_later(
        &self,
        delay: Duration,
        callback: impl FnOnce() + 'static,
    ) -> Result<Handle, LoopClosed> {
        self.call_at(self.core.clock.after(delay), callback)
    }

    /// Schedules a callback for a time. It never runs before (LP-08); callbacks for the same time
    /// run in the order of the calls.
    ///
    /// # Errors
    ///
    /// The loop is closed.
    #[track_caller]
    pub fn call_at(
        &self,
        deadline: Instant,
        callback: impl FnOnce() + 'static,
    ) -> Result<Handle, LoopClosed> {
        self.core.check_open()?;
        let handle = Handle::new(&self.core, Box::new(callback), Location::caller());
        self.core.schedule_at(deadline, &handle);
        Ok(handle)
    }

    /// Takes one from the [`OPERATIONS_MAX`](crate::OPERATIONS_MAX) that the running task may do
    /// before it gives way, as each operation of an [`AsyncSocket`](crate::AsyncSocket) does. `false`
    /// if none is left: the task goes on in the next pass, and whoever asks answers "not yet". An
    /// operation that did so is not told to wait again when it asks in a later pass, whatever the other
    /// futures of its task have taken before it.
    ///
    /// For futures written elsewhere that may be ready many times in a row: without it, a task whose
    /// peer is fast leaves nobody else a turn (D-01).
    #[inline]
    pub fn may_go_on(&self, gave_way: &mut GaveWay, context: &mut Context<'_>) -> bool {
        self.core.may_go_on(gave_way, context.waker())
    }

    /// Makes a task of a future. Nothing of it runs before its turn comes (TK-01).
    ///
    /// # Errors
    ///
    /// The loop is closed; the future is dropped.
    #[doc(alias = "create_task")]
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Result<JoinHandle<F::Output>, LoopClosed>
    where
        F: Future + 'static,
        F::Output: Outcome + 'static,
    {
        self.core.check_open()?;
        Ok(self.core.tasks.spawn(&self.core, Box::pin(future), Location::caller()))
    }

    /// The loop's time.
    pub fn time(&self) -> Instant {
        self.core.clock.now()
    }

    /// Ends the run when what is scheduled now has run. What that schedules stays for the next run.
    /// Called before a run, it makes that one a single pass (LP-12).
    pub fn stop(&self) {
        self.core.stop();
    }

    /// Whether the loop runs.
    pub fn is_running(&self) -> bool {
        self.core.phase() == Phase::Running
    }

    /// Whether the loop is closed.
    pub fn is_closed(&self) -> bool {
        self.core.phase() == Phase::Closed
    }

    /// What other threads may ask of the loop.
    pub fn remote(&self) -> Remote {
        self.core.remote.clone()
    }

    /// Who is told of failures that nobody else can be told of. Without a handler, or where the
    /// handler fails itself, they are written to standard error (LP-25).
    pub fn set_exception_handler(&self, handler: impl Fn(&LoopHandle, &ErrorContext) + 'static) {
        self.core.set_exception_handler(Rc::new(handler));
    }

    /// Tells the exception handler of a failure.
    pub fn call_exception_handler(&self, context: &ErrorContext) {
        self.core.report(context);
    }

    /// In debug mode the loop names callbacks and task steps that take longer than [`SLOW`](crate::SLOW)
    /// (LP-24).
    pub fn set_debug(&self, debug: bool) {
        self.core.set_debug(debug);
    }

    /// What the loop holds at this moment.
    pub fn census(&self) -> Census {
        self.core.census()
    }
}

/// How much a loop holds; see [`LoopHandle::census`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// Tasks that are not done.
    pub tasks: usize,
    /// Timers that are set.
    pub timers: usize,
    /// Sockets and other sources that are registered.
    pub sources: usize,
    /// Callbacks, tasks and observers that are to run, without the rest of the round that runs.
    pub ready: usize,
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle")
            .field("phase", &self.core.phase())
            .field("census", &self.census())
            .finish()
    }
}
