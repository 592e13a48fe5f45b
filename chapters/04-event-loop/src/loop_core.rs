mod closing;
mod reporting;
mod scheduling;

pub use scheduling::GaveWay;

use crate::clock::Clock;
use crate::contained::{self, contained};
use crate::executor::Executor;
use crate::handle::Handle;
use crate::loop_handle::{Census, LoopHandle};
use crate::names::HostNames;
use crate::reactor::{Audience, Reactor, Watched};
use crate::readers::Readers;
use crate::received::Buffers;
use crate::remote::{LoopClosed, Order, Remote};
use crate::report::{ErrorContext, Subject};
use crate::signals::Signals;
use crate::task::{Step, TaskKey, Tasks};
use crate::timers::Timers;
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

/// After this many callbacks and task steps no further round begins before the kernel was asked. The
/// round that runs comes to its end.
pub const PASS_BUDGET: usize = 256;

/// How many operations in a row one task may finish without waiting before others have their turn.
/// A loop around `accept` takes as many clients at once, and no more (D-01).
pub const OPERATIONS_MAX: u32 = 64;

/// A callback or task step that takes longer is named in debug mode.
pub const SLOW: Duration = Duration::from_millis(100);

/// The longest single wait (LP-04). The loop then computes the next one, so a later timer is not
/// missed.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The state of a loop. Each cell is borrowed for a look or a change and never while foreign code
/// (a callback, a waker, a destructor) runs.
pub(crate) struct Core {
    phase: Cell<Phase>,
    stopping: Cell<bool>,
    /// Of the pass that runs.
    pass: Cell<u64>,
    debug: Cell<bool>,
    pub(crate) clock: Clock,
    /// What runs next, in this order. Whoever schedules bounds it: a task is in it at most once.
    ready: RefCell<Vec<Ready>>,
    /// The memory of the last round, for the next one.
    spare: Cell<Vec<Ready>>,
    /// Who has given way to others and goes on after the kernel was asked.
    deferred: RefCell<Vec<Waker>>,
    /// The same of observers. Each is in it at most once.
    deferred_turns: RefCell<Vec<Rc<Watched>>>,
    timers: RefCell<Timers<Timed>>,
    pub(crate) tasks: Tasks,
    pub(crate) readers: Readers,
    pub(crate) reactor: Reactor,
    pub(crate) remote: Remote,
    pub(crate) signals: Signals,
    /// How many operations the task that runs may still finish without giving way. Code that is
    /// polled in callbacks, and in no task, has as many in each pass.
    operations_left: Cell<u32>,
    /// What the loop's sockets receive into, so that an idle connection holds no buffer.
    pub(crate) buffers: Buffers,
    /// The same for observers, of which one at a time has a turn.
    pub(crate) turn_buffer: Cell<Option<Box<[u8]>>>,
    pub(crate) executor: Executor,
    pub(crate) names: HostNames,
    exception_handler: RefCell<Option<Rc<ExceptionHandler>>>,
}

type ExceptionHandler = dyn Fn(&LoopHandle, &ErrorContext);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle,
    Running,
    Closed,
}

/// An entry of the ready queue.
enum Ready {
    Task(TaskKey),
    /// The observer of a source.
    Turn(Rc<Watched>),
    Callback(Handle),
}

/// What a timer does.
enum Timed {
    Wake(Waker),
    Call(Handle),
}

/// A run of the loop. It is over, and its stop with it, also when the kernel refuses to wait or a
/// waker of somebody else panics.
struct Run<'a>(&'a Core);

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.0.stopping.set(false);
        self.0.phase.set(Phase::Idle);
    }
}

impl Core {
    pub(crate) fn new(reactor: Reactor, clock: Clock) -> Core {
        Core {
            phase: Cell::new(Phase::Idle),
            stopping: Cell::new(false),
            pass: Cell::new(0),
            debug: Cell::new(false),
            ready: RefCell::default(),
            spare: Cell::default(),
            deferred: RefCell::default(),
            deferred_turns: RefCell::default(),
            timers: RefCell::new(Timers::new(clock.now())),
            clock,
            tasks: Tasks::default(),
            readers: Readers::default(),
            remote: Remote::new(reactor.waker()),
            signals: Signals::default(),
            reactor,
            operations_left: Cell::new(OPERATIONS_MAX),
            buffers: Buffers::default(),
            turn_buffer: Cell::new(None),
            executor: Executor::default(),
            names: HostNames::default(),
            exception_handler: RefCell::default(),
        }
    }

    /// Runs passes until it is stopped. It is the running loop of this thread then.
    pub(crate) fn run(self: &Rc<Core>) -> io::Result<()> {
        self.phase.set(Phase::Running);
        let _run = Run(self);
        self.run_passes()
    }

    fn run_passes(self: &Rc<Core>) -> io::Result<()> {
        loop {
            self.pass()?;
            if self.stopping.get() {
                return Ok(());
            }
        }
    }

    /// One pass. How it runs:
    ///
    /// 1. Ask the kernel, once. The wait lasts until the first timer is due; it is zero if anything
    ///    is ready already.
    /// 2. Queue who had given way, then what other threads have asked for, then the tasks and
    ///    observers whose sockets are ready, then the timers that are due. What was left from the last pass is
    ///    before them (LP-03).
    /// 3. Run the queue in rounds. A round is what is in the queue at its beginning, so what a
    ///    callback schedules runs in the next round. A round follows without asking the kernel, as
    ///    long as the budget lasts.
    fn pass(self: &Rc<Core>) -> io::Result<()> {
        let timeout = self.timeout();
        if self.reactor.wait(timeout)? == 0 {
            self.clock.has_waited(timeout.unwrap_or_default());
        }
        self.pass.set(self.pass.get() + 1);
        self.operations_left.set(OPERATIONS_MAX);
        contained::for_each(self.deferred.take().into_iter(), Waker::wake);
        self.take_deferred_turns();
        self.take_orders();
        self.reactor.deliver(|watched| self.schedule_turn(watched));
        self.take_timers();
        self.run_ready();
        Ok(())
    }

    fn timeout(&self) -> Option<Duration> {
        let busy = !self.ready.borrow().is_empty()
            || !self.deferred.borrow().is_empty()
            || !self.deferred_turns.borrow().is_empty();
        if busy || self.stopping.get() {
            return Some(Duration::ZERO);
        }
        let deadline = self.timers.borrow_mut().next()?;
        Some(deadline.saturating_duration_since(self.clock.now()).min(WAIT_MAX))
    }

    fn take_orders(self: &Rc<Core>) {
        for order in self.remote.take(PASS_BUDGET) {
            match order {
                Order::Wake(task) => self.make_ready(task),
                Order::Call(callback, place) => {
                    self.schedule(Handle::new(self, callback, place));
                }
            }
        }
    }

    fn take_timers(self: &Rc<Core>) {
        if self.timers.borrow().len() == 0 {
            return;
        }
        let now = self.clock.now();
        let due = std::iter::from_fn(|| self.timers.borrow_mut().take_due(now));
        contained::for_each(due, |timed| match timed {
            Timed::Wake(waker) => waker.wake(),
            Timed::Call(handle) => self.schedule(handle),
        });
    }

    fn run_ready(self: &Rc<Core>) {
        let mut budget = PASS_BUDGET;
        loop {
            let mut round = self.ready.replace(self.spare.take());
            let count = round.len();
            contained::for_each(round.drain(..), |next| self.run_one(next));
            self.spare.set(round);
            budget = budget.saturating_sub(count);
            if count == 0 || budget == 0 || self.stopping.get() {
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
            Ready::Turn(watched) => self.turn(&watched),
            Ready::Callback(handle) => self.call(&handle),
        }
    }

    #[inline]
    fn turn(self: &Rc<Core>, watched: &Watched) {
        if let Audience::Observer(observed) = &watched.audience
            && let Err(message) = contained(|| observed.turn())
        {
            self.turn_failed(message);
        }
    }

    #[cold]
    fn turn_failed(self: &Rc<Core>, message: String) {
        self.report(&ErrorContext::new("an observer failed").with_error(message));
    }

    fn step(&self, task: &dyn Step) {
        self.operations_left.set(OPERATIONS_MAX);
        task.step();
    }

    fn call(self: &Rc<Core>, handle: &Handle) {
        if let Some(callback) = handle.take() {
            self.guard(handle.place(), callback);
        }
    }

    /// Runs a callback, and reports it if it panics (LP-16).
    pub(crate) fn guard(
        self: &Rc<Core>,
        place: &'static Location<'static>,
        callback: impl FnOnce(),
    ) {
        if let Err(message) = contained(callback) {
            let context = ErrorContext::new("a callback failed")
                .with_error(message)
                .about(Subject::Callback(place));
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
                Some(Subject::Task(task.place()))
            }
            Ready::Turn(watched) => {
                self.turn(&watched);
                None
            }
            Ready::Callback(handle) => {
                self.call(&handle);
                Some(Subject::Callback(handle.place()))
            }
        };
        let took = self.clock.now() - begin;
        if took > SLOW {
            let context = ErrorContext::new("a callback was slow, and everything else waited");
            let context = context.with_error(format_args!("it took {took:?}"));
            self.report(&ErrorContext { subject, ..context });
        }
    }

    pub(crate) fn number_of_pass(&self) -> u64 {
        self.pass.get()
    }

    pub(crate) fn stop(&self) {
        self.stopping.set(true);
    }

    pub(crate) fn set_debug(&self, debug: bool) {
        self.debug.set(debug);
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(crate) fn check_open(&self) -> Result<(), LoopClosed> {
        if self.phase.get() == Phase::Closed { Err(LoopClosed) } else { Ok(()) }
    }

    pub(crate) fn census(&self) -> Census {
        Census {
            tasks: self.tasks.len(),
            timers: self.timers.borrow().len(),
            sources: self.reactor.len(),
            ready: self.ready.borrow().len()
                + self.deferred.borrow().len()
                + self.deferred_turns.borrow().len(),
        }
    }
}
