//! The loop: in which order things run, how it ends, and what it does with failures.
//!
//! Most of it is over a kernel that is written down and a clock that stands still, so the order is
//! exact. Where asyncio says "the next pass" for what a callback schedules, it is the next *round*
//! here: the same pass goes on without asking the kernel, as long as its budget lasts.

use crate::net::limit::{LIMIT, within};
use crate::watch::{OnDrop, reports};
use chapter_03::fake::Call;
use chapter_03::{Backend, Event, Interest, Mode, Readiness, SelectorKind, Source, Token};
use chapter_04::fake::FakeLoop;
use chapter_04::{
    Census, Clock, ErrorContext, EventLoop, FutureCell, JoinError, LoopClosed, LoopError,
    LoopHandle, PASS_BUDGET, Resolver, SLOW, Subject, VirtualClock, run, running_loop, sleep,
    spawn, yield_now,
};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::future::{pending, ready};
use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

const BOTH_KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];
const EMPTY: Census = Census { tasks: 0, timers: 0, sources: 0, ready: 0 };
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const NOW: Call = Call::Wait(Some(Duration::ZERO));

fn scripted() -> FakeLoop {
    FakeLoop::new(Mode::Edge)
}

fn one_pass(event_loop: &mut EventLoop) {
    event_loop.stop();
    event_loop.run_forever().unwrap();
}

/// What has happened, in its order.
#[derive(Clone, Default)]
struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    fn noting(&self, what: impl ToString) -> Box<dyn FnOnce()> {
        let (trace, what) = (self.clone(), what.to_string());
        Box::new(move || trace.note(what))
    }

    fn note(&self, what: impl ToString) {
        self.0.borrow_mut().push(what.to_string());
    }

    fn take(&self) -> String {
        self.0.take().join(" ")
    }
}

fn again(handle: &LoopHandle, act: impl Fn() + 'static) {
    let handle_too = handle.clone();
    let callback = move || {
        act();
        again(&handle_too, act);
    };
    handle.call_soon(callback).unwrap();
}

/// LP-01
#[test]
fn callbacks_run_once_each_in_the_order_of_their_calls() {
    let (mut scripted, trace) = (scripted(), Trace::default());
    for number in 0..5 {
        scripted.event_loop.call_soon(trace.noting(number)).unwrap();
    }
    one_pass(&mut scripted.event_loop);
    assert_eq!(trace.take(), "0 1 2 3 4");
    one_pass(&mut scripted.event_loop);
    assert_eq!(trace.take(), "");
}

/// LP-02, as it is here: what a callback schedules runs in the next round, behind all that was
/// ready before. The kernel is not asked in between.
#[test]
fn what_a_callback_schedules_runs_behind_what_is_ready() {
    let (mut scripted, trace) = (scripted(), Trace::default());
    let event_loop = &mut scripted.event_loop;
    let (handle, nested) = (event_loop.clone(), trace.noting("nested"));
    let first = trace.noting("first");
    event_loop
        .call_soon(move || {
            first();
            handle.call_soon(nested).unwrap();
        })
        .unwrap();
    event_loop.call_soon(trace.noting("second")).unwrap();
    let handle = event_loop.clone();
    event_loop.call_later(SECOND, move || handle.stop()).unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!(trace.take(), "first second nested");
    assert_eq!(scripted.backend.take_calls(), [NOW, Call::Wait(Some(SECOND))]);
}

/// LP-02: a callback that schedules itself for ever has [`PASS_BUDGET`] turns, then the kernel is
/// asked, and timers and sockets have theirs.
#[test]
fn a_callback_that_schedules_itself_starves_nobody() {
    for callbacks in 1..=3 {
        let mut scripted = scripted();
        let turns = Rc::new(Cell::new(0));
        for _ in 0..callbacks {
            let turns = Rc::clone(&turns);
            let turn = move || {
                turns.set(turns.get() + 1);
                assert!(turns.get() < 10 * PASS_BUDGET, "nobody else has a turn");
            };
            again(&scripted.event_loop, turn);
        }
        let (handle, seen) = (scripted.event_loop.clone(), Rc::clone(&turns));
        let (clock, at) = (scripted.clock.clone(), Rc::new(Cell::new(0)));
        let noted = Rc::clone(&at);
        // It is due when the first pass is over.
        scripted.event_loop.call_soon(move || clock.advance(SECOND)).unwrap();
        let due = move || {
            noted.set(seen.get());
            handle.stop();
        };
        scripted.event_loop.call_later(SECOND, due).unwrap();
        scripted.event_loop.run_forever().unwrap();
        // The first round has one entry more, the callback that advances the clock. Then a round is
        // run to its end, although the budget ends in its midst; the next is before the timer.
        let rounds = (PASS_BUDGET - 1).div_ceil(callbacks);
        assert_eq!(at.get(), (rounds + 1) * callbacks);
        assert_eq!(scripted.backend.take_calls(), [NOW, NOW]);
    }
}

/// LP-03: what was ready before the wait, then what other threads have asked for, then what the
/// kernel has reported, then the timers that are due.
#[test]
fn a_pass_has_an_order() {
    let mut scripted = scripted();
    let event_loop = &mut scripted.event_loop;
    // A channel, for a callback of another thread cannot have a trace.
    let (sender, trace) = mpsc::channel();
    let noting = |what: &'static str| {
        let sender = sender.clone();
        move || sender.send(what).unwrap()
    };
    let source: Rc<dyn Source> = Rc::new(OwnedFd::from(File::open("/dev/null").unwrap()));
    event_loop.add_reader(source, noting("reader")).unwrap();
    one_pass(event_loop);
    event_loop.call_later(Duration::ZERO, noting("timer")).unwrap();
    event_loop.remote().call_soon_threadsafe(noting("order")).unwrap();
    event_loop.call_soon(noting("ready")).unwrap();
    scripted.backend.report([(0, Readiness::READABLE)]);
    one_pass(event_loop);
    assert_eq!(trace.try_iter().collect::<Vec<_>>(), ["ready", "order", "reader", "timer"]);
}

/// LP-04: zero if anything is ready, else the time to the first timer, at most a day. Without a
/// timer the wait has no end, which this kernel does not survive.
#[test]
fn the_wait_ends_with_the_first_timer() {
    let mut scripted = scripted();
    let handle = scripted.event_loop.clone();
    scripted.event_loop.call_later(DAY + SECOND, move || handle.stop()).unwrap();
    scripted.event_loop.call_later(SECOND, || ()).unwrap();
    scripted.event_loop.call_later(SECOND, || ()).unwrap().cancel();
    scripted.event_loop.run_forever().unwrap();
    let expected = [SECOND, DAY].map(|timeout| Call::Wait(Some(timeout)));
    assert_eq!(scripted.backend.take_calls(), expected);
    assert_eq!(scripted.clock.elapsed(), DAY + SECOND);

    scripted.event_loop.call_later(3 * DAY, || ()).unwrap();
    let handle = scripted.event_loop.clone();
    scripted.event_loop.call_later(3 * DAY, move || handle.stop()).unwrap();
    scripted.event_loop.run_forever().unwrap();
    assert_eq!(scripted.backend.take_calls(), [Call::Wait(Some(DAY)); 3], "at most a day");

    let hang = catch_unwind(AssertUnwindSafe(|| scripted.event_loop.run_forever()));
    assert!(hang.is_err(), "nothing is scheduled, so the wait has no end");
    assert_eq!(scripted.backend.take_calls(), [Call::Wait(None)]);
}

/// LP-05
#[test]
fn a_delay_of_zero_is_after_what_is_ready() {
    let (mut scripted, trace) = (scripted(), Trace::default());
    let event_loop = &mut scripted.event_loop;
    let later = event_loop.call_later(Duration::ZERO, trace.noting("later")).unwrap();
    assert_eq!(later.when(), Some(event_loop.time()));
    event_loop.call_at(event_loop.time() - SECOND, trace.noting("past")).unwrap();
    event_loop.call_soon(trace.noting("soon")).unwrap();
    one_pass(event_loop);
    assert_eq!(trace.take(), "soon later past");
}

/// LP-06, LP-08, and D-27 (LP-07) from outside: by deadline, never before it, equal ones in the
/// order of their calls.
#[test]
fn d_27_timers_run_by_deadline_and_then_by_order() {
    let (mut scripted, trace) = (scripted(), Trace::default());
    let event_loop = &mut scripted.event_loop;
    for (number, seconds) in [3, 1, 2, 1, 3, 1, 2].into_iter().enumerate() {
        let (note, clock) = (trace.noting(number), scripted.clock.clone());
        let delay = seconds * SECOND;
        let callback = move || {
            assert_eq!(clock.elapsed(), delay);
            note();
        };
        event_loop.call_later(delay, callback).unwrap();
    }
    event_loop.run_until_complete(sleep(5 * SECOND)).unwrap();
    assert_eq!(trace.take(), "1 3 5 2 6 0 4");
    assert_eq!(scripted.clock.elapsed(), 5 * SECOND);
}

/// LP-05, LP-08: a timer that a timer sets for now has its turn in the next pass, so that a chain of
/// them cannot keep the loop from its sockets.
#[test]
fn a_timer_for_now_waits_for_the_next_pass() {
    let mut scripted = scripted();
    let handle = scripted.event_loop.clone();
    let inner = handle.clone();
    let first = move || {
        let stop = inner.clone();
        inner.call_later(Duration::ZERO, move || stop.stop()).unwrap();
    };
    handle.call_later(Duration::ZERO, first).unwrap();
    scripted.event_loop.run_forever().unwrap();
    assert_eq!(scripted.backend.take_calls(), [NOW, NOW]);
}

/// LP-09: at any time before it runs, as often as one likes; what it owns is dropped at once.
#[test]
fn a_cancelled_callback_does_not_run() {
    let mut scripted = scripted();
    let event_loop = &mut scripted.event_loop;
    let owned = Rc::new(());
    let keep = |owned: &Rc<()>| {
        let owned = Rc::clone(owned);
        move || panic!("it was cancelled, and has {owned:?}")
    };
    let reports = reports(event_loop);
    for delay in [None, Some(SECOND)] {
        let handle = match delay {
            None => event_loop.call_soon(keep(&owned)).unwrap(),
            Some(delay) => event_loop.call_later(delay, keep(&owned)).unwrap(),
        };
        assert!(!handle.is_cancelled());
        assert_eq!((handle.when().is_some(), Rc::strong_count(&owned)), (delay.is_some(), 2));
        handle.cancel();
        assert!(handle.is_cancelled());
        assert_eq!(Rc::strong_count(&owned), 1, "what it owns is dropped by the cancel");
        handle.cancel();
    }
    assert_eq!(event_loop.census().timers, 0);

    // In the ready queue already, cancelled by a callback before it in the same round.
    let victim = Rc::new(Cell::new(None));
    let taken = Rc::clone(&victim);
    let cancel = move || Option::<chapter_04::Handle>::take(&mut taken.take()).unwrap().cancel();
    event_loop.call_soon(cancel).unwrap();
    victim.set(Some(event_loop.call_soon(keep(&owned)).unwrap()));
    // Due by the same pass, and cancelled by a callback that was ready before.
    let due = event_loop.call_later(Duration::ZERO, keep(&owned)).unwrap();
    event_loop.call_soon(move || due.cancel()).unwrap();
    one_pass(event_loop);
    assert_eq!(Rc::strong_count(&owned), 1);
    assert!(reports.borrow().is_empty(), "{:?}", reports.borrow());
}

/// LP-09: a callback that has run, or is running, stays as it is; so does the timer that has taken
/// its place since.
#[test]
fn cancelling_too_late_changes_nothing() {
    let (mut scripted, trace) = (scripted(), Trace::default());
    let event_loop = &mut scripted.event_loop;
    let own = Rc::new(Cell::new(None::<chapter_04::Handle>));
    let (taken, end) = (Rc::clone(&own), trace.noting("to its end"));
    let cancels_itself = move || {
        let handle = taken.take().unwrap();
        handle.cancel();
        assert!(!handle.is_cancelled());
        end();
    };
    own.set(Some(event_loop.call_soon(cancels_itself).unwrap()));
    let early = event_loop.call_later(SECOND, || ()).unwrap();
    event_loop.run_until_complete(sleep(SECOND)).unwrap();
    event_loop.call_later(SECOND, trace.noting("another timer")).unwrap();
    early.cancel();
    assert!(!early.is_cancelled());
    event_loop.run_until_complete(sleep(SECOND)).unwrap();
    assert_eq!(trace.take(), "to its end another timer");
}

/// LP-11, LP-08, with the clock and the kernels that there are: a timer is not early.
#[test]
fn real_time_does_not_go_back_and_a_timer_is_not_early() {
    for kind in BOTH_KINDS {
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        for micros in [0, 1, 300, 999, 1001, 2500] {
            let begin = event_loop.time();
            let delay = Duration::from_micros(micros);
            event_loop.run_until_complete(sleep(delay)).unwrap();
            let took = event_loop.time() - begin;
            assert!(took >= delay, "{kind}: {took:?} for {delay:?}");
        }
    }
}

/// LP-12: the round in which it is called runs to its end; what that has scheduled is still there
/// for the next run.
#[test]
fn stop_lets_what_is_ready_run_and_keeps_the_rest() {
    let (mut scripted, trace) = (scripted(), Trace::default());
    let event_loop = &mut scripted.event_loop;
    let (handle, rest) = (event_loop.clone(), trace.noting("rest"));
    let stop = move || {
        handle.stop();
        handle.call_soon(rest).unwrap();
    };
    event_loop.call_soon(stop).unwrap();
    event_loop.call_soon(trace.noting("same round")).unwrap();
    event_loop.run_forever().unwrap();
    assert_eq!((trace.take().as_str(), event_loop.census().ready), ("same round", 1));
    assert!(!event_loop.is_running());
    one_pass(event_loop);
    assert_eq!(trace.take(), "rest");
}

/// LP-12: a run that is stopped before it begins is one pass: what is ready, what is reported and
/// what is due have their turn, and nothing waits.
#[test]
fn stopped_before_it_begins_a_run_is_one_pass() {
    let (mut scripted, trace) = (scripted(), Trace::default());
    let event_loop = &mut scripted.event_loop;
    let (handle, nested) = (event_loop.clone(), trace.noting("next run"));
    let ready = trace.noting("ready");
    event_loop
        .call_soon(move || {
            ready();
            handle.call_soon(nested).unwrap();
        })
        .unwrap();
    event_loop.call_later(Duration::ZERO, trace.noting("due")).unwrap();
    event_loop.call_later(SECOND, trace.noting("later")).unwrap();
    event_loop.stop();
    event_loop.stop();
    event_loop.run_forever().unwrap();
    assert_eq!(trace.take(), "ready due");
    assert_eq!(scripted.backend.take_calls(), [NOW]);
    assert_eq!((event_loop.census().ready, event_loop.census().timers), (1, 1));
}

/// LP-13: the same loop, another one, and `run`, each from a callback and from a task.
#[test]
fn a_thread_runs_one_loop_at_a_time() {
    let mut outer = EventLoop::new().unwrap();
    let nested = || {
        assert!(matches!(run(ready(1)), Err(LoopError::Nested)));
        let mut inner = EventLoop::new().unwrap();
        assert!(matches!(inner.run_forever(), Err(LoopError::Nested)));
        let trace = Trace::default();
        let never = trace.noting("it ran");
        let refused = inner.run_until_complete(async move { never() });
        assert!(matches!(refused, Err(LoopError::Nested)));
        assert!(!inner.is_running());
        (inner, trace)
    };
    outer.call_soon(move || drop(nested())).unwrap();
    let nested = outer.run_until_complete(async move { Box::new(nested()) });
    let (mut inner, trace) = *nested.unwrap();
    inner.run_until_complete(yield_now()).expect("no loop runs now, so this one may");
    assert_eq!(trace.take(), "", "a future that was refused is not run later");
    outer.run_until_complete(yield_now()).unwrap();
}

/// LP-13: the running loop is found from inside alone, and each thread has its own.
#[test]
fn the_running_loop_is_that_of_the_thread() {
    assert!(running_loop().is_err());
    let mut event_loop = EventLoop::new().unwrap();
    let elsewhere = async {
        assert!(running_loop().unwrap().is_running());
        thread::spawn(|| running_loop().is_err() && run(ready(1)).unwrap() == 1).join().unwrap()
    };
    assert!(event_loop.run_until_complete(elsewhere).unwrap());
    assert!(running_loop().is_err());
}

/// LP-14: the value, the failure of the future, or that it was stopped first.
#[test]
fn run_until_complete_says_how_it_ended() {
    let mut scripted = scripted();
    let event_loop = &mut scripted.event_loop;
    assert_eq!(event_loop.run_until_complete(async { 7 }).unwrap(), 7);
    let failed: Result<(), String> =
        event_loop.run_until_complete(async { Err("a value too".to_owned()) }).unwrap();
    assert_eq!(failed.unwrap_err(), "a value too");
    let panicked: Result<(), _> = event_loop.run_until_complete(async { panic!("on purpose") });
    let Err(LoopError::Main(JoinError::Panicked(message))) = panicked else {
        panic!("the panic is lost")
    };
    assert_eq!(message, "on purpose");
    let handle = event_loop.clone();
    event_loop.call_soon(move || handle.stop()).unwrap();
    assert!(matches!(event_loop.run_until_complete(pending::<()>()), Err(LoopError::Stopped)));
}

/// LP-14: a future whose run was stopped is over with that run: it does not stop the next one when
/// it ends.
#[test]
fn a_run_that_was_stopped_leaves_the_next_alone() {
    let mut scripted = scripted();
    let event_loop = &mut scripted.event_loop;
    let turns = |count| async move {
        for _ in 0..count {
            yield_now().await;
        }
        count
    };
    event_loop.stop();
    assert!(matches!(event_loop.run_until_complete(turns(3)), Err(LoopError::Stopped)));
    assert_eq!(event_loop.census().tasks, 1, "it goes on with the next run");
    assert_eq!(event_loop.run_until_complete(turns(10)).unwrap(), 10);
    assert_eq!(event_loop.census().tasks, 0);
}

/// A kernel that may refuse to wait, and counts the wake-ups that reach it.
#[derive(Clone, Default)]
struct Kernel {
    refuses: Rc<Cell<bool>>,
    wakes: Arc<AtomicUsize>,
}

impl Backend<Rc<dyn Source>> for Kernel {
    fn mode(&self) -> Mode {
        Mode::Edge
    }

    fn add(&mut self, _: &Rc<dyn Source>, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn modify(&mut self, _: &Rc<dyn Source>, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, _: &Rc<dyn Source>) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, _: &mut Vec<Event>, _: usize, _: Option<Duration>) -> io::Result<()> {
        if self.refuses.get() { Err(io::ErrorKind::OutOfMemory.into()) } else { Ok(()) }
    }

    fn wake(&self) -> Box<dyn Fn() + Send + Sync> {
        let wakes = Arc::clone(&self.wakes);
        Box::new(move || {
            wakes.fetch_add(1, Ordering::Relaxed);
        })
    }
}

fn over(kernel: &Kernel) -> EventLoop {
    EventLoop::with_backend(Box::new(kernel.clone()), Clock::Virtual(VirtualClock::new()))
}

/// LP-12: a run that fails or panics is over, and takes its stop with it.
#[test]
fn a_run_that_fails_leaves_a_loop_that_can_run() {
    let kernel = Kernel::default();
    let mut event_loop = over(&kernel);
    kernel.refuses.set(true);
    event_loop.stop();
    let refused = event_loop.run_until_complete(yield_now());
    assert!(
        matches!(refused, Err(LoopError::Select(error)) if error.kind() == io::ErrorKind::OutOfMemory)
    );
    assert!(!event_loop.is_running() && running_loop().is_err());
    kernel.refuses.set(false);
    event_loop.run_until_complete(yield_now()).expect("the stop was for the run that failed");

    let mut scripted = scripted();
    let panicked = catch_unwind(AssertUnwindSafe(|| scripted.event_loop.run_forever()));
    assert!(panicked.is_err());
    assert!(!scripted.event_loop.is_running() && running_loop().is_err());
}

/// LP-15: everything is dropped, once, and whatever is asked later is refused.
#[test]
fn a_closed_loop_holds_nothing_and_refuses_everything() {
    let mut scripted = scripted();
    let event_loop = &mut scripted.event_loop;
    let owned = Rc::new(());
    let own = |owned: &Rc<()>| {
        let owned = Rc::clone(owned);
        move || drop(owned)
    };
    let _reports = reports(event_loop);
    event_loop.call_soon(own(&owned)).unwrap();
    let timer = event_loop.call_later(SECOND, own(&owned)).unwrap();
    let task = {
        let owned = Rc::clone(&owned);
        event_loop
            .spawn(async move {
                pending::<()>().await;
                drop(owned);
            })
            .unwrap()
    };
    let kept = Rc::clone(&owned);
    event_loop.set_exception_handler(move |_, _| drop(Rc::clone(&kept)));
    let sent = Arc::new(());
    let order = Arc::clone(&sent);
    event_loop.remote().call_soon_threadsafe(move || drop(order)).unwrap();

    event_loop.close();
    event_loop.close();
    assert!(event_loop.is_closed());
    assert_eq!((Rc::strong_count(&owned), Arc::strong_count(&sent)), (1, 1));
    assert_eq!(event_loop.census(), EMPTY);
    assert_eq!(task.take_outcome(), Some(Err(JoinError::Cancelled)));

    timer.cancel();
    assert!(!timer.is_cancelled(), "its callback was gone already");
    let handle: &LoopHandle = event_loop;
    assert_eq!(handle.call_soon(|| ()).map(drop), Err(LoopClosed));
    assert_eq!(handle.call_later(SECOND, || ()).map(drop), Err(LoopClosed));
    assert_eq!(handle.call_at(handle.time(), || ()).map(drop), Err(LoopClosed));
    assert_eq!(handle.spawn(ready(())).map(drop), Err(LoopClosed));
    assert_eq!(handle.remote().call_soon_threadsafe(|| ()), Err(LoopClosed));
    assert!(matches!(event_loop.run_forever(), Err(LoopError::Closed(_))));
    assert!(matches!(event_loop.run_until_complete(ready(())), Err(LoopError::Closed(_))));
}

/// LP-15: a handle of a callback outlives its loop, and can be cancelled.
#[test]
fn a_handle_outlives_its_loop() {
    let scripted = scripted();
    let soon = scripted.event_loop.call_soon(|| ()).unwrap();
    let later = scripted.event_loop.call_later(SECOND, || ()).unwrap();
    drop(scripted);
    for handle in [soon, later] {
        handle.cancel();
        assert!(handle.place().file().ends_with("event_loop.rs"));
    }
}

/// LP-15: destructors that run because the loop is closed may ask it for anything. It is refused,
/// and nothing stays.
#[test]
fn destructors_may_use_the_loop_that_is_being_closed() {
    let mut scripted = scripted();
    let event_loop = &mut scripted.event_loop;
    let _reports = reports(event_loop);
    let cell: FutureCell<u8> = event_loop.create_future();
    cell.add_done_callback(Rc::new(|_| panic!("a closed loop runs nothing")));
    let dropped = Rc::new(Cell::new(0));
    let everything = |timer: Option<chapter_04::Handle>| {
        let (handle, cell, dropped) =
            (LoopHandle::clone(event_loop), cell.clone(), Rc::clone(&dropped));
        let remote = handle.remote();
        OnDrop(move || {
            assert!(handle.is_closed() && running_loop().is_err());
            assert_eq!(handle.call_soon(|| ()).map(drop), Err(LoopClosed));
            assert_eq!(handle.call_later(SECOND, || ()).map(drop), Err(LoopClosed));
            assert_eq!(handle.spawn(ready(())).map(drop), Err(LoopClosed));
            handle.set_exception_handler({
                let handle = handle.clone();
                move |_, _| drop(handle.clone())
            });
            // The order may still be taken, but not be run.
            let _ = remote.call_soon_threadsafe(|| panic!("a closed loop runs nothing"));
            let _ = cell.set_result(1);
            cell.add_done_callback(Rc::new(|_| panic!("a closed loop runs nothing")));
            timer.iter().for_each(chapter_04::Handle::cancel);
            dropped.set(dropped.get() + 1);
        })
    };
    let other = event_loop.call_later(SECOND, || ()).unwrap();
    let owned = everything(Some(other));
    event_loop
        .spawn(async move {
            pending::<()>().await;
            drop(owned);
        })
        .unwrap()
        .detach();
    let owned = everything(None);
    event_loop.call_soon(move || drop(owned)).unwrap();
    let owned = everything(None);
    let timer = event_loop.call_later(SECOND, move || drop(owned)).unwrap();
    let owned = everything(Some(timer));
    event_loop.call_later(2 * SECOND, move || drop(owned)).unwrap();
    let owned = everything(None);
    event_loop.set_exception_handler(move |_, _| assert!(!std::ptr::eq(&owned, std::ptr::null())));
    event_loop.close();
    assert_eq!((dropped.get(), event_loop.census()), (5, EMPTY));
}

/// LP-15: a loop is let go of with the last of its handles: nothing that is scheduled, told or set
/// keeps it.
#[test]
fn a_closed_loop_keeps_no_circle() {
    let mut scripted = scripted();
    let event_loop = &mut scripted.event_loop;
    let owned = Rc::new(());
    let cell: FutureCell<u8> = event_loop.create_future();
    event_loop.close();
    let (kept, handle) = (Rc::clone(&owned), LoopHandle::clone(event_loop));
    event_loop.set_exception_handler(move |_, _| drop((Rc::clone(&kept), handle.clone())));
    let (kept, handle) = (Rc::clone(&owned), LoopHandle::clone(event_loop));
    cell.add_done_callback(Rc::new(move |_| drop((Rc::clone(&kept), handle.clone()))));
    cell.set_result(1).unwrap();
    assert_eq!(event_loop.census(), EMPTY, "a callback that will never run");
    drop((scripted, cell));
    assert_eq!(Rc::strong_count(&owned), 1);
}

/// LP-15: one destructor that panics does not keep the rest of the loop open.
#[test]
fn a_destructor_that_panics_does_not_stop_the_close() {
    let mut scripted = scripted();
    let event_loop = &mut scripted.event_loop;
    let reports = reports(event_loop);
    let owned = Rc::new(());
    let kept = Rc::clone(&owned);
    event_loop.call_later(SECOND, move || drop(kept)).unwrap();
    let guard = OnDrop(|| panic!("while it is dropped"));
    event_loop.call_soon(move || drop(guard)).unwrap();
    event_loop.close();
    assert_eq!(Rc::strong_count(&owned), 1);
    assert_eq!(event_loop.remote().call_soon_threadsafe(|| ()), Err(LoopClosed));
    assert_eq!(reports.borrow()[0].error.as_deref(), Some("while it is dropped"));
}

/// LP-15: whoever owns it. The exception handler is told, and is the last to be let go of.
#[test]
fn no_destructor_that_panics_stops_the_close() {
    struct Fails;
    impl Drop for Fails {
        fn drop(&mut self) {
            panic!("while it is dropped");
        }
    }
    impl Wake for Fails {
        fn wake(self: Arc<Fails>) {}
    }
    async fn poll_once(future: impl Future) {
        let waker = Waker::from(Arc::new(Fails));
        let mut future = Box::pin(future);
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        // A sleep that is dropped takes its timer along.
        std::mem::forget(future);
    }
    type Owner = fn(&mut EventLoop);
    let owners: [(&str, Owner); 5] = [
        ("a callback of a task", |event_loop| {
            let (task, fails) = (event_loop.spawn(pending::<()>()).unwrap(), Fails);
            task.when_done(move || drop(fails));
        }),
        ("the resolver", |event_loop| {
            let fails = Fails;
            event_loop.set_resolver(Resolver::with_lookup(move |_, _| {
                let _kept = &fails;
                Ok(Vec::new())
            }));
        }),
        ("a call of another thread", |event_loop| {
            let fails = Fails;
            event_loop.remote().call_soon_threadsafe(move || drop(fails)).unwrap();
        }),
        ("the waker of who gives way", |event_loop| {
            event_loop.run_until_complete(poll_once(yield_now())).unwrap();
        }),
        ("the waker of who sleeps", |event_loop| {
            event_loop.run_until_complete(poll_once(sleep(SECOND))).unwrap();
        }),
    ];
    for (owner, give) in owners {
        let mut event_loop = scripted().event_loop;
        let reports = reports(&event_loop);
        give(&mut event_loop);
        event_loop.close();
        let told = reports.borrow();
        let errors = told.iter().filter_map(|context| context.error.as_deref());
        assert_eq!(errors.collect::<Vec<_>>(), ["while it is dropped"], "{owner}");
        assert_eq!(Rc::strong_count(&reports), 1, "{owner}: the exception handler is still there");
        assert_eq!(event_loop.census(), EMPTY, "{owner}");
    }
}

/// LP-16, LP-25: the context names the callback by the line that scheduled it.
#[test]
fn a_callback_that_panics_is_reported_and_the_others_carry_on() {
    let (mut scripted, trace) = (scripted(), Trace::default());
    let event_loop = &mut scripted.event_loop;
    let reports = reports(event_loop);
    let line = line!();
    event_loop.call_soon(|| panic!("soon")).unwrap();
    event_loop.call_later(Duration::ZERO, || panic!("{}", "later")).unwrap();
    event_loop.remote().call_soon_threadsafe(|| std::panic::panic_any(7)).unwrap();
    event_loop.call_soon(trace.noting("carries on")).unwrap();
    one_pass(event_loop);
    assert_eq!(trace.take(), "carries on");
    let reports = reports.take();
    assert!(reports.iter().all(|context| context.message == "a callback failed"));
    let told: Vec<_> = reports.iter().map(|context| (place(context), error(context))).collect();
    let unspoken = "a panic without a message";
    assert_eq!(told, [(line + 1, "soon"), (line + 3, unspoken), (line + 2, "later")]);
}

/// The line that made what has failed.
fn place(context: &ErrorContext) -> u32 {
    let (Subject::Callback(place) | Subject::Task(place)) = context.subject.unwrap() else {
        panic!("{context}")
    };
    assert_eq!(place.file(), file!());
    place.line()
}

fn error(context: &ErrorContext) -> &str {
    context.error.as_deref().unwrap()
}

/// LP-16: a panic in what a callback or a task leaves behind is one of that callback or task. The
/// loop and the others carry on.
#[test]
fn a_destructor_that_panics_does_not_end_the_loop() {
    struct Fails;
    impl Drop for Fails {
        fn drop(&mut self) {
            panic!("while it is dropped");
        }
    }
    impl chapter_04::Outcome for Fails {}
    /// Done at once, and not yet dropped.
    struct DropsLate(Fails);
    impl Future for DropsLate {
        type Output = ();
        fn poll(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<()> {
            std::task::Poll::Ready(())
        }
    }
    let mut scripted = scripted();
    let event_loop = &mut scripted.event_loop;
    let reports = reports(event_loop);
    event_loop.call_soon(|| drop(Fails)).unwrap();
    event_loop.spawn(async { Fails }).unwrap().detach();
    let late = event_loop.spawn(DropsLate(Fails)).unwrap();
    let cancelled = Rc::new(Cell::new(None::<chapter_04::JoinHandle<Fails>>));
    let own = Rc::clone(&cancelled);
    // It cancels itself in its last step, so its value is nobody's.
    let task = event_loop.spawn(async move {
        own.take().unwrap().cancel();
        Fails
    });
    cancelled.set(Some(task.unwrap()));
    event_loop.run_until_complete(sleep(SECOND)).expect("the loop carries on");
    assert!(matches!(late.take_outcome(), Some(Err(JoinError::Panicked(_)))));
    let told = reports.borrow();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told.iter().all(|context| context.to_string().contains("while it is dropped")),
        "{told:?}"
    );
}

/// LP-17, as it is here: there is no panic that leaves the loop. A program that wants to end at one
/// says so itself, by its panic hook or `panic = "abort"`; a task's panic is its joiner's.
#[test]
fn no_panic_leaves_the_loop() {
    let mut scripted = scripted();
    let event_loop = &mut scripted.event_loop;
    let reports = reports(event_loop);
    let task = event_loop.spawn(async { panic!("in a task") }).unwrap();
    event_loop.call_soon(|| panic!("in a callback")).unwrap();
    event_loop.run_until_complete(yield_now()).unwrap();
    assert_eq!(
        task.take_outcome(),
        Some(Err::<(), _>(JoinError::Panicked("in a task".to_owned())))
    );
    assert_eq!(reports.borrow().len(), 1);
}

/// LP-18: from several threads, over a loop that falls asleep again and again: all of it arrives,
/// and the calls of each thread in their order.
#[test]
fn calls_of_other_threads_arrive_in_the_order_of_each() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 250;
    const CALLS: usize = 100;
    for kind in BOTH_KINDS {
        within(LIMIT, "the loop hangs", move || {
            let mut event_loop = EventLoop::with_selector(kind).unwrap();
            let (arrived, arrivals) = mpsc::channel();
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (remote, arrived) = (event_loop.remote(), arrived.clone());
                    thread::spawn(move || {
                        for round in 0..ROUNDS {
                            for call in 0..CALLS {
                                let arrived = arrived.clone();
                                let number = round * CALLS + call;
                                let note = move || arrived.send((thread, number)).unwrap();
                                remote.call_soon_threadsafe(note).unwrap();
                            }
                            // By then the loop has nothing to do, unless for the other threads.
                            let (seen, is_seen) = mpsc::channel();
                            let answer = move || seen.send(()).unwrap();
                            remote.call_soon_threadsafe(answer).unwrap();
                            is_seen.recv().unwrap();
                        }
                    })
                })
                .collect();
            let remote = event_loop.remote();
            let end = thread::spawn(move || {
                threads.into_iter().for_each(|thread| thread.join().unwrap());
                remote.call_soon_threadsafe(|| running_loop().unwrap().stop()).unwrap();
            });
            event_loop.run_forever().unwrap();
            end.join().unwrap();
            let mut next = [0; THREADS];
            for (thread, number) in arrivals.try_iter() {
                assert_eq!(number, next[thread], "{kind}: thread {thread}");
                next[thread] += 1;
            }
            assert_eq!(next, [ROUNDS * CALLS; THREADS], "{kind}");
        });
    }
}

/// LP-18, LP-02: threads that call faster than the loop runs keep it from nothing. In a pass it takes
/// [`PASS_BUDGET`] calls, in their order; the rest ends the next wait, with one wake-up (LP-19).
#[test]
fn calls_of_other_threads_starve_nobody() {
    for count in [3 * PASS_BUDGET + 1, 4 * PASS_BUDGET] {
        let kernel = Kernel::default();
        let mut event_loop = over(&kernel);
        let (sender, trace) = mpsc::channel();
        let noting = |what| {
            let sender = sender.clone();
            move || sender.send(what).unwrap()
        };
        let (calls, timer) = ((0..count).map(Some).collect::<Vec<_>>(), None);
        for call in &calls {
            event_loop.remote().call_soon_threadsafe(noting(*call)).unwrap();
        }
        for (pass, calls) in calls.chunks(PASS_BUDGET).enumerate() {
            assert_eq!(kernel.wakes.load(Ordering::Relaxed), pass + 1);
            event_loop.call_later(Duration::ZERO, noting(timer)).unwrap();
            one_pass(&mut event_loop);
            assert_eq!(trace.try_iter().collect::<Vec<_>>(), [calls, &[timer]].concat());
        }
        assert_eq!(kernel.wakes.load(Ordering::Relaxed), 4, "nothing is left to wake up for");
    }
}

/// LP-18: one call at a time, to a loop that has nothing else to do: no wake-up is lost between the
/// last look and the sleep.
#[test]
fn a_sleeping_loop_is_woken_every_time() {
    for kind in BOTH_KINDS {
        within(LIMIT, "the loop hangs", move || {
            let mut event_loop = EventLoop::with_selector(kind).unwrap();
            let remote = event_loop.remote();
            let caller = thread::spawn(move || {
                let (seen, is_seen) = mpsc::channel();
                for number in 0..10_000 {
                    let seen = seen.clone();
                    remote.call_soon_threadsafe(move || seen.send(number).unwrap()).unwrap();
                    assert_eq!(is_seen.recv().unwrap(), number);
                }
                remote.call_soon_threadsafe(|| running_loop().unwrap().stop()).unwrap();
            });
            event_loop.run_forever().unwrap();
            caller.join().unwrap();
        });
    }
}

/// LP-19: however many calls there are before the loop has seen one, the kernel is asked for one
/// wake-up.
#[test]
fn many_calls_need_one_wake_up() {
    let kernel = Kernel::default();
    let mut event_loop = over(&kernel);
    for wakes in 1..=2 {
        for _ in 0..100 {
            event_loop.remote().call_soon_threadsafe(|| ()).unwrap();
        }
        assert_eq!(kernel.wakes.load(Ordering::Relaxed), wakes);
        one_pass(&mut event_loop);
    }
}

/// LP-19: a loop that is gone refuses, whatever the calling thread holds, and drops the callback
/// outside of its lock.
#[test]
fn a_call_after_the_close_is_refused() {
    for kind in BOTH_KINDS {
        within(LIMIT, "the loop hangs", move || {
            let event_loop = EventLoop::with_selector(kind).unwrap();
            let remote = event_loop.remote();
            let before = remote.clone();
            let guard = OnDrop(move || {
                assert_eq!(before.call_soon_threadsafe(|| ()), Err(LoopClosed));
            });
            remote.call_soon_threadsafe(move || drop(guard)).unwrap();
            drop(event_loop);
            thread::spawn(move || {
                let again = remote.clone();
                let guard = OnDrop(move || {
                    assert_eq!(again.call_soon_threadsafe(|| ()), Err(LoopClosed));
                });
                assert_eq!(remote.call_soon_threadsafe(move || drop(guard)), Err(LoopClosed));
            })
            .join()
            .unwrap();
        });
    }
}

/// LP-19: a wake-up of a task whose loop is closed is harmless, from any thread.
#[test]
fn a_wake_up_after_the_close_is_harmless() {
    let mut scripted = scripted();
    let waker = scripted.event_loop.run_until_complete(async {
        Box::new(
            std::future::poll_fn(|context| std::task::Poll::Ready(context.waker().clone())).await,
        )
    });
    let waker = waker.unwrap();
    waker.wake_by_ref();
    drop(scripted);
    waker.wake_by_ref();
    thread::spawn(move || waker.wake()).join().unwrap();
}

/// LP-24: named by the line that scheduled or spawned it, from more than [`SLOW`] on, and in debug
/// mode alone.
#[test]
fn debug_mode_names_what_is_slow() {
    let mut scripted = scripted();
    let (event_loop, clock) = (&mut scripted.event_loop, scripted.clock.clone());
    let reports = reports(event_loop);
    let takes = |length| {
        let clock = clock.clone();
        move || clock.advance(length)
    };
    let slow = SLOW + Duration::from_millis(20);
    event_loop.call_soon(takes(slow)).unwrap();
    one_pass(event_loop);
    assert!(reports.borrow().is_empty(), "{:?}", reports.borrow());

    event_loop.set_debug(true);
    event_loop.call_soon(takes(SLOW)).unwrap();
    let line = line!() + 1;
    event_loop.call_soon(takes(slow)).unwrap();
    let step = takes(slow);
    let in_its_second_step = async move {
        yield_now().await;
        step();
    };
    let task_line = line!() + 1;
    event_loop.spawn(in_its_second_step).unwrap().detach();
    event_loop.run_until_complete(sleep(SECOND)).unwrap();
    let told = reports.take();
    assert!(matches!(told[0].subject, Some(Subject::Callback(_))), "{told:?}");
    assert!(matches!(told[1].subject, Some(Subject::Task(_))), "{told:?}");
    let told: Vec<_> = told.iter().map(|context| (place(context), error(context))).collect();
    assert_eq!(told, [(line, "it took 120ms"), (task_line, "it took 120ms")]);
}

/// LP-25: the handler is told what failed, and may use the loop.
#[test]
fn the_exception_handler_gets_the_context() {
    let (mut scripted, trace) = (scripted(), Trace::default());
    let event_loop = &mut scripted.event_loop;
    let traced = trace.clone();
    event_loop.set_exception_handler(move |handle, context| {
        traced.note(context.error.as_deref().unwrap_or_default());
        handle.call_soon(traced.noting("scheduled by the handler")).unwrap();
        let traced = traced.clone();
        handle.set_exception_handler(move |_, context| traced.note(format!("second: {context}")));
    });
    event_loop.call_soon(|| panic!("it failed")).unwrap();
    event_loop.run_until_complete(sleep(SECOND)).unwrap();
    assert_eq!(trace.take(), "it failed scheduled by the handler");
    event_loop.call_exception_handler(&ErrorContext::new("by hand").with_error("why"));
    assert_eq!(trace.take(), "second: by hand: why");
}

/// A loop that other code of the thread asks, while another one runs: what it is asked waits for its
/// own run.
#[test]
fn a_loop_may_be_asked_while_another_one_runs() {
    let (mut asked, trace) = (scripted(), Trace::default());
    let handle = LoopHandle::clone(&asked.event_loop);
    let note = trace.noting("ran");
    let spawned = Rc::new(Cell::new(None));
    let given = Rc::clone(&spawned);
    let asks = async move {
        handle.call_soon(note).unwrap();
        let task = handle.spawn(async { 7 }).unwrap();
        spawn(async { 8 }).await.unwrap();
        assert!(!task.is_finished());
        given.set(Some(task));
    };
    run(asks).unwrap();
    let spawned = spawned.take().unwrap();
    assert_eq!(trace.take(), "");
    assert_eq!(asked.event_loop.run_until_complete(spawned).unwrap(), Ok(7));
    assert_eq!(trace.take(), "ran");
}
