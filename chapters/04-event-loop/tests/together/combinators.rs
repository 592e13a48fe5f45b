//! Futures that await other futures: time limits, races, and many at once.

use chapter_03::Mode;
use chapter_04::fake::FakeLoop;
use chapter_04::{
    Either, Elapsed, JoinError, JoinHandle, Outcome, join_all, race, running_loop, shield, sleep,
    spawn, timeout, timeout_at, try_join_all, wait_first, yield_now,
};
use std::cell::RefCell;
use std::future::{Future, pending, ready};
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// Runs without a kernel: the fake backend panics if the loop would wait for ever.
fn run(main: impl Future<Output = ()> + 'static) {
    FakeLoop::new(Mode::Edge).event_loop.run_until_complete(main).unwrap();
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What has happened, in its order.
#[derive(Clone, Default)]
struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    fn push(&self, event: impl ToString) {
        self.0.borrow_mut().push(event.to_string());
    }

    #[track_caller]
    fn expect<const N: usize>(&self, expected: [&str; N]) {
        assert_eq!(self.0.take(), expected);
    }

    /// Is ready after a time. Notes if it is dropped before.
    async fn worker<T>(self, delay: Duration, value: T) -> T {
        let mut dropped = OnDrop(Some(self));
        sleep(delay).await;
        dropped.0 = None;
        value
    }
}

struct OnDrop(Option<Trace>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(trace) = &self.0 {
            trace.push("dropped");
        }
    }
}

/// Tasks beside main.
fn others() -> usize {
    running_loop().unwrap().census().tasks - 1
}

/// TK-18
#[test]
fn a_future_that_is_ready_wins_against_a_limit_of_nothing() {
    run(async {
        assert_eq!(timeout(Duration::ZERO, ready(7)).await, Ok(7));
        let past = running_loop().unwrap().time() - seconds(1);
        assert_eq!(timeout_at(past, ready(7)).await, Ok(7));
        let task = spawn(ready(7));
        yield_now().await;
        assert_eq!(timeout(Duration::ZERO, task).await, Ok(Ok(7)));
    });
}

/// TK-18: what waited is gone when the error is there; its timer, too.
#[test]
fn a_future_that_is_late_is_dropped_before_the_error_returns() {
    run(async {
        let trace = Trace::default();
        let begin = running_loop().unwrap().time();
        let late = timeout(seconds(3), trace.clone().worker(seconds(4), ())).await;
        trace.push("returned");
        assert_eq!(late, Err(Elapsed));
        trace.expect(["dropped", "returned"]);
        assert_eq!(running_loop().unwrap().time() - begin, seconds(3));
        let deadline = begin + seconds(5);
        assert_eq!(timeout_at(deadline, pending::<()>()).await, Err(Elapsed));
        assert_eq!(running_loop().unwrap().time(), deadline);
        assert_eq!(running_loop().unwrap().census().timers, 0);
    });
}

/// Both are due in the same pass: there is a value, and it is not thrown away (D-22).
#[test]
fn d_22_a_future_that_is_ready_at_the_last_moment_is_in_time() {
    run(async {
        assert_eq!(timeout(seconds(3), Trace::default().worker(seconds(3), 7)).await, Ok(7));
        assert_eq!(running_loop().unwrap().census().timers, 0, "the limit's timer is cancelled");
    });
}

/// TK-18, for a task: it has ended, and what it owned is free, when the error is there.
#[test]
fn join_within_waits_for_the_end_of_the_task_that_it_cancels() {
    run(async {
        let trace = Trace::default();
        let task = spawn(trace.clone().worker(seconds(9), ()));
        assert_eq!(task.join_within(seconds(1)).await, Err(Elapsed));
        trace.push("returned");
        trace.expect(["dropped", "returned"]);
        assert_eq!(others(), 0);
        assert_eq!(spawn(ready(7)).join_within(seconds(1)).await, Ok(Ok(7)));
        let task = spawn(trace.clone().worker(seconds(9), ()));
        task.cancel();
        assert_eq!(task.join_within(seconds(1)).await, Ok(Err(JoinError::Cancelled)));
    });
}

/// TK-18: a failure of the clean-up is told in place of the time-out.
#[test]
fn join_within_tells_the_panic_of_a_destructor() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a destructor failed");
        }
    }
    run(async {
        let task = spawn(async {
            let _bomb = Bomb;
            pending::<()>().await;
        });
        let panicked = JoinError::Panicked("a destructor failed".to_owned());
        assert_eq!(task.join_within(seconds(1)).await, Ok(Err(panicked)));
    });
}

/// TK-18: what `timeout` alone does with a join handle. By value, the task is asked to end and does
/// so in its next turn; by reference, it goes on.
#[test]
fn a_time_limit_on_a_join_handle_cancels_the_task_only_if_it_owns_the_handle() {
    run(async {
        let trace = Trace::default();
        let task = spawn(trace.clone().worker(seconds(9), ()));
        assert_eq!(timeout(seconds(1), task).await, Err(Elapsed));
        trace.push("returned");
        yield_now().await;
        trace.expect(["returned", "dropped"]);

        let mut task = spawn(trace.clone().worker(seconds(9), 7));
        assert_eq!(timeout(seconds(1), &mut task).await, Err(Elapsed));
        assert_eq!(task.await, Ok(7));
        trace.expect([]);
    });
}

#[test]
fn an_elapsed_limit_is_an_io_error_where_that_is_asked_for() {
    run(async {
        let limited = async || -> io::Result<()> {
            timeout(seconds(1), pending::<()>()).await?;
            Ok(())
        };
        assert_eq!(limited().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    });
}

#[test]
fn the_first_future_that_is_ready_wins_the_race_and_the_other_is_dropped() {
    run(async {
        let trace = Trace::default();
        let worker = |delay, value| trace.clone().worker(seconds(delay), value);
        assert_eq!(race(worker(1, 'a'), worker(2, 'b')).await, Either::First('a'));
        trace.expect(["dropped"]);
        assert_eq!(race(worker(2, 'a'), worker(1, 'b')).await, Either::Second('b'));
        trace.expect(["dropped"]);
        assert_eq!(race(worker(1, 'a'), worker(1, 'b')).await, Either::First('a'), "a tie");
        trace.expect(["dropped"]);
        assert_eq!(race(ready('a'), pending::<()>()).await, Either::First('a'));
        assert_eq!(running_loop().unwrap().census().timers, 0);
    });
}

/// TK-17
#[test]
fn join_all_keeps_the_order_of_the_futures() {
    run(async {
        let begin = running_loop().unwrap().time();
        let workers = [3, 1, 2].map(|delay| Trace::default().worker(seconds(delay), delay));
        assert_eq!(join_all(workers).await, [3, 1, 2]);
        assert_eq!(running_loop().unwrap().time() - begin, seconds(3), "they wait together");
        assert_eq!(join_all(Vec::<std::future::Ready<u8>>::new()).await, [0; 0]);
    });
}

/// TK-17, with `return_exceptions`: of tasks, every outcome.
#[test]
fn join_all_of_tasks_gives_every_outcome() {
    run(async {
        let tasks: Vec<JoinHandle<Result<u8, &str>>> = vec![
            spawn(async { panic!("an odd state") }),
            spawn(async {
                sleep(seconds(1)).await;
                Ok(7)
            }),
            spawn(ready(Err("refused"))),
            spawn(pending()),
        ];
        tasks[3].cancel();
        let panicked = Err(JoinError::Panicked("an odd state".to_owned()));
        let expected = [panicked, Ok(Ok(7)), Ok(Err("refused")), Err(JoinError::Cancelled)];
        assert_eq!(join_all(tasks).await, expected);
    });
}

/// Given to `join_all`, an iterator that spawns does so at the call, and not at the first poll.
#[test]
fn join_all_takes_its_futures_when_it_is_called() {
    run(async {
        let joined = join_all((0..3).map(|number| spawn(ready(number))));
        assert_eq!(others(), 3);
        assert_eq!(joined.await, [Ok(0), Ok(1), Ok(2)]);
    });
}

/// TK-06, through a combinator: whoever waits is cancelled, and so is what it waits for.
#[test]
fn cancelling_a_join_of_tasks_cancels_the_tasks() {
    run(async {
        let trace = Trace::default();
        let tasks = [5, 6].map(|delay| spawn(trace.clone().worker(seconds(delay), ())));
        let joining = spawn(join_all(tasks));
        sleep(seconds(1)).await;
        joining.cancel();
        assert_eq!(joining.await, Err(JoinError::Cancelled));
        yield_now().await;
        trace.expect(["dropped", "dropped"]);
        assert_eq!(others(), 0);
    });
}

/// TK-17: the first error in time, at once.
#[test]
fn try_join_all_returns_the_first_error_and_drops_the_other_futures() {
    run(async {
        let trace = Trace::default();
        let begin = running_loop().unwrap().time();
        let worker = |delay, value| trace.clone().worker(seconds(delay), value);
        let workers = [worker(9, Ok(1)), worker(2, Err("late")), worker(1, Err("first"))];
        assert_eq!(try_join_all(workers).await, Err("first"));
        trace.push("returned");
        trace.expect(["dropped", "dropped", "returned"]);
        assert_eq!(running_loop().unwrap().time() - begin, seconds(1));
        assert_eq!(try_join_all([worker(2, Ok(1)), worker(1, Ok(2))]).await, Ok(vec![1, 2]));
    });
}

fn failing() -> JoinHandle<()> {
    spawn(async { panic!("first") })
}

/// TK-17: tasks go on after the first error if their handles are lent, as with asyncio's `gather`,
/// and are cancelled if they are given away.
#[test]
fn try_join_all_cancels_the_tasks_whose_handles_it_owns() {
    run(async {
        let trace = Trace::default();
        let worker = || spawn(trace.clone().worker(seconds(1), ()));
        let panicked = JoinError::Panicked("first".to_owned());

        let mut handles = [failing(), worker()];
        assert_eq!(try_join_all(handles.iter_mut()).await, Err(panicked.clone()));
        let [_, lent] = handles;
        assert_eq!(lent.await, Ok(()));
        trace.expect([]);

        assert_eq!(try_join_all([failing(), worker()]).await, Err(panicked.clone()));
        yield_now().await;
        trace.expect(["dropped"]);

        let mut handles = [failing(), worker()];
        assert_eq!(try_join_all(handles.iter_mut().map(shield)).await, Err(panicked));
        drop(handles);
        assert_eq!(others(), 1);
        sleep(seconds(1)).await;
        yield_now().await;
        assert_eq!(others(), 0);
        trace.expect([]);
    });
}

async fn shielded<T: Outcome>(mut handle: JoinHandle<T>) -> Result<T, JoinError> {
    shield(&mut handle).await
}

/// TK-11: whoever waits is cancelled; the task is not, and its outcome can be had.
#[test]
fn a_shielded_task_outlives_who_awaits_it() {
    run(async {
        let trace = Trace::default();
        let task = Rc::new(RefCell::new(spawn(trace.clone().worker(seconds(9), 7))));
        let kept = Rc::clone(&task);
        #[expect(clippy::await_holding_refcell_ref, reason = "nobody else looks while it waits")]
        let outer = spawn(async move { shield(&mut kept.borrow_mut()).await.unwrap() });
        sleep(seconds(1)).await;
        outer.cancel();
        assert_eq!(outer.await, Err(JoinError::Cancelled));
        let task = Rc::into_inner(task).unwrap().into_inner();
        assert_eq!(task.await, Ok(7));
        trace.expect([]);
    });
}

/// TK-11: also where the one who awaits owns the handle.
#[test]
fn a_shielded_task_outlives_its_handle() {
    run(async {
        let trace = Trace::default();
        let task = spawn(async { sleep(seconds(9)).await });
        let outer = spawn(shielded(task));
        sleep(seconds(1)).await;
        outer.cancel();
        assert_eq!(outer.await, Err(JoinError::Cancelled));
        assert_eq!(others(), 1);
        sleep(seconds(9)).await;
        assert_eq!(others(), 0);

        let mut task = spawn(trace.clone().worker(seconds(9), ()));
        assert!(timeout(seconds(1), &mut task).await.is_err());
        assert!(timeout(seconds(1), shield(&mut task)).await.is_err());
        drop(task);
        sleep(seconds(9)).await;
        trace.expect([]);
    });
}

/// TK-11: a shield is against who waits, not against who has the handle.
#[test]
fn a_shielded_task_can_be_cancelled_by_its_handle() {
    run(async {
        let task = spawn(pending::<()>());
        task.cancel();
        assert_eq!(shielded(task).await, Err(JoinError::Cancelled));
        assert_eq!(shielded(spawn(ready(7))).await, Ok(7));
    });
}

/// TK-19
#[test]
fn wait_first_gives_those_that_are_done_and_leaves_those_that_are_not() {
    run(async {
        let trace = Trace::default();
        let worker = |delay| spawn(trace.clone().worker(seconds(delay), delay));
        let mut tasks: Vec<_> = [3, 1, 2, 1].map(worker).into();
        let outcomes = |done: Vec<JoinHandle<u64>>| -> Vec<_> {
            done.into_iter().map(|task| task.take_outcome().unwrap()).collect()
        };
        assert_eq!(outcomes(wait_first(&mut tasks).await), [Ok(1), Ok(1)]);
        assert_eq!((tasks.len(), others()), (2, 2));
        assert_eq!(outcomes(wait_first(&mut tasks).await), [Ok(2)]);
        tasks[0].cancel();
        assert_eq!(outcomes(wait_first(&mut tasks).await), [Err(JoinError::Cancelled)]);
        assert_eq!(wait_first(&mut tasks).await.len(), 0, "nothing is left to wait for");
        trace.expect(["dropped"]);
    });
}

/// TK-19: neither does giving it up; and the handles have not become those of someone who waits.
#[test]
fn wait_first_cancels_nothing_when_it_is_dropped() {
    run(async {
        let trace = Trace::default();
        let mut tasks: Vec<_> =
            [2, 3].map(|delay| spawn(trace.clone().worker(seconds(delay), delay))).into();
        assert!(timeout(seconds(1), wait_first(&mut tasks)).await.is_err());
        assert_eq!((tasks.len(), others()), (2, 2));
        drop(tasks);
        sleep(seconds(3)).await;
        yield_now().await;
        assert_eq!(others(), 0);
        trace.expect([]);
    });
}
