//! A task group never ends before its children, in whatever way it ends (TK-21).

use crate::watch::reports_of;
use chapter_04::{
    Failure, GroupError, JoinError, TaskGroup, join_all, running_loop, sleep, spawn, task_group,
    timeout, yield_now,
};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, pending, poll_fn, ready};
use std::panic::panic_any;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

type Error = &'static str;

#[track_caller]
fn run(main: impl Future<Output = ()> + 'static) {
    assert_eq!(reports_of(main), [""; 0]);
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Tasks beside main.
fn others() -> usize {
    running_loop().unwrap().census().tasks - 1
}

/// Counts those that are alive.
#[derive(Clone, Default)]
struct Alive(Rc<Cell<usize>>);

impl Alive {
    /// Waits, and is counted until it is dropped.
    async fn worker(self, delay: Duration, outcome: Result<u64, Error>) -> Result<u64, Error> {
        self.0.set(self.0.get() + 1);
        let _leaving = Leaving(&self.0);
        sleep(delay).await;
        outcome
    }
}

struct Leaving<'a>(&'a Cell<usize>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

async fn panics_after(delay: Duration, message: &'static str) -> Result<(), Error> {
    sleep(delay).await;
    panic_any(message)
}

#[test]
fn the_group_waits_for_children_that_the_body_does_not_await() {
    run(async {
        let alive = Alive::default();
        let begin = running_loop().unwrap().time();
        let value = task_group(async |group| {
            for delay in 1..4 {
                group.spawn(alive.clone().worker(seconds(delay), Ok(delay)));
            }
            yield_now().await;
            assert_eq!(alive.0.get(), 3);
            Ok(7)
        });
        assert_eq!(value.await, Ok(7));
        assert_eq!((alive.0.get(), others()), (0, 0));
        assert_eq!(running_loop().unwrap().time() - begin, seconds(3));
    });
}

#[test]
fn the_body_may_await_the_values_of_its_children() {
    run(async {
        let value = task_group(async |group| {
            let children = [3, 1, 2]
                .map(|delay| group.spawn(Alive::default().worker(seconds(delay), Ok(delay))));
            let early = group.spawn(ready(Ok::<_, Error>(4)));
            let mut values = join_all(children).await;
            values.push(early.await);
            Ok(values)
        });
        assert_eq!(value.await.unwrap(), [3, 1, 2, 4]);
        assert_eq!(task_group(async |_| Ok::<_, Error>(7)).await, Ok(7), "without children");
    });
}

/// TK-21: the body is ended, too, and never goes on where it waits for the child.
#[test]
fn the_first_failure_ends_the_siblings_and_the_body() {
    run(async {
        let alive = Alive::default();
        let begin = running_loop().unwrap().time();
        let outcome = task_group(async |group| {
            group.spawn(alive.clone().worker(seconds(9), Ok(0)));
            let failing = group.spawn(alive.clone().worker(seconds(1), Err("refused")));
            let value = failing.await;
            unreachable!("a child that fails has no value, but {value}")
        });
        let Err::<(), _>(error) = outcome.await else { panic!("a child has failed") };
        assert_eq!(error.failures(), [Failure::Failed("refused")]);
        assert_eq!((alive.0.get(), others()), (0, 0));
        assert_eq!(running_loop().unwrap().time() - begin, seconds(1));
    });
}

/// TK-21: what fails in the same turn, and what fails on the way out, in the order of time; and
/// none of it is reported as never retrieved.
#[test]
fn all_failures_are_told_together() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a destructor failed");
        }
    }
    run(async {
        let outcome = task_group(async |group| {
            group.spawn(async {
                let _bomb = Bomb;
                pending::<Result<(), Error>>().await
            });
            group.spawn(panics_after(seconds(1), "an odd state"));
            group.spawn(Alive::default().worker(seconds(1), Err("refused")));
            Ok(())
        });
        let error = outcome.await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the task group failed 3 times: a task panicked: an odd state; refused; \
             a task panicked: a destructor failed"
        );
        assert_eq!(error.into_failures().len(), 3);
    });
}

#[test]
fn an_error_of_the_body_ends_the_children() {
    run(async {
        let alive = Alive::default();
        let outcome: Result<(), _> = task_group(async |group| {
            group.spawn(alive.clone().worker(seconds(9), Ok(0)));
            yield_now().await;
            Err("the body gives up")
        })
        .await;
        assert_eq!(outcome.unwrap_err().failures(), [Failure::Failed("the body gives up")]);
        assert_eq!((alive.0.get(), others()), (0, 0));
    });
}

/// The children are gone when the panic is seen, and it is not taken for an error of the group.
#[test]
fn a_panic_of_the_body_ends_the_children_and_goes_on() {
    run(async {
        let alive = Alive::default();
        let counted = alive.clone();
        let owner = spawn(async move {
            let group = task_group(async |group| {
                group.spawn(counted.clone().worker(seconds(9), Ok(0)));
                yield_now().await;
                panics_after(seconds(1), "the body fails").await
            });
            group.await.unwrap_err().to_string()
        });
        assert_eq!(owner.await, Err(JoinError::Panicked("the body fails".to_owned())));
        assert_eq!((alive.0.get(), others()), (0, 0));
    });
}

/// By the end of the call that drops the group, and not only in their next turn.
#[test]
fn children_are_dropped_together_with_their_group() {
    run(async {
        let alive = Alive::default();
        for early in 0..3 {
            let mut group = Box::pin(task_group(async |group| {
                group.spawn(alive.clone().worker(seconds(1), Ok(0)));
                sleep(seconds(2)).await;
                group.spawn(alive.clone().worker(seconds(1), Ok(0)));
                Ok::<_, Error>(())
            }));
            // While the body waits; while it waits with a child gone; while the group waits.
            let limit = Duration::from_millis(500 + early * 1000);
            assert!(timeout(limit, &mut group).await.is_err());
            assert_eq!(alive.0.get(), usize::from(early != 1));
            drop(group);
            assert_eq!((alive.0.get(), others()), (0, 0));
        }
    });
}

/// Nobody can be told but the exception handler, which is told once.
#[test]
fn failures_of_a_group_that_is_dropped_are_reported() {
    let reports = reports_of(async {
        let owner = spawn(async {
            let group = task_group(async |group| {
                group.spawn(async { Err::<(), _>("refused") });
                pending::<Result<(), Error>>().await
            });
            group.await.is_ok()
        });
        let tasks_are = async |count| {
            while others() != count {
                one_round().await;
            }
        };
        tasks_are(2).await;
        tasks_are(1).await;
        assert!(owner.cancel());
        assert_eq!(owner.await, Err(JoinError::Cancelled));
    });
    let error = "the task group failed: refused";
    assert_eq!(
        reports,
        [format!("a task group was dropped before it could tell its errors: {:?}", Some(error))]
    );
}

/// An error that cannot even say what it is, of a child: whoever drops the group hears nothing of it.
#[test]
fn a_failure_whose_text_panics_is_reported_too() {
    struct Speechless;
    impl fmt::Display for Speechless {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no words")
        }
    }
    let reports = reports_of(async {
        let mut group = Box::pin(task_group(async |group| {
            group.spawn(async { Err::<(), _>(Speechless) });
            pending::<Result<(), Speechless>>().await
        }));
        let begun = poll_fn(|context| Poll::Ready(group.as_mut().poll(context).is_pending()));
        assert!(begun.await);
        yield_now().await;
        drop(group);
    });
    assert_eq!(reports.len(), 1);
    assert!(reports[0].ends_with(": Some(\"its text panicked: no words\")"), "{reports:?}");
}

/// A turn for each of the others, in the same pass.
async fn one_round() {
    let mut polled = false;
    poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The latest moment at which anything can be spawned: the body is being dropped.
#[test]
fn what_a_destructor_of_the_body_spawns_belongs_to_the_group() {
    struct Last<'a>(&'a TaskGroup<Error>, Alive);
    impl Drop for Last<'_> {
        fn drop(&mut self) {
            self.0.spawn(self.1.clone().worker(seconds(1), Ok(0)));
        }
    }
    run(async {
        let alive = Alive::default();
        let counted = alive.clone();
        let value = task_group(async move |group| {
            let _last = Last(group, counted);
            Ok(())
        });
        assert_eq!(value.await, Ok(()));
        assert_eq!((alive.0.get(), others()), (0, 0));
        let counted = alive.clone();
        let cancelled = task_group(async move |group| {
            let _last = Last(group, counted);
            pending::<Result<(), Error>>().await
        });
        assert!(timeout(seconds(1), cancelled).await.is_err());
        assert_eq!((alive.0.get(), others()), (0, 0));
    });
}

/// A failure deep inside ends everything around it, from the inside out, and says all.
#[test]
fn groups_may_be_nested() {
    type Nested = GroupError<Error>;
    run(async {
        let alive = Alive::default();
        let counted = alive.clone();
        let outer = task_group(async |group| {
            let inner = counted.clone();
            group.spawn(async move {
                let inner = task_group(async |group| {
                    group.spawn(inner.clone().worker(seconds(9), Ok(0)));
                    group.spawn(inner.clone().worker(seconds(1), Err("refused")));
                    Ok(())
                });
                inner.await
            });
            let other = counted.clone().worker(seconds(9), Ok(0));
            group.spawn(async { other.await.map_err(|_| -> Nested { unreachable!() }) });
            Ok(())
        });
        let error = outer.await.unwrap_err();
        assert_eq!(error.to_string(), "the task group failed: the task group failed: refused");
        assert_eq!((alive.0.get(), others()), (0, 0));
    });
}

type SharedGroup = Rc<RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>>;

/// The running task cannot be dropped. It ends when it waits next, and leaves nothing behind.
#[test]
fn a_child_that_drops_its_own_group_ends_at_its_next_await() {
    run(async {
        let alive = Alive::default();
        let place = SharedGroup::default();
        let (inside, counted) = (Rc::clone(&place), alive.clone());
        let group = Box::pin(async move {
            let group = task_group(async |group| {
                let inside = Rc::clone(&inside);
                group.spawn(counted.clone().worker(seconds(9), Ok(0)));
                group.spawn(async move {
                    sleep(seconds(1)).await;
                    drop(inside.take());
                    assert_eq!(others(), 1, "its sibling is dropped, and it is not");
                    pending::<Result<(), Error>>().await
                });
                Ok(())
            });
            group.await.unwrap();
        });
        place.replace(Some(group));
        let polling = Rc::clone(&place);
        let _ = timeout(
            seconds(2),
            poll_fn(move |context| {
                if let Some(group) = &mut *polling.borrow_mut() {
                    assert!(group.as_mut().poll(context).is_pending());
                }
                Poll::<()>::Pending
            }),
        )
        .await;
        assert!(place.borrow().is_none());
        assert_eq!((alive.0.get(), others()), (0, 0));
    });
}
