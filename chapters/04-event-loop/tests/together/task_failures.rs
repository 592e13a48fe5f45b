//! What becomes of a task's errors and panics: they reach whoever awaits the task or, if nobody
//! does, the exception handler; and never another task or the loop.

use crate::watch::{reports, reports_of};
use chapter_03::Mode;
use chapter_04::fake::FakeLoop;
use chapter_04::{
    ErrorContext, EventLoop, JoinError, JoinHandle, Outcome, Subject, running_loop, spawn,
    yield_now,
};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

type Reports = Rc<RefCell<Vec<ErrorContext>>>;

/// A loop without a kernel, and what it tells its exception handler.
fn virtual_loop() -> (EventLoop, Reports) {
    let event_loop = FakeLoop::new(Mode::Edge).event_loop;
    let reports = reports(&event_loop);
    (event_loop, reports)
}

const NEVER_RETRIEVED: &str = "a task failed and nobody has asked for its outcome";

/// TK-12: at the await, as the value that the body has returned.
#[test]
fn an_error_reaches_whoever_awaits_the_task() {
    let reports = reports_of(async {
        let task = spawn(async { Err::<u8, _>("refused") });
        assert_eq!(task.await, Ok(Err("refused")));
    });
    assert_eq!(reports, [""; 0]);
}

/// TK-12, for the other way to fail: its message arrives, and the loop carries on.
#[test]
fn a_panic_ends_its_task_alone() {
    let reports = reports_of(async {
        let other = spawn(async {
            yield_now().await;
            7
        });
        let panicked = |message: &str| Err(JoinError::Panicked(message.to_owned()));
        assert_eq!(spawn(fails()).await, panicked("an odd state"));
        let formatted = spawn(async { assert_eq!(1, 2, "{} are not equal", "these") });
        let Err(JoinError::Panicked(message)) = formatted.await else { panic!("it panicked") };
        assert!(message.contains("these are not equal"), "{message}");
        let speechless = spawn(async {
            if true {
                std::panic::panic_any(3)
            }
        });
        assert_eq!(speechless.await, panicked("a panic without a message"));
        assert_eq!(other.await, Ok(7));
    });
    assert_eq!(reports, [""; 0]);
}

async fn fails() {
    panic!("an odd state")
}

/// TK-13: once, with what it says and the line that has spawned it, when the last who could ask is
/// gone.
#[test]
fn a_failure_that_nobody_asks_for_is_reported_once() {
    let (mut event_loop, reports) = virtual_loop();
    let kept = Rc::clone(&reports);
    let main = async move {
        let line = line!() + 1;
        let task = spawn(async { Err::<(), _>("refused") });
        spawn(fails()).detach();
        yield_now().await;
        assert!(task.is_finished());
        assert_eq!(kept.borrow().len(), 1, "the first can still be asked for");
        drop(task);
        let reports = kept.take();
        assert_eq!(reports.len(), 2);
        assert!(reports.iter().all(|context| context.message == NEVER_RETRIEVED));
        assert_eq!(reports[0].error.as_deref(), Some("the task panicked: an odd state"));
        assert_eq!(reports[1].error.as_deref(), Some("refused"));
        let Some(Subject::Task(place)) = reports[1].subject else { panic!("it is about a task") };
        assert_eq!((place.file(), place.line()), (file!(), line));
    };
    event_loop.run_until_complete(main).unwrap();
    event_loop.close();
    assert_eq!(reports.borrow().len(), 0, "a second report");
}

/// TK-13: what was asked for, what has succeeded and what was cancelled is not reported.
#[test]
fn nothing_else_is_reported() {
    let reports = reports_of(async {
        let taken = spawn(async { Err::<(), _>("taken") });
        let cancelled = spawn(async { Err::<(), _>("never made") });
        cancelled.cancel();
        spawn(async { Ok::<_, &str>(7) }).detach();
        spawn(ready(())).detach();
        yield_now().await;
        assert_eq!(taken.take_outcome(), Some(Ok(Err("taken"))));
    });
    assert_eq!(reports, [""; 0]);
}

/// TK-14: it is dropped with the loop, and somebody hears of it.
#[test]
fn a_task_that_is_not_done_when_its_loop_closes_is_reported_once() {
    let dropped = Rc::new(Cell::new(0));
    let counter = OnDrop::new({
        let dropped = Rc::clone(&dropped);
        move || dropped.set(dropped.get() + 1)
    });
    let reports = reports_of(async {
        spawn(async move {
            let _counter = counter;
            pending::<()>().await;
        })
        .detach();
        yield_now().await;
    });
    assert_eq!(reports, ["a task was destroyed before it was done: None"]);
    assert_eq!(dropped.get(), 1);
}

/// TK-20: a body that survives every error does not survive this; and what it ends with is a case
/// of its own, not an error of the body's type.
#[test]
fn a_body_that_swallows_every_error_can_be_cancelled() {
    reports_of(async {
        let task: JoinHandle<Result<(), Box<dyn std::error::Error>>> = spawn(async {
            let always = async || Err::<(), _>("refused");
            loop {
                if let Err(_swallowed) = always().await {
                    yield_now().await;
                }
            }
        });
        yield_now().await;
        task.cancel();
        let Err(JoinError::Cancelled) = task.await else { panic!("it was cancelled") };
    });
}

struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> OnDrop<F> {
    fn new(action: F) -> OnDrop<F> {
        OnDrop(Some(action))
    }
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0.take().unwrap()();
    }
}

impl<F: FnOnce()> Outcome for OnDrop<F> {}

fn fail() {
    panic!("a destructor failed")
}

fn bomb() -> OnDrop<impl FnOnce()> {
    OnDrop::new(fail)
}

/// Ready at once, and fails to be dropped.
struct ReadyBomb<B>(B);

impl<B: Unpin> Future for ReadyBomb<B> {
    type Output = u8;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
        Poll::Ready(7)
    }
}

fn destructor_failed<T>() -> Result<T, JoinError> {
    Err(JoinError::Panicked("a destructor failed".to_owned()))
}

#[test]
fn a_destructor_that_panics_in_a_cancelled_task_is_told_as_its_panic() {
    reports_of(async {
        let bomb = bomb();
        let task = spawn(async move {
            let _bomb = bomb;
            pending::<()>().await;
        });
        yield_now().await;
        task.cancel();
        assert_eq!(task.await, destructor_failed());
    });
}

#[test]
fn a_destructor_that_panics_after_the_last_poll_is_told_as_the_panic_of_its_task() {
    reports_of(async {
        assert_eq!(spawn(ReadyBomb(bomb())).await, destructor_failed());
    });
}

/// The first panic is told; the second, of a destructor on the way out, would end the process if it
/// came while the first one unwinds. Here it comes after.
#[test]
fn a_panic_is_told_although_the_body_fails_to_be_dropped_as_well() {
    struct Both<B>(B);
    impl<B: Unpin> Future for Both<B> {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            panic!("the first")
        }
    }
    reports_of(async {
        let outcome = spawn(Both(bomb())).await;
        assert_eq!(outcome, Err(JoinError::Panicked("the first".to_owned())));
    });
}

/// The same where body and value fail: one after the other, whether the value is nobody's because the
/// body has failed or because the task was cancelled in its last turn.
#[test]
fn a_body_and_a_value_that_both_panic_when_dropped_end_their_task_alone() {
    type Bomb = OnDrop<fn()>;
    struct Both {
        value: Option<Bomb>,
        _bomb: Bomb,
        cancels: Rc<RefCell<Option<JoinHandle<Bomb>>>>,
    }
    impl Future for Both {
        type Output = Bomb;

        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Bomb> {
            self.cancels.borrow().as_ref().map(JoinHandle::cancel);
            Poll::Ready(self.value.take().unwrap())
        }
    }
    let both = |cancels| {
        let bomb = || OnDrop::new(fail as fn());
        Both { value: Some(bomb()), _bomb: bomb(), cancels }
    };
    let reports = reports_of(async move {
        let returns = spawn(both(Rc::default()));
        let own = Rc::new(RefCell::new(None));
        own.replace(Some(spawn(both(Rc::clone(&own)))));
        yield_now().await;
        for task in [returns, own.take().unwrap()] {
            assert_eq!(task.take_outcome().unwrap().map(drop), destructor_failed());
        }
    });
    assert_eq!(reports, [""; 0]);
}

/// Nobody has the value when it is dropped but the loop, which carries on.
#[test]
fn a_value_that_nobody_wants_and_that_panics_when_dropped_is_reported() {
    let reports = reports_of(async {
        spawn(async { bomb() }).detach();
        yield_now().await;
        yield_now().await;
    });
    assert_eq!(reports, [format!("{NEVER_RETRIEVED}: {:?}", Some("a destructor failed"))]);
}

#[test]
fn a_value_of_a_task_that_was_cancelled_in_its_last_turn_may_panic_when_dropped() {
    reports_of(async {
        type Bomb = OnDrop<Box<dyn FnOnce()>>;
        let own = Rc::new(RefCell::new(None::<JoinHandle<Bomb>>));
        let me = Rc::clone(&own);
        own.replace(Some(spawn(async move {
            me.borrow().as_ref().unwrap().cancel();
            OnDrop::new(Box::new(fail) as Box<dyn FnOnce()>)
        })));
        yield_now().await;
        let task = own.take().unwrap();
        let Some(Err(error)) = task.take_outcome() else { panic!("it was cancelled") };
        assert_eq!(error, JoinError::Panicked("a destructor failed".to_owned()));
    });
}

#[test]
fn a_destructor_may_spawn() {
    reports_of(async {
        let ran = Rc::new(Cell::new(false));
        let noted = Rc::clone(&ran);
        let last_words = OnDrop::new(move || spawn(async move { noted.set(true) }).detach());
        let task = spawn(async move {
            let _last_words = last_words;
            pending::<()>().await;
        });
        yield_now().await;
        task.cancel();
        assert_eq!(task.await, Err(JoinError::Cancelled));
        yield_now().await;
        assert!(ran.get());
    });
}

/// While a loop closes, it takes no new task, and says so.
#[test]
fn a_destructor_that_spawns_while_the_loop_closes_is_refused() {
    let (mut event_loop, _) = virtual_loop();
    let refused = Rc::new(Cell::new(false));
    let (noted, handle) = (Rc::clone(&refused), (*event_loop).clone());
    let last_words = OnDrop::new(move || noted.set(handle.spawn(ready(())).is_err()));
    let main = async move {
        spawn(async move {
            let _last_words = last_words;
            pending::<()>().await;
        })
        .detach();
        yield_now().await;
    };
    event_loop.run_until_complete(main).unwrap();
    event_loop.close();
    assert!(refused.get());
    assert_eq!(event_loop.census().tasks, 0);
}

#[test]
fn a_destructor_may_cancel_its_own_task() {
    reports_of(async {
        let own = Rc::new(RefCell::new(None::<JoinHandle<()>>));
        let me = Rc::clone(&own);
        let cancelling = OnDrop::new(move || {
            let was_pending = me.borrow().as_ref().unwrap().cancel();
            assert!(was_pending, "the task is not done before its destructors are");
        });
        own.replace(Some(spawn(async move {
            let _cancelling = cancelling;
            pending::<()>().await;
        })));
        yield_now().await;
        own.borrow().as_ref().unwrap().cancel();
        yield_now().await;
        let task = own.take().unwrap();
        assert_eq!(task.take_outcome(), Some(Err(JoinError::Cancelled)));
        assert_eq!(running_loop().unwrap().census().tasks, 1);
    });
}
