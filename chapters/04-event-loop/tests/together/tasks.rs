//! A task's life: when it is polled, when it gives way, and how it is cancelled.

use chapter_03::Mode;
use chapter_03::fake::{Call, FakeBackend};
use chapter_04::fake::FakeLoop;
use chapter_04::{
    EventLoop, FutureCell, JoinError, JoinHandle, running_loop, sleep, spawn, timeout, yield_now,
};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, ready};
use std::rc::Rc;
use std::time::Duration;

/// Without a kernel: the fake backend panics if the loop would wait for ever.
fn virtual_loop() -> (EventLoop, FakeBackend) {
    let FakeLoop { event_loop, backend, .. } = FakeLoop::new(Mode::Edge);
    (event_loop, backend)
}

fn run(main: impl Future<Output = ()> + 'static) {
    virtual_loop().0.run_until_complete(main).unwrap();
}

/// What has happened, in its order.
#[derive(Clone, Default)]
struct Trace(Rc<RefCell<Vec<&'static str>>>);

impl Trace {
    fn push(&self, event: &'static str) {
        self.0.borrow_mut().push(event);
    }

    fn take(&self) -> Vec<&'static str> {
        self.0.take()
    }

    /// Notes when it is dropped.
    fn on_drop(&self, event: &'static str) -> OnDrop {
        OnDrop(self.clone(), event)
    }
}

struct OnDrop(Trace, &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.push(self.1);
    }
}

/// TK-01
#[test]
fn spawn_runs_nothing_of_the_task() {
    let trace = Trace::default();
    let (mut event_loop, _) = virtual_loop();
    let note = |event| {
        let trace = trace.clone();
        async move { trace.push(event) }
    };
    event_loop.spawn(note("before the run")).unwrap().detach();
    assert_eq!(trace.take(), [""; 0]);
    let (inner, noted) = (note("inside"), trace.clone());
    let main = async move {
        let task = spawn(inner);
        noted.push("spawned");
        task.await.unwrap();
        noted.push("joined");
    };
    event_loop.run_until_complete(main).unwrap();
    assert_eq!(trace.take(), ["before the run", "spawned", "inside", "joined"]);
}

/// TK-02: a future, a join handle and a future cell that are ready.
#[test]
fn an_await_that_is_ready_does_not_give_way() {
    run(async {
        let trace = Trace::default();
        let (cell, done) = (FutureCell::new(), spawn(ready(2)));
        cell.set_result(3).unwrap();
        yield_now().await;
        assert!(done.is_finished());
        let noted = trace.clone();
        let first = spawn(async move {
            assert_eq!((ready(1).await, done.await.unwrap(), cell.await.unwrap()), (1, 2, 3));
            noted.push("still the first");
            pending::<()>().await;
        });
        let noted = trace.clone();
        spawn(async move { noted.push("the second") }).await.unwrap();
        assert_eq!(trace.take(), ["still the first", "the second"]);
        first.cancel();
    });
}

/// TK-03: it goes on after the kernel was asked once, without waiting.
#[test]
fn a_sleep_of_nothing_gives_way_for_one_pass() {
    let (mut event_loop, backend) = virtual_loop();
    let main = async move {
        for _ in 0..3 {
            backend.take_calls();
            sleep(Duration::ZERO).await;
            assert_eq!(backend.take_calls(), [Call::Wait(Some(Duration::ZERO))]);
            yield_now().await;
            assert_eq!(backend.take_calls(), [Call::Wait(Some(Duration::ZERO))]);
        }
    };
    event_loop.run_until_complete(main).unwrap();
}

/// TK-03: a poll for nothing, by a wake-up that was meant for something else, does not end it.
#[test]
fn a_task_that_gives_way_does_so_although_it_is_woken_meanwhile() {
    let (mut event_loop, backend) = virtual_loop();
    let main = async move {
        backend.take_calls();
        let mut give_way = std::pin::pin!(yield_now());
        let mut polls = 0;
        std::future::poll_fn(|context| {
            polls += 1;
            if polls < 3 {
                context.waker().wake_by_ref();
            }
            give_way.as_mut().poll(context)
        })
        .await;
        assert_eq!(backend.take_calls(), [Call::Wait(Some(Duration::ZERO))]);
        assert_eq!(polls, 4);
    };
    event_loop.run_until_complete(main).unwrap();
}

async fn three_times<F: Future>(trace: Trace, event: &'static str, give_way: impl Fn() -> F) {
    for _ in 0..3 {
        trace.push(event);
        give_way().await;
    }
}

/// TK-04
#[test]
fn tasks_that_give_way_alternate_in_the_order_of_their_creation() {
    run(async {
        let trace = Trace::default();
        let asleep = ["a", "b"]
            .map(|name| spawn(three_times(trace.clone(), name, || sleep(Duration::ZERO))));
        for task in asleep {
            task.await.unwrap();
        }
        assert_eq!(trace.take(), ["a", "b", "a", "b", "a", "b"]);
        let yielding = ["a", "b"].map(|name| spawn(three_times(trace.clone(), name, yield_now)));
        for task in yielding {
            task.await.unwrap();
        }
        assert_eq!(trace.take(), ["a", "b", "a", "b", "a", "b"]);
    });
}

/// TK-05: what the body has captured is dropped.
#[test]
fn a_task_that_is_cancelled_before_its_first_turn_never_runs() {
    run(async {
        let trace = Trace::default();
        let captured = trace.on_drop("dropped");
        let task = spawn(async move { captured.0.push("runs") });
        assert!(task.cancel());
        assert!(!task.is_finished(), "cancelling is a request");
        assert_eq!(task.await, Err(JoinError::Cancelled));
        assert_eq!(trace.take(), ["dropped"]);
    });
}

/// TK-06: the body ends at its await, in a turn after the call; and so does the task it awaits.
#[test]
fn cancelling_a_task_cancels_the_task_that_it_awaits() {
    run(async {
        let trace = Trace::default();
        let (inner_end, outer_end) = (trace.on_drop("inner ends"), trace.on_drop("outer ends"));
        let inner = spawn(async move {
            let _end = inner_end;
            pending::<()>().await;
        });
        let noted = trace.clone();
        let outer = spawn(async move {
            let _end = outer_end;
            let _ = inner.await;
            noted.push("unreachable");
        });
        yield_now().await;
        assert!(outer.cancel());
        trace.push("cancel returns");
        assert_eq!(outer.await, Err(JoinError::Cancelled));
        yield_now().await;
        assert_eq!(trace.take(), ["cancel returns", "outer ends", "inner ends"]);
        assert_eq!(running_loop().unwrap().census().tasks, 1, "main alone is left");
    });
}

/// TK-07, as it holds here: a body cannot refuse, and cleans up by destructors, the last made
/// first. TK-10: a second request is no other than the first.
#[test]
fn a_cancelled_task_runs_its_destructors_and_nothing_else() {
    run(async {
        let trace = Trace::default();
        let noted = trace.clone();
        let task = spawn(async move {
            let _first = noted.on_drop("first");
            let _second = noted.on_drop("second");
            pending::<()>().await;
            noted.push("unreachable");
        });
        yield_now().await;
        assert!(task.cancel() && task.cancel());
        assert_eq!(task.await, Err(JoinError::Cancelled));
        assert_eq!(trace.take(), ["second", "first"]);
    });
}

/// TK-08
#[test]
fn cancelling_a_task_that_is_done_changes_nothing() {
    run(async {
        let task = spawn(ready(7));
        yield_now().await;
        assert!(!task.cancel());
        assert_eq!(task.take_outcome(), Some(Ok(7)));
        assert_eq!(task.take_outcome(), None, "an outcome is given once");
        assert!(!task.cancel());
    });
}

/// TK-09 and D-22: the task is cancelled, and the value is where it was: in the cell.
#[test]
fn d_22_a_value_whose_waiter_is_cancelled_stays_in_its_cell() {
    run(async {
        let cell = FutureCell::new();
        let waiting = cell.clone();
        let waiter = spawn(async move { waiting.await.unwrap() });
        yield_now().await;
        cell.set_result(7).unwrap();
        assert!(waiter.cancel(), "it was woken, and has not had its turn");
        assert_eq!(waiter.await, Err(JoinError::Cancelled));
        assert_eq!(cell.await.unwrap(), 7);
    });
}

/// D-26 (TK-15): nobody knows the task but the loop, and it is still there after many passes.
#[test]
fn d_26_a_task_whose_handle_is_gone_goes_on() {
    run(async {
        let trace = Trace::default();
        for name in ["detached", "dropped"] {
            let noted = trace.clone();
            let task = spawn(async move {
                sleep(Duration::from_secs(3600)).await;
                noted.push(name);
            });
            if name == "detached" { task.detach() } else { drop(task) }
        }
        sleep(Duration::from_secs(3599)).await;
        assert_eq!(running_loop().unwrap().census().tasks, 3);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(trace.take(), ["detached", "dropped"]);
    });
}

/// D-26 (TK-15): also one that somebody has awaited, and gives up.
#[test]
fn d_26_a_task_can_be_detached_after_an_await() {
    run(async {
        let trace = Trace::default();
        let noted = trace.clone();
        let mut task = spawn(async move {
            sleep(Duration::from_secs(2)).await;
            noted.push("done");
        });
        assert!(timeout(Duration::from_secs(1), &mut task).await.is_err());
        task.detach();
        sleep(Duration::from_secs(2)).await;
        assert_eq!(trace.take(), ["done"]);
    });
}

type OwnHandle<T> = Rc<RefCell<Option<JoinHandle<T>>>>;

/// TK-16: it would never end, so it is told.
#[test]
fn a_task_that_awaits_itself_fails() {
    run(async {
        let own = OwnHandle::<()>::default();
        let awaited = Rc::clone(&own);
        let failed = Rc::new(Cell::new(true));
        let noted = Rc::clone(&failed);
        let task = spawn(async move {
            let handle = awaited.take().unwrap();
            let _ = handle.await;
            noted.set(false);
        });
        let reports = Rc::new(RefCell::new(Vec::new()));
        let kept = Rc::clone(&reports);
        running_loop().unwrap().set_exception_handler(move |_, context| {
            kept.borrow_mut().extend(context.error.clone());
        });
        own.replace(Some(task));
        yield_now().await;
        assert!(failed.get());
        assert_eq!(
            *reports.borrow(),
            ["the task panicked: a task cannot await itself: it would never end"]
        );
    });
}

/// TK-06 holds for the running task, too: it ends at its next await.
#[test]
fn a_task_can_cancel_itself() {
    run(async {
        let trace = Trace::default();
        let own = OwnHandle::<()>::default();
        let (noted, me) = (trace.clone(), Rc::clone(&own));
        own.replace(Some(spawn(async move {
            assert!(me.borrow().as_ref().unwrap().cancel());
            noted.push("goes on to its await");
            yield_now().await;
            noted.push("unreachable");
        })));
        yield_now().await;
        yield_now().await;
        let task = own.take().unwrap();
        assert_eq!(task.take_outcome(), Some(Err(JoinError::Cancelled)));
        assert_eq!(trace.take(), ["goes on to its await"]);
    });
}

/// A request that comes in the last turn is granted: whoever has cancelled sees no value.
#[test]
fn a_task_that_cancels_itself_and_returns_is_cancelled() {
    run(async {
        let own = OwnHandle::<u8>::default();
        let me = Rc::clone(&own);
        own.replace(Some(spawn(async move {
            assert!(me.borrow().as_ref().unwrap().cancel());
            7
        })));
        yield_now().await;
        assert_eq!(own.take().unwrap().take_outcome(), Some(Err(JoinError::Cancelled)));
    });
}

/// FU-04 and FU-05, for tasks: through the queue, in the order of the calls, also once it is done.
#[test]
fn callbacks_of_a_task_run_after_its_end() {
    run(async {
        let trace = Trace::default();
        let noted = trace.clone();
        let task = spawn(async move { noted.push("task") });
        for event in ["first", "second"] {
            let trace = trace.clone();
            task.when_done(move || trace.push(event));
        }
        yield_now().await;
        let noted = trace.clone();
        task.when_done(move || noted.push("late"));
        trace.push("not inside the call");
        yield_now().await;
        let expected = ["task", "first", "second", "not inside the call", "late"];
        assert_eq!(trace.take(), expected);
    });
}
