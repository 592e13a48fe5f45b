//! Tasks whose outcome goes to a callback.

use crate::watch::{OnDrop, reports, reports_of};
use chapter_03::Mode;
use chapter_04::fake::FakeLoop;
use chapter_04::{JoinError, JoinHandle, Outcome, running_loop, spawn, yield_now};
use std::cell::RefCell;
use std::fmt::Debug;
use std::future::pending;
use std::rc::Rc;

type Trace = Rc<RefCell<Vec<String>>>;

/// Has the outcome of a task noted.
fn note<T: Outcome + Debug + 'static>(task: JoinHandle<T>, trace: &Trace) {
    let trace = Rc::clone(trace);
    task.hand_over(move |outcome| trace.borrow_mut().push(format!("{outcome:?}")));
}

fn panic_quietly() {
    std::panic::resume_unwind(Box::new("an odd state"))
}

/// TK-12 and TK-13: each outcome goes to the callback, so none is one that nobody has asked for.
#[test]
fn each_outcome_goes_to_the_callback_and_none_is_reported() {
    let reports = reports_of(async {
        let trace = Trace::default();
        note(spawn(async { 7 }), &trace);
        note(spawn(async { Err::<(), _>("refused") }), &trace);
        note(spawn(async { panic_quietly() }), &trace);
        let cancelled = spawn(pending::<()>());
        cancelled.cancel();
        note(cancelled, &trace);
        yield_now().await;
        let panicked = Err::<(), _>(JoinError::Panicked("an odd state".to_owned()));
        let expected = [
            "Ok(7)".to_owned(),
            "Ok(Err(\"refused\"))".to_owned(),
            format!("{panicked:?}"),
            "Err(Cancelled)".to_owned(),
        ];
        assert_eq!(*trace.borrow(), expected);
    });
    assert_eq!(reports, [""; 0]);
}

/// FU-04: soon after the end of the task, by way of the ready queue: behind what was scheduled before
/// that end, and before what was scheduled after it.
#[test]
fn the_callback_has_its_turn_in_the_ready_queue() {
    let reports = reports_of(async {
        let trace = Trace::default();
        let (inside, outside) = (Rc::clone(&trace), Rc::clone(&trace));
        let task = spawn(async move {
            let soon = |text: &'static str| {
                let trace = Rc::clone(&inside);
                let callback = move || trace.borrow_mut().push(text.to_owned());
                running_loop().unwrap().call_soon(callback).unwrap();
            };
            soon("scheduled by the task");
            inside.borrow_mut().push("the task ends".to_owned());
        });
        note(task, &trace);
        let last = move || outside.borrow_mut().push("the same round".to_owned());
        running_loop().unwrap().call_soon(last).unwrap();
        assert!(trace.borrow().is_empty());
        yield_now().await;
        let expected = ["the task ends", "the same round", "scheduled by the task", "Ok(())"];
        assert_eq!(*trace.borrow(), expected);
    });
    assert_eq!(reports, [""; 0]);
}

/// FU-05: the outcome of a task that is done goes to the callback soon, and not before `hand_over`
/// returns; one that somebody has taken goes to nobody twice.
#[test]
fn a_task_that_is_done_already_is_handed_over_as_well() {
    let reports = reports_of(async {
        let trace = Trace::default();
        let (done, taken) = (spawn(async { 7 }), spawn(async { 8 }));
        yield_now().await;
        assert!(done.is_finished());
        assert_eq!(taken.take_outcome(), Some(Ok(8)));
        note(taken, &trace);
        note(done, &trace);
        assert!(trace.borrow().is_empty());
        yield_now().await;
        assert_eq!(*trace.borrow(), ["Ok(7)"]);
    });
    assert_eq!(reports, [""; 0]);
}

/// LP-16: a callback that panics is reported as every other one; nothing of the task is left.
#[test]
fn a_callback_that_panics_is_reported() {
    let reports = reports_of(async {
        let held = Rc::new(());
        let (weak, value) = (Rc::downgrade(&held), held);
        spawn(async { value }).hand_over(|_value| panic_quietly());
        yield_now().await;
        assert!(weak.upgrade().is_none());
    });
    assert_eq!(reports, ["a callback failed: Some(\"an odd state\")"]);
}

/// TK-14: the task owns the callback, which owns the task. A loop that is closed ends the circle, and
/// calls nobody.
#[test]
fn a_closed_loop_drops_the_task_and_calls_nobody() {
    let mut event_loop = FakeLoop::new(Mode::Edge).event_loop;
    let (reports, trace) = (reports(&event_loop), Trace::default());
    let note = |text: &'static str| {
        let trace = Rc::clone(&trace);
        OnDrop(move || trace.borrow_mut().push(text.to_owned()))
    };
    let (waits, fails) = (note("what waits"), note("what has failed"));
    let (first, second) = (note("its callback"), note("the other callback"));
    let waiting = async move {
        let _waits = waits;
        pending::<()>().await;
    };
    let failing = async move {
        let _fails = fails;
        Err::<(), _>("refused")
    };
    let called = |_: &dyn Debug| panic!("nobody is to be called");
    event_loop.spawn(waiting).unwrap().hand_over(move |outcome| {
        let _first = first;
        called(&outcome);
    });
    event_loop.spawn(failing).unwrap().hand_over(move |outcome| {
        let _second = second;
        called(&outcome);
    });
    // One pass of one round: the second is done, and its callback is scheduled.
    event_loop.stop();
    event_loop.run_forever().unwrap();
    assert_eq!(*trace.borrow(), ["what has failed"]);
    event_loop.close();
    let mut dropped = trace.take();
    dropped.sort_unstable();
    let expected = ["its callback", "the other callback", "what has failed", "what waits"];
    assert_eq!(dropped, expected);
    let mut messages: Vec<_> = reports.borrow().iter().map(|report| report.message).collect();
    messages.sort_unstable();
    // A failure that could not be handed over any more is not lost.
    let expected = [
        "a task failed and nobody has asked for its outcome",
        "a task was destroyed before it was done",
    ];
    assert_eq!(messages, expected);
}

/// TK-06: a handle that was awaited, and is then handed over, does not cancel its task.
#[test]
fn a_task_that_was_awaited_may_be_handed_over() {
    let reports = reports_of(async {
        let trace = Trace::default();
        let mut task = spawn(async {
            yield_now().await;
            7
        });
        let wait = std::future::poll_fn(|context| {
            assert!(std::pin::Pin::new(&mut task).poll(context).is_pending());
            std::task::Poll::Ready(())
        });
        wait.await;
        note(task, &trace);
        yield_now().await;
        yield_now().await;
        assert_eq!(*trace.borrow(), ["Ok(7)"]);
    });
    assert_eq!(reports, [""; 0]);
}
