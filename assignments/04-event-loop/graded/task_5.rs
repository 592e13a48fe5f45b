//! Task 4.5: what ends once.

use crate::kernel::Bench;
use crate::probe::{Bell, Guest, Moment, Probe};
use chapter_03::Mode;
use chapter_04::{AlreadyDone, Elapsed, FutureCell, FutureError, JoinError, running_loop, timeout};
use grading::{Trial, Verdict};
use std::cell::{Cell, RefCell};
use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const OPEN: &str = "the loop is open";

pub(crate) fn a_cancelled_task_ends_in_its_next_turn(trial: &mut Trial) -> Verdict {
    const WHY: &str = "To cancel is to ask. Who asks is in the middle of something, and may be the task itself: what the \
                       task owns is dropped in its own turn.";
    let mut bench = Bench::new(Mode::Edge);
    let unborn = Probe::default();
    let task = bench.fake.event_loop.spawn(unborn.future()).expect(OPEN);
    trial.did("a task is spawned and cancelled, before its first turn");
    trial.expect("cancel() gives", &true, &task.cancel(), "It was not done.")?;
    let kept = "its future is still there when cancel() has returned";
    trial.ensure(!unborn.is_dropped(), kept, "it is dropped", WHY)?;
    bench.rest(trial, WHY)?;
    trial.expect(
        "polls of its future",
        &0,
        &unborn.polls(),
        "It was cancelled before it began.",
    )?;
    let ended = "its future is dropped in its next turn";
    trial.ensure(unborn.is_dropped(), ended, "it is not dropped", WHY)?;
    trial.expect("its outcome", &Some(Err(JoinError::Cancelled)), &task.take_outcome(), WHY)?;

    let probe = Probe::default();
    let task = Rc::new(bench.fake.event_loop.spawn(probe.future()).expect(OPEN));
    trial.did("a task is spawned, has its first turn, and waits");
    bench.rest(trial, "A task that waits is not run.")?;
    let times = trial.random().between(1, 3);
    let seen = Rc::new(Cell::new((false, false)));
    let (noted, shared, dropped) = (Rc::clone(&seen), Rc::clone(&task), probe.clone());
    let cancel = move || {
        let asked = (0..times).all(|_| shared.cancel());
        noted.set((asked, dropped.is_dropped()));
    };
    bench.fake.event_loop.call_soon(cancel).expect(OPEN);
    trial.did(format!("a callback cancels it, {times} times"));
    bench.rest(trial, "A task that is done is not run any more.")?;
    trial.expect(
        "its future is dropped before the callback is over",
        &false,
        &seen.get().1,
        WHY,
    )?;
    trial.expect("each cancel() gives", &true, &seen.get().0, "It was not done yet.")?;
    trial.ensure(
        probe.is_dropped(),
        ended,
        "it is not dropped",
        "A task that waits has no turn of its own accord: who cancels it has to wake it.",
    )?;
    trial.expect("polls of its future", &1, &probe.polls(), "It is dropped and not polled.")?;
    trial.did("it is cancelled once more");
    trial.expect("cancel() gives", &false, &task.cancel(), "It is done.")?;
    trial.expect("its outcome", &Some(Err(JoinError::Cancelled)), &task.take_outcome(), WHY)?;

    let probe = Probe::default();
    let task = Rc::new(bench.fake.event_loop.spawn(probe.future()).expect(OPEN));
    let itself = Rc::clone(&task);
    probe.in_next_poll(move |_| itself.cancel_now());
    probe.be_ready();
    trial.did(
        "a task cancels itself in its first poll, by cancel_now(), and is ready in the same poll",
    );
    bench.rest(trial, "A task that is done is not run any more.")?;
    trial.expect(
        "its outcome",
        &Some(Err(JoinError::Cancelled)),
        &task.take_outcome(),
        "Who was told that the task is cancelled may count on it, also if the task comes to its end in the same poll. And a \
         body that is polled is code of others: no cell of the task is borrowed meanwhile.",
    )
}

pub(crate) fn a_late_future_is_dropped(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Who sets a limit goes on when it is over, whatever the future does, and the future is gone by then \
                       with all that it owned.";
    let probe = Probe::default();
    probe.be_ready();
    let mut at_once = pin!(timeout(Duration::ZERO, probe.future()));
    trial.did("a future that is ready is given no time at all");
    trial.expect(
        "timeout() gives",
        &Poll::Ready(Ok(())),
        &at_once.as_mut().poll(&mut Context::from_waker(Waker::noop())),
        "The future is polled before the time is looked at.",
    )?;

    let mut bench = Bench::new(Mode::Edge);
    let limit = Duration::from_millis(trial.random().between(10, 9000) as u64);
    let (probe, clock) = (Probe::default(), bench.fake.clock.clone());
    let late = probe.future();
    let result = Rc::new(RefCell::new(None));
    let (noted, watched) = (Rc::clone(&result), probe.clone());
    let body = async move {
        let outcome = timeout(limit, late).await;
        noted.replace(Some((outcome, clock.elapsed(), watched.is_dropped())));
    };
    bench.fake.event_loop.spawn(body).expect(OPEN).detach();
    trial.did(format!("a task gives {limit:?} to a future that is never ready"));
    bench.rest(trial, WHY)?;
    let came = result.take();
    trial.ensure(
        came.is_some(),
        "timeout() gives the error Elapsed",
        "nothing: it waits on",
        WHY,
    )?;
    let (outcome, when, dropped) = came.expect("it was just looked at");
    trial.expect("timeout() gives", &Err(Elapsed), &outcome, WHY)?;
    trial.expect("when", &limit, &when, "The limit counts from the first poll.")?;
    trial.ensure(dropped, "the future is dropped by then", "it is still there", WHY)?;

    let (probe, timers) = (Probe::default(), Rc::new(Cell::new(usize::MAX)));
    let (early, counted) = (probe.future(), Rc::clone(&timers));
    let body = async move {
        let outcome = timeout(limit, early).await;
        counted.set(running_loop().expect("this is a task").census().timers);
        outcome
    };
    let task = bench.fake.event_loop.spawn(body).expect(OPEN);
    let ready = move || {
        probe.be_ready();
        probe.waker().wake();
    };
    bench.fake.event_loop.call_later(limit / 2, ready).expect(OPEN);
    trial.did(format!("a task gives {limit:?} to a future that is ready after half of it"));
    bench.rest(trial, WHY)?;
    let outcome = task.take_outcome();
    trial.expect("timeout() gives", &Some(Ok(Ok(()))), &outcome, "It was in time.")?;
    trial.expect(
        "timers that are left then",
        &0,
        &timers.get(),
        "The limit is over with what it was for: its timer would end a wait for nobody.",
    )
}

pub(crate) fn a_future_is_set_once(trial: &mut Trial) -> Verdict {
    const ONCE: &str =
        "Those who have seen the first end act on it. A second one would be a second truth.";
    let mut bench = Bench::new(Mode::Edge);
    let cell: FutureCell<usize> = bench.fake.event_loop.create_future();
    let value = trial.random().between(1, 99);
    let order: Rc<RefCell<Vec<usize>>> = Rc::default();
    let callbacks = trial.random().between(2, 5);
    for number in 1..=callbacks {
        let order = Rc::clone(&order);
        cell.add_done_callback(Rc::new(move |_| order.borrow_mut().push(number)));
    }
    trial.did(format!("a future has {callbacks} callbacks, and is set to {value}"));
    trial.expect("set_result() gives", &Ok(()), &cell.set_result(value), "It was not done.")?;
    trial.expect(
        "callbacks that have run",
        &Vec::new(),
        &order.borrow().clone(),
        "Who sets a future is in the middle of something: what others do about it has its own turn.",
    )?;
    trial.did(format!("it is set to {}, and cancelled", value + 1));
    trial.expect("set_result() gives", &Err(AlreadyDone), &cell.set_result(value + 1), ONCE)?;
    trial.expect("cancel() gives", &false, &cell.cancel(), ONCE)?;
    trial.expect("its value", &Some(value), &cell.result().ok(), ONCE)?;
    bench.rest(trial, ONCE)?;
    let expected: Vec<usize> = (1..=callbacks).collect();
    trial.expect(
        "callbacks that have run",
        &expected,
        &order.take(),
        "Each runs once, in the order in which they came.",
    )?;
    let cell: FutureCell<usize> = bench.fake.event_loop.create_future();
    trial.did(format!("another future is cancelled, then set to {value}"));
    trial.expect("cancel() gives", &true, &cell.cancel(), "It was not done.")?;
    trial.expect("set_result() gives", &Err(AlreadyDone), &cell.set_result(value), ONCE)?;
    let cancelled = matches!(cell.result(), Err(FutureError::Cancelled));
    trial.ensure(cancelled, "it stays cancelled", "it has a value", ONCE)
}

pub(crate) fn who_waits_for_a_future_is_woken(trial: &mut Trial) -> Verdict {
    const BEFORE: &str = "What was set before anybody waited wakes nobody afterwards: look first, then leave the waker.";
    const LAST: &str = "The waker of the last poll is the one that counts.";
    let bench = Bench::new(Mode::Edge);
    let cell: FutureCell<usize> = bench.fake.event_loop.create_future();
    let value = trial.random().between(1, 99);
    let ((first, stale), (last, waker), (other, others)) = (Bell::new(), Bell::new(), Bell::new());
    let mut wait = pin!((&cell).into_future());
    let mut another = pin!((&cell).into_future());
    let poll = |wait: std::pin::Pin<&mut chapter_04::Waiting<usize>>, waker: &Waker| {
        wait.poll(&mut Context::from_waker(waker)).map(Result::ok)
    };
    for waker in [&stale, &waker, &waker] {
        let came = poll(wait.as_mut(), waker);
        trial.expect("who waits is told", &Poll::Pending, &came, "It is not set.")?;
    }
    trial.did("somebody waits for a future, and is polled with the waker A, then twice with B");
    let came = poll(another.as_mut(), &others);
    trial.expect("who waits is told", &Poll::Pending, &came, "It is not set.")?;
    trial.did("somebody else waits, and is polled with the waker C");
    let rings = [&first, &last, &other].map(|bell| bell.rings());
    trial.expect("wake-ups of A, B and C", &[0, 0, 0], &rings, "Nothing has happened yet.")?;
    trial.expect("set_result() gives", &Ok(()), &cell.set_result(value), "It was not done.")?;
    trial.did(format!("it is set to {value}"));
    let rings = [&first, &last, &other].map(|bell| bell.rings());
    trial.expect("wake-ups of A, B and C", &[0, 1, 1], &rings, LAST)?;
    let expected = Poll::Ready(Some(value));
    trial.expect("who waits is told", &expected, &poll(wait.as_mut(), &waker), BEFORE)?;
    let mut late = pin!(cell.into_future());
    trial.did("a third one begins to wait");
    trial.expect("who waits is told", &expected, &poll(late.as_mut(), &waker), BEFORE)?;

    let cell: FutureCell<usize> = bench.fake.event_loop.create_future();
    let other = Rc::new(RefCell::new(Some(Box::pin((&cell).into_future()))));
    let (looked, given_up, done) = (cell.clone(), Rc::clone(&other), Rc::new(Cell::new(false)));
    let noted = Rc::clone(&done);
    let (woken, waker) = Guest::new(Moment::Woken, move || {
        noted.set(looked.is_done());
        drop(given_up.take());
    });
    let joined = cell.clone();
    let (let_go, old) = Guest::new(Moment::Dropped, move || {
        joined.add_done_callback(Rc::new(|_| ()));
    });
    let mut wait = pin!((&cell).into_future());
    let came = poll(wait.as_mut(), &old);
    trial.expect("who waits is told", &Poll::Pending, &came, "It is not set.")?;
    // What is left of it has the future.
    drop(old);
    let came = poll(wait.as_mut(), &waker);
    trial.expect("who waits is told", &Poll::Pending, &came, "It is not set.")?;
    trial.did("somebody waits for another future, and is polled with the waker A, then with B");
    let_go.could(trial, "A, which is dropped then, can add a callback to the future")?;
    if let Some(other) = other.borrow_mut().as_mut() {
        let came = poll(other.as_mut(), Waker::noop());
        trial.expect("who waits is told", &Poll::Pending, &came, "It is not set.")?;
    }
    trial.expect("set_result() gives", &Ok(()), &cell.set_result(value), "It was not done.")?;
    trial.did(format!("somebody else waits as well; it is set to {value}, which wakes B"));
    woken.could(trial, "B can look at the future, and give up the other wait")?;
    const FIRST: &str = "Who is woken looks at once, and must find what it was woken for.";
    trial.ensure(done.get(), "B finds that it is done", "it finds that it is not", FIRST)
}
