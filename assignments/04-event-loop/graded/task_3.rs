//! Task 4.3: a task's steps, and its waker.

use crate::kernel::Bench;
use crate::probe::{Bell, Guest, Moment, Probe};
use chapter_03::Mode;
use chapter_04::{JoinError, JoinHandle};
use grading::{Story, Trial, Verdict};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

const OPEN: &str = "the loop is open";

/// A task whose future is a probe, and somebody who awaits it. Its handle is never dropped, for that would cancel the task.
struct Watched {
    probe: Probe,
    handle: &'static mut JoinHandle<()>,
    bell: Arc<Bell>,
}

impl Watched {
    fn spawn(trial: &Trial, bench: &Bench) -> Result<Watched, Box<Story>> {
        let probe = Probe::default();
        let handle = bench.fake.event_loop.spawn(probe.future()).expect(OPEN);
        let handle = Box::leak(Box::new(handle));
        let (bell, waker) = Bell::new();
        let mut watched = Watched { probe, handle, bell };
        let outcome = watched.poll_outcome(&waker);
        trial.expect("its outcome", &Poll::Pending, &outcome, "It has had no turn yet.")?;
        trial.expect(
            "polls of its future",
            &0,
            &watched.probe.polls(),
            "Nothing of a task runs before its turn comes.",
        )?;
        Ok(watched)
    }

    fn poll_outcome(&mut self, waker: &Waker) -> Poll<Result<(), JoinError>> {
        Pin::new(&mut *self.handle).poll(&mut Context::from_waker(waker))
    }
}

pub(crate) fn a_wake_up_while_the_task_is_polled_is_not_lost(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A future may have looked already at what the wake-up is about, and answers \"not yet\". If the \
                       wake-up is forgotten then, nobody will ever poll it again.";
    for (who, by_thread) in [("the future itself", false), ("another thread", true)] {
        let mut bench = Bench::new(Mode::Edge);
        let mut task = Watched::spawn(trial, &bench)?;
        trial.did(format!("a task is spawned; while it is polled, {who} wakes it"));
        task.probe.in_next_poll({
            let probe = task.probe.clone();
            move |waker: &Waker| {
                let waker = waker.clone();
                let wake = move || waker.wake();
                if by_thread {
                    thread::spawn(wake).join().expect("a waker does not panic");
                } else {
                    wake();
                }
                probe.be_ready();
            }
        });
        trial.did("it answers \"not yet\"; with its next poll it will be ready");
        bench.rest(trial, "A task that is done is not run any more.")?;
        trial.expect("polls of its future", &2, &task.probe.polls(), WHY)?;
        let outcome = task.poll_outcome(Waker::noop());
        trial.expect("its outcome", &Poll::Ready(Ok(())), &outcome, WHY)?;
    }
    Ok(())
}

pub(crate) fn many_wake_ups_are_one_poll_in_the_next_turn(trial: &mut Trial) -> Verdict {
    const SOON: &str = "Who wakes a task is in the middle of something. A wake-up says that the task is to have a turn; \
                        it does not take the turn.";
    const ONCE: &str = "A wake-up says that the future is to be polled, and so does the next one: while the task is in the \
                        queue already, there is nothing to add.";
    let mut bench = Bench::new(Mode::Edge);
    let task = Watched::spawn(trial, &bench)?;
    trial.did("a task is spawned, and has its first turn");
    bench.rest(trial, "A task that waits is not run: nobody has woken it.")?;
    trial.expect(
        "polls of its future",
        &1,
        &task.probe.polls(),
        "Its first turn comes unasked.",
    )?;
    let wakes = trial.random().between(2, 9);
    let polls_inside = Rc::new(Cell::new(0));
    let (probe, noted) = (task.probe.clone(), Rc::clone(&polls_inside));
    let wake = move || {
        (0..wakes).for_each(|_| probe.waker().wake());
        noted.set(probe.polls());
    };
    bench.fake.event_loop.call_soon(wake).expect(OPEN);
    let rings = bench.kernel.rings();
    trial.did(format!("a callback wakes it {wakes} times"));
    bench.rest(trial, "A task that waits is not run: its wake-ups are answered.")?;
    trial.expect("polls before the callback is over", &1, &polls_inside.get(), SOON)?;
    trial.expect("polls in all", &2, &task.probe.polls(), ONCE)?;
    trial.expect(
        "wake-ups of the selector",
        &0,
        &(bench.kernel.rings() - rings),
        "In the thread of its loop a task is put into a queue. The list for other threads, and the selector's waker, are a \
         lock and a system call for each wake-up.",
    )
}

pub(crate) fn a_task_is_woken_in_the_loop_that_it_is_of(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A thread may have two loops, one of which runs. A task has its name in its own loop; in the queue of \
                       another one, the name is that of a stranger, or of nobody.";
    let (mut bench, mut other) = (Bench::new(Mode::Edge), Bench::new(Mode::Edge));
    let (task, stranger) = (Watched::spawn(trial, &bench)?, Watched::spawn(trial, &other)?);
    trial.did("two loops have a task each, which has its first turn");
    bench.rest(trial, "A task that waits is not run.")?;
    other.rest(trial, "A task that waits is not run.")?;
    let waker = task.probe.waker();
    other.fake.event_loop.call_soon(move || waker.wake()).expect(OPEN);
    trial.did("while the second loop runs, a callback of it wakes the task of the first; then the first runs");
    other.rest(trial, WHY)?;
    bench.rest(trial, WHY)?;
    trial.expect("polls of the task", &2, &task.probe.polls(), WHY)?;
    trial.expect("polls of the task of the second loop", &1, &stranger.probe.polls(), WHY)
}

pub(crate) fn a_finished_future_is_never_polled_again(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A future that was ready is over; to poll it again is a panic of most. A waker may be used long \
                       after the end of its task, and then does nothing.";
    let mut bench = Bench::new(Mode::Edge);
    let mut task = Watched::spawn(trial, &bench)?;
    task.probe.be_ready();
    task.probe.in_next_poll(Waker::wake_by_ref);
    trial.did("a task is spawned; it is woken while it is polled, and ready in the same poll");
    bench.rest(trial, WHY)?;
    trial.expect("polls after its end", &0, &task.probe.polls_after_end(), WHY)?;
    trial.ensure(
        task.probe.is_dropped(),
        "its future is dropped",
        "it is kept",
        "What is over is let go of, with all that it owns. A body has its place in the task as long as it is to be polled \
         again; while it is polled it is out of it, and after its end it does not come back.",
    )?;
    let old = task.probe.waker();
    let next = Watched::spawn(trial, &bench)?;
    trial.did("another task is spawned, and has its first turn");
    bench.rest(trial, WHY)?;
    let (here, there) = (old.clone(), old);
    bench.fake.event_loop.call_soon(move || here.wake()).expect(OPEN);
    trial.did("the first task is woken once more, by a callback and by another thread");
    thread::spawn(move || there.wake()).join().expect("a waker does not panic");
    bench.rest(trial, WHY)?;
    trial.expect("polls after its end", &0, &task.probe.polls_after_end(), WHY)?;
    trial.expect(
        "polls of the second task",
        &1,
        &next.probe.polls(),
        "Who was not woken is not polled: the waker is that of a task which is over.",
    )?;
    let outcome = task.poll_outcome(Waker::noop());
    trial.expect("the outcome of the first", &Poll::Ready(Ok(())), &outcome, WHY)
}

pub(crate) fn who_awaits_a_task_is_woken_at_its_end(trial: &mut Trial) -> Verdict {
    const LAST: &str = "A handle may be moved to another task between two polls. The waker of the last poll is the one \
                        that counts.";
    let mut bench = Bench::new(Mode::Edge);
    let mut task = Watched::spawn(trial, &bench)?;
    trial.did("a task is spawned; its handle is polled with the waker A");
    let (last, waker) = Bell::new();
    let polls = trial.random().between(1, 4);
    for _ in 0..polls {
        let outcome = task.poll_outcome(&waker);
        trial.expect("its outcome", &Poll::Pending, &outcome, "It is not done.")?;
    }
    trial.did(format!("its handle is polled {polls} times with the waker B"));
    bench.rest(trial, "A task that waits is not run.")?;
    trial.expect("wake-ups of B", &0, &last.rings(), "The task is not done.")?;
    task.probe.be_ready();
    let probe = task.probe.clone();
    bench.fake.event_loop.call_soon(move || probe.waker().wake()).expect(OPEN);
    trial.did("the task ends");
    bench.rest(trial, "A task that is done is not run any more.")?;
    trial.expect("wake-ups of B", &1, &last.rings(), LAST)?;
    trial.expect("wake-ups of A", &0, &task.bell.rings(), LAST)?;
    let outcome = task.poll_outcome(&waker);
    trial.expect(
        "its outcome",
        &Poll::Ready(Ok(())),
        &outcome,
        "The value is kept for who asks.",
    )?;
    trial.expect(
        "tasks of the loop",
        &0,
        &bench.fake.event_loop.census().tasks,
        "A task that is done is let go of.",
    )?;
    what_is_seen_at_the_end(trial)?;
    what_a_panic_tells(trial)
}

fn what_is_seen_at_the_end(trial: &Trial) -> Verdict {
    let mut bench = Bench::new(Mode::Edge);
    let probe = Probe::default();
    let handle = bench.fake.event_loop.spawn(probe.future()).expect(OPEN);
    // It is never dropped, for that would cancel the task.
    let handle: &'static RefCell<_> = Box::leak(Box::new(RefCell::new(handle)));
    let (future, seen) = (probe.clone(), Rc::new(Cell::new(None)));
    let noted = Rc::clone(&seen);
    let look = move || noted.set(Some((handle.borrow().is_finished(), future.is_dropped())));
    let (guest, waker) = Guest::new(Moment::Woken, look);
    let order: Rc<RefCell<Vec<usize>>> = Rc::default();
    for number in 1..=2 {
        let order = Rc::clone(&order);
        handle.borrow().when_done(move || order.borrow_mut().push(number));
    }
    let polled = Pin::new(&mut *handle.borrow_mut()).poll(&mut Context::from_waker(&waker));
    trial.expect("its outcome", &Poll::Pending, &polled, "It has had no turn yet.")?;
    probe.be_ready();
    trial.did("another task is spawned, with callbacks 1 and 2 for its end; somebody awaits it");
    trial.did("it ends; who awaits it is woken, and looks at once");
    bench.rest(trial, "A task that is done is not run any more.")?;
    guest.could(trial, "who is woken at the end of a task can look at it")?;
    const END: &str = "Who is told that it is over looks, and must find that it is: the outcome is there, and what the body \
                       owned is free.";
    trial.expect(
        "is the task done, and its future dropped?",
        &Some((true, true)),
        &seen.get(),
        END,
    )?;
    trial.expect(
        "callbacks that have run",
        &vec![1, 2],
        &order.take(),
        "Those who gave a callback wait as well. Each has one turn, in the order in which they came.",
    )
}

fn what_a_panic_tells(trial: &Trial) -> Verdict {
    const MESSAGE: &str = "out of luck";
    const WHY: &str = "A panic ends the task and not the loop. It is no value and no wish of anybody: who awaits the task is \
                       told what it said.";
    let mut bench = Bench::new(Mode::Edge);
    // As a panic, but that nobody is told of it elsewhere.
    let body = async {
        if bench_is_open() {
            resume_unwind(Box::new(MESSAGE));
        }
    };
    let task = bench.fake.event_loop.spawn(body).expect(OPEN);
    trial.did(format!("a task panics: {MESSAGE:?}"));
    bench.rest(trial, WHY)?;
    let expected = Some(Err(JoinError::Panicked(MESSAGE.to_owned())));
    trial.expect("its outcome", &expected, &task.take_outcome(), WHY)
}

/// It is; the compiler need not know it.
fn bench_is_open() -> bool {
    std::hint::black_box(true)
}
