use crate::clock::Clock;
use crate::handle::Handle;
use crate::join_handle::{JoinError, JoinHandle};
use crate::outcome::Outcome;
use crate::reactor::Reactor;
use crate::received::Buffers;
use crate::remote::{LoopClosed, Order, Remote};
use crate::report::{ErrorContext, Subject, panic_message};
use crate::running;
use crate::task::{Step, TaskKey, Tasks};
use crate::timers::{TimerKey, Timers};
use chapter_03::{Backend, SelectorKind, Source};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// After this many callbacks and task steps the kernel is asked again, even if some are left.
pub const PASS_BUDGET: usize = 256;

/// How many operations in a row one task may finish without waiting before others have their turn.
/// A loop around `accept` takes as many clients at once, and no more (D-01).
pub const OPERATIONS_MAX: u32 = 64;

/// A callback or task step that takes longer is named in debug mode.
pub const SLOW: Duration = Duration::from_millis(100);

/// The longest wait for a timer. It is only ended a day later than never.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

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

/// What code on a loop asks of it. Clones ask the same loop.
///
/// It keeps a loop's memory, not the loop: once that is closed, every request is refused.
#[derive(Clone)]
pub struct LoopHandle {
    pub(crate) core: Rc<Core>,
}

/// The state of a loop. Each cell is borrowed for a look or a change and never while foreign code
/// (a callback, a waker, a destructor) runs.
pub(crate) struct Core {
    phase: Cell<Phase>,
    stopping: Cell<bool>,
    debug: Cell<bool>,
    pub(crate) clock: Clock,
    /// What runs next, in this order. Whoever schedules bounds it: a task is in it at most once.
    ready: RefCell<VecDeque<Ready>>,
    /// Who has given way to others and goes on after the kernel was asked.
    deferred: RefCell<Vec<Waker>>,
    timers: RefCell<Timers<Timed>>,
    pub(crate) tasks: Tasks,
    pub(crate) reactor: Reactor,
    pub(crate) remote: Remote,
    /// How many operations the task that runs may still finish without giving way.
    operations_left: Cell<u32>,
    /// What the loop's sockets receive into, so that an idle connection holds no buffer.
    pub(crate) buffers: Rc<Buffers>,
    exception_handler: RefCell<Option<Rc<ExceptionHandler>>>,
}

type ExceptionHandler = dyn Fn(&LoopHandle, &ErrorContext);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Running,
    Closed,
}

/// An entry of the ready queue.
enum Ready {
    Task(TaskKey),
    Callback(Handle),
}

/// What a timer does.
pub(crate) enum Timed {
    Wake(Waker),
    Call(Handle),
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
        let core = Core {
            phase: Cell::new(Phase::Idle),
            stopping: Cell::new(false),
            debug: Cell::new(false),
            ready: RefCell::default(),
            deferred: RefCell::default(),
            timers: RefCell::new(Timers::new(clock.now())),
            clock,
            tasks: Tasks::default(),
            remote: Remote::new(reactor.waker()),
            reactor,
            operations_left: Cell::new(OPERATIONS_MAX),
            buffers: Rc::default(),
            exception_handler: RefCell::default(),
        };
        EventLoop { handle: LoopHandle::new(Rc::new(core)) }
    }

    /// Runs until [`stop`](LoopHandle::stop) is called.
    ///
    /// # Errors
    ///
    /// The loop is closed, a loop runs in this thread already (LP-13), or the kernel refuses to
    /// wait.
    pub fn run_forever(&mut self) -> Result<(), LoopError> {
        let core = &self.handle.core;
        if core.phase.get() == Phase::Closed {
            return Err(LoopError::Closed(LoopClosed));
        }
        let _entered = running::enter(core).ok_or(LoopError::Nested)?;
        core.phase.set(Phase::Running);
        let outcome = core.run();
        core.phase.set(Phase::Idle);
        outcome.map_err(LoopError::Select)
    }

    /// Runs a future, as a task of the loop, until it is done, and returns its value. Other tasks
    /// run meanwhile; those that are not done then stay (LP-14).
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
        let handle = self.handle.clone();
        let task = self.handle.spawn(future)?;
        task.when_done(move || handle.stop());
        self.run_forever()?;
        match task.take_outcome() {
            Some(outcome) => outcome.map_err(LoopError::Main),
            None => {
                task.cancel();
                Err(LoopError::Stopped)
            }
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
        self.handle.core.close();
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
        self.check_open()?;
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
        self.check_open()?;
        let handle = Handle::new(&self.core, Box::new(callback), Location::caller());
        let key = self.core.timers.borrow_mut().set(deadline, Timed::Call(handle.clone()));
        handle.set_timer(deadline, key);
        Ok(handle)
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
        self.check_open()?;
        Ok(self.core.tasks.spawn(&self.core, Box::pin(future), Location::caller()))
    }

    /// The loop's time.
    pub fn time(&self) -> Instant {
        self.core.clock.now()
    }

    /// Ends the run when what is scheduled now has run. What that schedules stays for the next run.
    /// Called before a run, it makes that one a single pass (LP-12).
    pub fn stop(&self) {
        self.core.stopping.set(true);
    }

    /// Whether the loop runs.
    pub fn is_running(&self) -> bool {
        self.core.phase.get() == Phase::Running
    }

    /// Whether the loop is closed.
    pub fn is_closed(&self) -> bool {
        self.core.phase.get() == Phase::Closed
    }

    /// What other threads may ask of the loop.
    pub fn remote(&self) -> Remote {
        self.core.remote.clone()
    }

    /// Who is told of failures that nobody else can be told of. Without a handler, or where the
    /// handler fails itself, they are written to standard error (LP-25).
    pub fn set_exception_handler(&self, handler: impl Fn(&LoopHandle, &ErrorContext) + 'static) {
        let old = self.core.exception_handler.borrow_mut().replace(Rc::new(handler));
        drop(old);
    }

    /// Tells the exception handler of a failure.
    pub fn call_exception_handler(&self, context: &ErrorContext) {
        let handler = self.core.exception_handler.borrow().clone();
        let told = handler.map(|handler| catch_unwind(AssertUnwindSafe(|| handler(self, context))));
        match told {
            Some(Ok(())) => {}
            Some(Err(panic)) => {
                let error = panic_message(&*panic);
                ErrorContext::new("the exception handler failed").with_error(error).log();
                context.log();
            }
            None => context.log(),
        }
    }

    /// In debug mode the loop names callbacks and task steps that take longer than [`SLOW`]
    /// (LP-24).
    pub fn set_debug(&self, debug: bool) {
        self.core.debug.set(debug);
    }

    /// What the loop holds at this moment.
    pub fn census(&self) -> Census {
        let core = &self.core;
        Census {
            tasks: core.tasks.len(),
            timers: core.timers.borrow().len(),
            sources: core.reactor.len(),
            ready: core.ready.borrow().len() + core.deferred.borrow().len(),
        }
    }

    fn check_open(&self) -> Result<(), LoopClosed> {
        if self.is_closed() { Err(LoopClosed) } else { Ok(()) }
    }
}

impl Core {
    fn run(self: &Rc<Core>) -> io::Result<()> {
        loop {
            self.pass()?;
            if self.stopping.take() {
                return Ok(());
            }
        }
    }

    /// One pass. How it runs:
    ///
    /// 1. Ask the kernel, once. The wait ends with the first timer; there is none if anything is
    ///    ready already.
    /// 2. Queue who had given way, then what other threads have asked for, then the tasks whose
    ///    sockets are ready, then the timers that are due. What was left from the last pass is
    ///    before them (LP-03).
    /// 3. Run the queue in rounds. A round is what is in the queue at its beginning, so what a
    ///    callback schedules runs in the next round. A round follows without asking the kernel, as
    ///    long as the budget lasts.
    fn pass(self: &Rc<Core>) -> io::Result<()> {
        let timeout = self.timeout();
        if self.reactor.wait(timeout)? == 0 {
            self.clock.has_waited(timeout.unwrap_or_default());
        }
        self.deferred.take().into_iter().for_each(Waker::wake);
        self.take_orders();
        self.reactor.wake_tasks();
        self.take_timers();
        self.run_ready();
        Ok(())
    }

    fn timeout(&self) -> Option<Duration> {
        let busy = !self.ready.borrow().is_empty() || !self.deferred.borrow().is_empty();
        if busy || self.stopping.get() {
            return Some(Duration::ZERO);
        }
        let deadline = self.timers.borrow_mut().next()?;
        Some(deadline.saturating_duration_since(self.clock.now()).min(WAIT_MAX))
    }

    fn take_orders(self: &Rc<Core>) {
        for order in self.remote.take() {
            match order {
                Order::Wake(task) => self.make_ready(task),
                Order::Call(callback) => {
                    self.schedule(Handle::new(self, callback, Location::caller()));
                }
            }
        }
    }

    fn take_timers(&self) {
        if self.timers.borrow().len() == 0 {
            return;
        }
        let now = self.clock.now();
        let due = || self.timers.borrow_mut().take_due(now);
        while let Some(timed) = due() {
            match timed {
                Timed::Wake(waker) => waker.wake(),
                Timed::Call(handle) => self.schedule(handle),
            }
        }
    }

    fn run_ready(self: &Rc<Core>) {
        let mut budget = PASS_BUDGET;
        loop {
            let round = self.ready.borrow().len();
            for _ in 0..round {
                let next = self.ready.borrow_mut().pop_front();
                self.run_one(next.expect("only this loop takes from the queue"));
            }
            budget = budget.saturating_sub(round);
            if round == 0 || budget == 0 || self.stopping.get() {
                return;
            }
        }
    }

    #[inline]
    fn run_one(self: &Rc<Core>, next: Ready) {
        if self.debug.get() {
            return self.run_timed(next);
        }
        match next {
            Ready::Task(key) => {
                if let Some(task) = self.tasks.get(key) {
                    self.step(&*task);
                }
            }
            Ready::Callback(handle) => self.call(&handle),
        }
    }

    fn step(&self, task: &dyn Step) {
        self.operations_left.set(OPERATIONS_MAX);
        task.step();
    }

    fn call(self: &Rc<Core>, handle: &Handle) {
        let Some(callback) = handle.take() else { return };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(callback)) {
            let context = ErrorContext::new("a callback failed")
                .with_error(panic_message(&*panic))
                .about(Subject::Callback(handle.place()));
            self.report(&context);
        }
    }

    #[cold]
    fn run_timed(self: &Rc<Core>, next: Ready) {
        let begin = self.clock.now();
        let subject = match next {
            Ready::Task(key) => {
                let Some(task) = self.tasks.get(key) else { return };
                self.step(&*task);
                Subject::Task(task.place())
            }
            Ready::Callback(handle) => {
                self.call(&handle);
                Subject::Callback(handle.place())
            }
        };
        let took = self.clock.now() - begin;
        if took > SLOW {
            let context = ErrorContext::new("a callback was slow, and everything else waited");
            self.report(&context.with_error(format_args!("it took {took:?}")).about(subject));
        }
    }

    pub(crate) fn report(self: &Rc<Core>, context: &ErrorContext) {
        LoopHandle::new(Rc::clone(self)).call_exception_handler(context);
    }

    pub(crate) fn call_soon(
        self: &Rc<Core>,
        callback: Box<dyn FnOnce()>,
        place: &'static Location<'static>,
    ) {
        self.schedule(Handle::new(self, callback, place));
    }

    pub(crate) fn schedule(&self, handle: Handle) {
        self.ready.borrow_mut().push_back(Ready::Callback(handle));
    }

    /// Puts a task into the ready queue. Its waker sees to it that it is there once.
    #[inline]
    pub(crate) fn make_ready(&self, task: TaskKey) {
        self.ready.borrow_mut().push_back(Ready::Task(task));
    }

    /// Wakes a task after the kernel was asked again.
    pub(crate) fn defer(&self, waker: &Waker) {
        let waker = waker.clone();
        self.deferred.borrow_mut().push(waker);
    }

    /// Takes one from what the running task may do without giving way. Where nothing is left, it is
    /// deferred, and the operation must answer "not yet".
    #[inline]
    pub(crate) fn may_go_on(&self, waker: &Waker) -> bool {
        let left = self.operations_left.get();
        if left == 0 {
            self.defer(waker);
            return false;
        }
        self.operations_left.set(left - 1);
        true
    }

    pub(crate) fn set_timer(&self, deadline: Instant, waker: Waker) -> TimerKey {
        self.timers.borrow_mut().set(deadline, Timed::Wake(waker))
    }

    /// Has the timer wake this waker, if it is still set.
    pub(crate) fn update_timer(&self, key: TimerKey, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut timers = self.timers.borrow_mut();
        let Some(timed) = timers.get_mut(key) else { return false };
        let old = std::mem::replace(timed, Timed::Wake(waker));
        drop(timers);
        drop(old);
        true
    }

    pub(crate) fn cancel_timer(&self, key: TimerKey) {
        let timed = self.timers.borrow_mut().cancel(key);
        drop(timed);
    }

    /// Drops everything that is scheduled. Destructors may ask for more, which is refused, or
    /// withdraw what they own, which must still be there.
    fn close(self: &Rc<Core>) {
        if self.phase.replace(Phase::Closed) == Phase::Closed {
            return;
        }
        self.tasks.all().iter().for_each(|task| task.destroy());
        drop(self.ready.take());
        drop(self.deferred.take());
        let timers = self.timers.replace(Timers::new(self.clock.now()));
        drop(timers);
        drop(self.remote.close());
        self.reactor.close();
        // A handler may own a handle of this loop.
        let handler = self.exception_handler.take();
        drop(handler);
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
    /// Callbacks and tasks that are to run.
    pub ready: usize,
}

/// Why a loop did not run to the end.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoopError {
    /// It is closed.
    Closed(LoopClosed),
    /// A loop runs in this thread already.
    Nested,
    /// It was stopped before the future was done.
    Stopped,
    /// The future was cancelled or has panicked.
    Main(JoinError),
    /// The kernel refuses to wait.
    Select(io::Error),
}

impl From<LoopClosed> for LoopError {
    fn from(closed: LoopClosed) -> LoopError {
        LoopError::Closed(closed)
    }
}

impl fmt::Display for LoopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoopError::Closed(closed) => closed.fmt(f),
            LoopError::Nested => f.write_str(
                "an event loop runs in this thread already: await the future or spawn it there",
            ),
            LoopError::Stopped => {
                f.write_str("the event loop was stopped before the future was done")
            }
            LoopError::Main(error) => write!(f, "the main task did not end well: {error}"),
            LoopError::Select(error) => write!(f, "the kernel refuses to wait: {error}"),
        }
    }
}

impl std::error::Error for LoopError {}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop").field("handle", &self.handle).finish()
    }
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle")
            .field("phase", &self.core.phase.get())
            .field("census", &self.census())
            .finish()
    }
}
