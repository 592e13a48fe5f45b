//! A kernel without sockets, and a loop over it.

use chapter_02::fake::FakeSocket;
use chapter_03::fake::FakeBackend;
use chapter_03::{Backend, Event, Interest, Mode, Readiness, Source, Token};
use chapter_04::fake::FakeLoop;
use chapter_04::{AsyncSocket, Clock, EventLoop, LoopError, VirtualClock};
use grading::{Story, Trial};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// After so many waits of one run, a loop is thought never to rest.
const WAITS_MAX: usize = 1000;

/// How long a run may take, of which nearly all is a moment. The grader's limit is longer.
const RUN_MAX: Duration = Duration::from_secs(4);

/// How long another thread is kept in the middle of its wake-up, if the loop does not come to its next wait.
const HELD: Duration = Duration::from_secs(1);

/// A kernel that reports what a check has written down, and notes what it is asked. Clones share it.
#[derive(Clone)]
pub(crate) struct Kernel {
    mode: Mode,
    plan: Rc<RefCell<Plan>>,
    doorbell: Arc<Doorbell>,
}

#[derive(Default)]
struct Plan {
    /// Each source, in the order of their numbers, and what it is watched for.
    sources: Vec<Token>,
    watched: HashMap<Token, Interest>,
    reports: VecDeque<Vec<(usize, Readiness)>>,
    waits: Vec<Option<Duration>>,
    /// What another thread does while the loop waits.
    meanwhile: Option<Box<dyn FnOnce() + Send>>,
}

/// Where other threads wake the loop.
#[derive(Default)]
struct Doorbell {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    rung: bool,
    /// Whether who rings is held until the loop waits again.
    holds: bool,
    waits: u64,
    rings: usize,
    /// Whether another thread has something to do still.
    acting: bool,
}

/// How a run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Somebody has stopped it.
    Stopped,
    /// It waits, and nothing will come.
    Asleep,
    /// It asks the kernel again and again.
    Restless,
}

impl Kernel {
    fn new(mode: Mode) -> Kernel {
        Kernel { mode, plan: Rc::default(), doorbell: Arc::default() }
    }

    /// What the next wait reports, behind those that are written down.
    pub(crate) fn report(&self, source: usize, readiness: Readiness) {
        self.plan.borrow_mut().reports.push_back(vec![(source, readiness)]);
    }

    /// The length of each wait so far.
    pub(crate) fn waits(&self) -> Vec<Option<Duration>> {
        self.plan.borrow().waits.clone()
    }

    /// How often the selector was woken.
    pub(crate) fn rings(&self) -> usize {
        self.doorbell.change(|state| state.rings)
    }

    /// Tells how many waits there were so far, in any thread. Those in which something is reported do not count.
    pub(crate) fn counter(&self) -> impl Fn() -> u64 + Clone + Send + 'static {
        let doorbell = Arc::clone(&self.doorbell);
        move || doorbell.change(|state| state.waits)
    }

    /// Has another thread do something now. While it does, the loop may wait without an end.
    pub(crate) fn beside(&self, act: impl FnOnce() + Send + 'static) {
        self.doorbell.change(|state| state.acting = true);
        let acting = Acting(Arc::clone(&self.doorbell));
        thread::spawn(move || {
            act();
            drop(acting);
        });
    }

    /// What a source is watched for.
    pub(crate) fn interest(&self, source: usize) -> Interest {
        let plan = self.plan.borrow();
        plan.watched.get(&plan.sources[source]).copied().unwrap_or(Interest::NONE)
    }

    /// Has another thread do something while the loop waits without an end. If it wakes the loop, it goes on only when the loop
    /// waits again, as does everybody who wakes it until `hold_nobody`.
    pub(crate) fn meanwhile_held(&self, act: impl FnOnce() + Send + 'static) {
        self.plan.borrow_mut().meanwhile = Some(Box::new(act));
        self.doorbell.change(|state| state.holds = true);
    }

    pub(crate) fn hold_nobody(&self) {
        self.doorbell.change(|state| state.holds = false);
    }
}

impl Backend<Rc<dyn Source>> for Kernel {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn add(&mut self, _: &Rc<dyn Source>, token: Token, interest: Interest) -> io::Result<()> {
        let plan = &mut *self.plan.borrow_mut();
        if !plan.sources.contains(&token) {
            plan.sources.push(token);
        }
        plan.watched.insert(token, interest);
        Ok(())
    }

    fn modify(
        &mut self,
        source: &Rc<dyn Source>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.add(source, token, interest)
    }

    /// The checks remove no source while they have another one.
    fn remove(&mut self, _: &Rc<dyn Source>) -> io::Result<()> {
        self.plan.borrow_mut().watched.clear();
        Ok(())
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        _: usize,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let plan = &mut *self.plan.borrow_mut();
        plan.waits.push(timeout);
        if plan.waits.len() > WAITS_MAX {
            return Err(io::Error::other(RESTLESS));
        }
        if let Some(reports) = plan.reports.pop_front() {
            events.extend(
                reports
                    .into_iter()
                    .map(|(number, readiness)| Event { token: plan.sources[number], readiness }),
            );
            return Ok(());
        }
        let rings = self.doorbell.answer();
        if rings || timeout.is_some() {
            return Ok(());
        }
        if let Some(act) = plan.meanwhile.take() {
            self.beside(act);
        }
        if self.doorbell.sleep() { Ok(()) } else { Err(io::Error::other(ASLEEP)) }
    }

    fn wake(&self) -> Box<dyn Fn() + Send + Sync> {
        let doorbell = Arc::clone(&self.doorbell);
        Box::new(move || doorbell.ring())
    }
}

const ASLEEP: &str = "nothing will end this wait";
const RESTLESS: &str = "the kernel was asked too often";

/// Another thread has something to do, until this is dropped, be it by a panic.
struct Acting(Arc<Doorbell>);

impl Drop for Acting {
    fn drop(&mut self) {
        self.0.change(|state| state.acting = false);
    }
}

impl Doorbell {
    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let changed = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
        changed
    }

    fn ring(&self) {
        let (waits, holds) = self.change(|state| {
            state.rung = true;
            state.rings += 1;
            (state.waits, state.holds)
        });
        if holds {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            // The loop's present wait is one, its next one another.
            let _ = self
                .changed
                .wait_timeout_while(state, HELD, |state| state.waits <= waits)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The beginning of a wait. Whether it ends at once, because somebody has rung.
    fn answer(&self) -> bool {
        self.change(|state| {
            state.waits += 1;
            std::mem::take(&mut state.rung)
        })
    }

    /// Sleeps until somebody rings. `false`: nobody is left who could.
    fn sleep(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self
            .changed
            .wait_while(state, |state| !state.rung && state.acting)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.rung)
    }
}

/// A loop over such a kernel.
pub(crate) struct Bench {
    pub(crate) fake: FakeLoop,
    pub(crate) kernel: Kernel,
}

impl Bench {
    pub(crate) fn new(mode: Mode) -> Bench {
        let (kernel, clock) = (Kernel::new(mode), VirtualClock::new());
        let event_loop =
            EventLoop::with_backend(Box::new(kernel.clone()), Clock::Virtual(clock.clone()));
        // The back end in it is of no loop; the socket that it makes is of ours.
        let fake = FakeLoop { event_loop, backend: FakeBackend::new(mode), clock };
        Bench { fake, kernel }
    }

    /// A socket with this script. What came before it was registered may be there.
    pub(crate) fn socket(&self, script: FakeSocket) -> AsyncSocket<FakeSocket> {
        self.fake.socket(script).expect("this kernel refuses nothing")
    }

    /// Runs until it is stopped, or nothing will come any more.
    ///
    /// # Errors
    ///
    /// The story of a loop that fails by itself.
    pub(crate) fn run(&mut self, trial: &Trial) -> Result<End, Box<Story>> {
        // Dropped when the run is over.
        let (_running, run) = mpsc::channel::<()>();
        let notes = trial.notes();
        thread::spawn(move || {
            if run.recv_timeout(RUN_MAX) == Err(RecvTimeoutError::Timeout) {
                notes.end(
                    "the loop comes to its next wait, or to the end of its run",
                    format!("it does neither, for {} seconds", RUN_MAX.as_secs()),
                    "Whatever the loop goes through comes to an end: a queue is empty some time, and what nobody takes out of a \
                     list stays in it for ever.",
                );
            }
        });
        match self.fake.event_loop.run_forever() {
            Ok(()) => Ok(End::Stopped),
            Err(LoopError::Select(error)) if error.to_string() == ASLEEP => Ok(End::Asleep),
            Err(LoopError::Select(error)) if error.to_string() == RESTLESS => Ok(End::Restless),
            Err(error) => {
                trial.fail("the loop runs", error, "A loop that is open can run.")?;
                unreachable!("it has failed")
            }
        }
    }

    /// One pass: the kernel is asked once, and what is ready runs.
    ///
    /// # Errors
    ///
    /// As `run`.
    pub(crate) fn pass(&mut self, trial: &Trial) -> Result<End, Box<Story>> {
        self.fake.event_loop.stop();
        self.run(trial)
    }

    /// Runs until nothing will come any more.
    ///
    /// # Errors
    ///
    /// The story of a loop that does not come to rest.
    pub(crate) fn rest(&mut self, trial: &Trial, why: &str) -> Result<(), Box<Story>> {
        match self.run(trial)? {
            End::Asleep => Ok(()),
            End::Stopped => trial.fail("the loop runs on", "it has stopped by itself", why),
            End::Restless => trial.fail(
                "the loop sleeps when nothing is left to do",
                format!("it asks the kernel again and again, {WAITS_MAX} times so far"),
                why,
            ),
        }
    }
}
