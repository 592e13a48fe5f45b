//! The place of a value that is not there yet: its states, who is told and in which order, and what
//! becomes of an error that nobody looks at.

use crate::watch::reports;
use chapter_03::Mode;
use chapter_04::fake::FakeLoop;
use chapter_04::{
    AlreadyDone, DoneCallback, EventLoop, FutureCell, FutureError, Outcome, Subject, spawn,
    yield_now,
};
use std::cell::RefCell;
use std::fmt;
use std::future::IntoFuture;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Without a kernel: a wait that nothing can end panics, so a hang is a failure.
fn event_loop() -> EventLoop {
    FakeLoop::new(Mode::Edge).event_loop
}

/// Runs a test on a loop.
fn on_a_loop<F>(test: F) -> F::Output
where
    F: Future<Output: Outcome> + 'static,
{
    event_loop().run_until_complete(test).unwrap()
}

fn one_pass(event_loop: &mut EventLoop) {
    event_loop.stop();
    event_loop.run_forever().unwrap();
}

/// What has happened, in its order.
#[derive(Clone, Default)]
struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    fn note(&self, what: impl ToString) {
        self.0.borrow_mut().push(what.to_string());
    }

    fn noting<T>(&self, what: &'static str) -> Rc<DoneCallback<T>> {
        let trace = self.clone();
        Rc::new(move |_| trace.note(what))
    }

    fn take(&self) -> String {
        self.0.take().join(" ")
    }
}

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is broken")
    }
}

impl std::error::Error for Broken {}

fn failed_with(outcome: Result<i32, FutureError>) -> Rc<dyn std::error::Error> {
    match outcome {
        Err(FutureError::Failed(error)) => error,
        other => panic!("it has not failed: {other:?}"),
    }
}

/// FU-01
#[test]
fn a_future_is_pending_then_finished_failed_or_cancelled() {
    let event_loop = event_loop();
    let cells: Vec<FutureCell<i32>> = (0..3).map(|_| event_loop.create_future()).collect();
    for cell in &cells {
        assert!(!cell.is_done() && !cell.is_cancelled());
        assert!(matches!(cell.result(), Err(FutureError::NotDone)));
        assert!(matches!(cell.error(), Err(FutureError::NotDone)));
    }
    let [finished, failed, cancelled] = &cells[..] else { panic!("there are three") };
    finished.set_result(7).unwrap();
    failed.set_error(Broken).unwrap();
    assert!(cancelled.cancel());
    assert!(cells.iter().all(FutureCell::is_done));
    assert_eq!(cells.iter().filter(|cell| cell.is_cancelled()).count(), 1);

    assert_eq!(finished.result().unwrap(), 7);
    assert!(finished.error().unwrap().is_none());
    assert!(failed_with(failed.result()).is::<Broken>());
    assert!(failed.error().unwrap().unwrap().is::<Broken>());
    assert!(matches!(cancelled.result(), Err(FutureError::Cancelled)));
    assert!(matches!(cancelled.error(), Err(FutureError::Cancelled)));
}

/// FU-02, FU-03: the first end is the end, whichever it was.
#[test]
fn a_future_that_is_done_keeps_its_end() {
    let event_loop = event_loop();
    let ends: [fn(&FutureCell<i32>); 3] = [
        |cell| cell.set_result(1).unwrap(),
        |cell| cell.set_error(Broken).unwrap(),
        |cell| assert!(cell.cancel()),
    ];
    for end in ends {
        let cell = event_loop.create_future();
        end(&cell);
        let before = format!("{:?} {:?}", cell, cell.result());
        assert_eq!(cell.set_result(2), Err(AlreadyDone));
        assert_eq!(cell.set_error(Broken), Err(AlreadyDone));
        assert!(!cell.cancel());
        assert_eq!(format!("{:?} {:?}", cell, cell.result()), before);
    }
}

/// FU-14: as the one who connects does, whose caller may have given up.
#[test]
fn a_value_for_a_cancelled_future_is_dropped() {
    let event_loop = event_loop();
    let cell = event_loop.create_future();
    cell.cancel();
    assert_eq!(cell.set_result_unless_cancelled(1), Ok(()));
    assert!(matches!(cell.result(), Err(FutureError::Cancelled)));
    let cell = event_loop.create_future();
    assert_eq!(cell.set_result_unless_cancelled(1), Ok(()));
    assert_eq!(cell.set_result_unless_cancelled(2), Err(AlreadyDone));
    assert_eq!(cell.result().unwrap(), 1);
}

/// FU-04: by way of the ready queue, in their order, with the future, for each of its ends.
#[test]
fn callbacks_run_after_the_end_and_not_inside() {
    let ends: [fn(&FutureCell<i32>); 3] = [
        |cell| cell.set_result(1).unwrap(),
        |cell| cell.set_error(Broken).unwrap(),
        |cell| assert!(cell.cancel()),
    ];
    for end in ends {
        let (mut event_loop, trace) = (event_loop(), Trace::default());
        let cell = event_loop.create_future();
        cell.add_done_callback(trace.noting("first"));
        let traced = trace.clone();
        cell.add_done_callback(Rc::new(move |cell: &FutureCell<i32>| {
            drop(cell.result());
            traced.note(format!("done={}", cell.is_done()));
        }));
        end(&cell);
        event_loop
            .call_soon({
                let trace = trace.clone();
                move || trace.note("later")
            })
            .unwrap();
        assert_eq!(trace.take(), "");
        one_pass(&mut event_loop);
        assert_eq!(trace.take(), "first done=true later");
        one_pass(&mut event_loop);
        assert_eq!(trace.take(), "", "each runs once");
    }
}

/// FU-05
#[test]
fn a_callback_that_comes_late_goes_through_the_queue_too() {
    let (mut event_loop, trace) = (event_loop(), Trace::default());
    let cell = event_loop.create_future();
    cell.set_result(1).unwrap();
    cell.add_done_callback(trace.noting("late"));
    assert_eq!(trace.take(), "");
    one_pass(&mut event_loop);
    assert_eq!(trace.take(), "late");
}

/// FU-06: every entry, and the number of them. Callbacks are told apart by their owner, not by what
/// they do.
#[test]
fn removing_a_callback_removes_all_its_entries() {
    let (mut event_loop, trace) = (event_loop(), Trace::default());
    let cell: FutureCell<i32> = event_loop.create_future();
    let (removed, kept) = (trace.noting("removed"), trace.noting("kept"));
    for callback in [&removed, &kept, &removed, &kept, &removed] {
        cell.add_done_callback(Rc::clone(callback));
    }
    assert_eq!(cell.remove_done_callback(&trace.noting("removed")), 0);
    assert_eq!(cell.remove_done_callback(&removed), 3);
    assert_eq!(cell.remove_done_callback(&removed), 0);
    assert_eq!(Rc::strong_count(&removed), 1);
    cell.set_result(1).unwrap();
    one_pass(&mut event_loop);
    assert_eq!(trace.take(), "kept kept");
    assert_eq!(Rc::strong_count(&kept), 1, "what has run is let go of");
}

/// FU-06: once the future is done its callbacks are the loop's, as in asyncio: a callback cannot
/// take back another one, and a callback that adds itself again runs again.
#[test]
fn a_callback_may_add_and_remove_from_inside() {
    let (mut event_loop, trace) = (event_loop(), Trace::default());
    let cell: FutureCell<i32> = event_loop.create_future();
    let second = trace.noting("second");
    let (other, traced, again) = (Rc::clone(&second), trace.clone(), trace.noting("again"));
    cell.add_done_callback(Rc::new(move |cell: &FutureCell<i32>| {
        traced.note(format!("removed={}", cell.remove_done_callback(&other)));
        cell.add_done_callback(Rc::clone(&again));
    }));
    cell.add_done_callback(second);
    cell.set_result(1).unwrap();
    one_pass(&mut event_loop);
    assert_eq!(trace.take(), "removed=0 second");
    one_pass(&mut event_loop);
    assert_eq!(trace.take(), "again");
}

/// FU-07: it is reported, by the line that made the future.
#[test]
fn a_callback_that_panics_does_not_stop_the_others() {
    let (mut event_loop, trace) = (event_loop(), Trace::default());
    let reports = reports(&event_loop);
    let line = line!() + 1;
    let cell: FutureCell<i32> = event_loop.create_future();
    cell.add_done_callback(Rc::new(|_| panic!("the callback fails")));
    cell.add_done_callback(trace.noting("second"));
    cell.set_result(1).unwrap();
    one_pass(&mut event_loop);
    assert_eq!(trace.take(), "second");
    let context = &reports.borrow()[0];
    assert_eq!(context.error.as_deref(), Some("the callback fails"));
    assert!(matches!(context.subject, Some(Subject::Callback(place)) if place.line() == line));
}

/// FU-08
#[test]
fn awaiting_a_future_that_is_done_does_not_wait() {
    on_a_loop(async {
        let trace = Trace::default();
        let traced = trace.clone();
        spawn(async move { traced.note("another task") }).detach();
        let cell = FutureCell::new();
        cell.set_result(1).unwrap();
        assert_eq!((&cell).await.unwrap(), 1);
        assert_eq!(cell.await.unwrap(), 1);
        assert_eq!(trace.take(), "", "it has gone on at once");
    });
}

/// FU-09: in the next round, ahead of what was scheduled after the end.
#[test]
fn the_end_resumes_the_awaiter_ahead_of_later_callbacks() {
    let (mut event_loop, trace) = (event_loop(), Trace::default());
    let cell = event_loop.create_future();
    let (awaited, traced) = (cell.clone(), trace.clone());
    event_loop.spawn(async move { traced.note(awaited.await.unwrap()) }).unwrap().detach();
    one_pass(&mut event_loop);
    let (traced, handle) = (trace.clone(), event_loop.clone());
    let sets = move || {
        cell.set_result(1).unwrap();
        let later = traced.clone();
        handle.call_soon(move || later.note("later")).unwrap();
        traced.note("set");
    };
    event_loop.call_soon(sets).unwrap();
    event_loop.run_until_complete(yield_now()).unwrap();
    assert_eq!(trace.take(), "set 1 later");
}

/// FU-04, FU-09: tasks and callbacks wait in one line, in the order in which they came. (What is set
/// while the loop does not run wakes tasks as another thread would, behind the callbacks.)
#[test]
fn tasks_and_callbacks_are_told_in_the_order_in_which_they_came() {
    let (mut event_loop, trace) = (event_loop(), Trace::default());
    let cell: FutureCell<i32> = event_loop.create_future();
    for what in ["task 1", "callback 1", "task 2", "callback 2", "task 3"] {
        if what.starts_with("task") {
            let (cell, trace) = (cell.clone(), trace.clone());
            let task = async move {
                cell.await.unwrap();
                trace.note(what);
            };
            event_loop.spawn(task).unwrap().detach();
            one_pass(&mut event_loop);
        } else {
            cell.add_done_callback(trace.noting(what));
        }
    }
    event_loop.call_soon(move || cell.set_result(1).unwrap()).unwrap();
    event_loop.run_until_complete(yield_now()).unwrap();
    assert_eq!(trace.take(), "task 1 callback 1 task 2 callback 2 task 3");
}

/// FU-10 and D-36: there is one error, all are given it, and nobody can change it.
#[test]
fn d_36_all_who_ask_share_one_error() {
    on_a_loop(async {
        let cell: FutureCell<i32> = FutureCell::new();
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let cell = cell.clone();
                spawn(async move { Rc::new(failed_with(cell.await)) })
            })
            .collect();
        yield_now().await;
        cell.set_error(Broken).unwrap();
        let error = cell.error().unwrap().unwrap();
        for task in tasks {
            assert!(Rc::ptr_eq(&*task.await.unwrap(), &error));
        }
        assert!(Rc::ptr_eq(&failed_with(cell.result()), &error));
        assert!(Rc::ptr_eq(&failed_with(cell.await), &error));
        assert_eq!(error.to_string(), "it is broken");
    });
}

/// FU-10: and one value, of which each gets a clone.
#[test]
fn all_who_wait_see_the_value() {
    on_a_loop(async {
        let cell = FutureCell::new();
        let tasks: Vec<_> = (0..3)
            .map(|_| cell.clone())
            .map(|cell| spawn(async { cell.await.is_ok_and(|value: String| value == "seven") }))
            .collect();
        yield_now().await;
        cell.set_result("seven".to_owned()).unwrap();
        for task in tasks {
            assert!(task.await.unwrap());
        }
    });
}

/// The inverse of D-23's kind: a task that is cancelled while it waits takes nothing from the others
/// who wait for the same future, and the future is not cancelled with it.
#[test]
fn a_cancelled_awaiter_leaves_the_others_alone() {
    on_a_loop(async {
        let cell = FutureCell::new();
        let mut tasks: Vec<_> = (0..5)
            .map(|_| {
                let cell = cell.clone();
                spawn(async move { cell.await.unwrap() })
            })
            .collect();
        yield_now().await;
        for cancelled in [4, 2, 0] {
            assert!(tasks[cancelled].cancel());
        }
        yield_now().await;
        assert!(!cell.is_done());
        cell.set_result(7).unwrap();
        for (number, task) in tasks.drain(..).enumerate() {
            assert_eq!(task.await.ok(), (number % 2 == 1).then_some(7), "task {number}");
        }
    });
}

/// Whoever waits has one place, however often it is polled, and leaves none behind.
#[test]
fn a_wait_has_one_place() {
    let event_loop = event_loop();
    let cell: FutureCell<i32> = event_loop.create_future();
    let woken = std::sync::Arc::new(CountsWakes::default());
    let waker = Waker::from(std::sync::Arc::clone(&woken));
    let mut first = Box::pin(cell.clone().into_future());
    let mut second = Box::pin(cell.clone().into_future());
    for _ in 0..3 {
        assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(second.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    // The newest waker is the one that is woken.
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(first);
    cell.set_result(1).unwrap();
    assert_eq!(woken.0.load(std::sync::atomic::Ordering::Relaxed), 1);
    let outcome = second.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(matches!(outcome, Poll::Ready(Ok(1))));
    drop((second, cell));
    assert_eq!(std::sync::Arc::strong_count(&woken), 2, "the waker here, and no other");
}

#[derive(Default)]
struct CountsWakes(std::sync::atomic::AtomicUsize);

impl std::task::Wake for CountsWakes {
    fn wake(self: std::sync::Arc<CountsWakes>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

/// FU-11: once, when the last clone is gone, by the line that made the future.
#[test]
fn an_error_that_nobody_looks_at_is_reported_once() {
    let mut event_loop = event_loop();
    let reports = reports(&event_loop);
    let line = line!() + 1;
    let cell: FutureCell<i32> = event_loop.create_future();
    let clone = cell.clone();
    cell.set_error(Broken).unwrap();
    // What is asked before it is done, or after but not for its end, is no look at its error.
    assert!(cell.is_done() && !cell.is_cancelled());
    drop(cell);
    one_pass(&mut event_loop);
    assert!(reports.borrow().is_empty());
    drop(clone);
    event_loop.close();
    let reports = reports.borrow();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0].message, "a future failed and nobody has looked at its error");
    assert_eq!(reports[0].error.as_deref(), Some("it is broken"));
    assert!(matches!(reports[0].subject, Some(Subject::Future(place)) if place.line() == line));
}

/// FU-11: an error that cannot even say what it is is reported, and harms nobody who drops a future.
#[test]
fn an_error_whose_text_panics_is_reported_too() {
    #[derive(Debug)]
    struct Speechless;
    impl fmt::Display for Speechless {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no words")
        }
    }
    impl std::error::Error for Speechless {}
    let event_loop = event_loop();
    let reports = reports(&event_loop);
    let cell: FutureCell<i32> = event_loop.create_future();
    cell.set_error(Speechless).unwrap();
    drop(cell);
    assert_eq!(reports.borrow().len(), 1);
    assert_eq!(reports.borrow()[0].error.as_deref(), Some("its text panicked: no words"));
}

/// FU-11: a look at it after it is done, of whatever kind, is enough. A look before is none.
#[test]
fn an_error_that_somebody_looks_at_is_not_reported() {
    type Look = fn(&mut EventLoop, FutureCell<i32>);
    let looks: [(Look, usize); 5] = [
        (|_, cell| assert!(cell.result().is_err()), 0),
        (|_, cell| assert!(cell.error().is_ok()), 0),
        (
            |event_loop, cell| {
                assert!(event_loop.run_until_complete(async { cell.await.is_err() }).unwrap());
            },
            0,
        ),
        (|_, cell| cell.add_done_callback(Rc::new(|_| ())), 1),
        (|_, cell| drop(cell.into_future()), 1),
    ];
    for (number, (look, expected)) in looks.into_iter().enumerate() {
        let mut event_loop = event_loop();
        let reports = reports(&event_loop);
        let cell = event_loop.create_future();
        let too_early = if number % 2 == 0 { cell.result().err() } else { cell.error().err() };
        assert!(matches!(too_early, Some(FutureError::NotDone)));
        cell.set_error(Broken).unwrap();
        look(&mut event_loop, cell);
        one_pass(&mut event_loop);
        assert_eq!(reports.borrow().len(), expected, "look {number}");
    }
}

/// FU-11: these are nobody's loss.
#[test]
fn only_an_error_is_reported() {
    let event_loop = event_loop();
    let reports = reports(&event_loop);
    let ends: [fn(&FutureCell<i32>); 3] =
        [|_| (), |cell| cell.set_result(1).unwrap(), |cell| assert!(cell.cancel())];
    ends.iter().for_each(|end| end(&event_loop.create_future()));
    let refused: FutureCell<i32> = event_loop.create_future();
    refused.set_result(1).unwrap();
    assert_eq!(refused.set_error(Broken), Err(AlreadyDone));
    drop(refused);
    assert!(reports.borrow().is_empty());
}

/// FU-12, as it is here: who is told through the queue is told by the loop of the future. A task of
/// another loop may await it, for a waker knows its own loop. asyncio refuses that.
#[test]
fn a_future_belongs_to_a_loop_and_a_waker_to_its_own() {
    let (mut home, mut other, trace) = (event_loop(), event_loop(), Trace::default());
    let cell = home.create_future();
    cell.add_done_callback(trace.noting("callback"));
    let awaited = cell.clone();
    let task = other.spawn(async move { awaited.await.unwrap() }).unwrap();
    one_pass(&mut other);
    home.call_soon(move || cell.set_result(7).unwrap()).unwrap();
    home.run_until_complete(yield_now()).unwrap();
    assert_eq!(trace.take(), "callback");
    assert_eq!(other.run_until_complete(task).unwrap(), Ok(7));
}

/// FU-13: it does not leave its thread, which the compiler checks. What crosses over is a call: it
/// finds the future by a name that may be sent.
#[test]
fn a_result_of_another_thread_comes_by_a_call() {
    thread_local! {
        static WAITING: RefCell<Option<FutureCell<i32>>> = const { RefCell::new(None) };
    }
    for kind in [chapter_03::SelectorKind::Mio, chapter_03::SelectorKind::Polling] {
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        let (remote, cell) = (event_loop.remote(), event_loop.create_future());
        WAITING.set(Some(cell.clone()));
        let thread = std::thread::spawn(move || {
            let result = 6 * 7;
            let set = move || WAITING.take().unwrap().set_result_unless_cancelled(result).unwrap();
            remote.call_soon_threadsafe(set).unwrap();
        });
        let limit = event_loop.call_later(std::time::Duration::from_secs(60), {
            let cell = cell.clone();
            move || assert!(!cell.cancel(), "no call has come")
        });
        assert_eq!(event_loop.run_until_complete(async { cell.await.unwrap() }).unwrap(), 42);
        limit.unwrap().cancel();
        thread.join().unwrap();
    }
}

/// FU-03: cancelling while others wait tells them so.
#[test]
fn who_waits_is_told_of_the_cancellation() {
    on_a_loop(async {
        let cell: FutureCell<i32> = FutureCell::new();
        let awaited = cell.clone();
        let task = spawn(async move { matches!(awaited.await, Err(FutureError::Cancelled)) });
        yield_now().await;
        assert!(cell.cancel() && !cell.cancel());
        assert!(task.await.unwrap(), "the future was cancelled, not the task");
    });
}
