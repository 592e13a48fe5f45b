use crate::group_child::Child;
use crate::group_error::{Failure, GroupError};
use crate::join_handle::{JoinError, JoinHandle};
use crate::report::ErrorContext;
use crate::running::running_loop;
use crate::task::spawn;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// Runs `body`, which spawns tasks into the group that it is lent, and returns when the body and
/// all of these are done. None of them outlives this call (TK-21).
///
/// The first that fails, the body or a child, by an `Err` or by a panic of a child, ends the others
/// in the group's next turn: they are dropped where they wait. If the group itself is dropped, as
/// when its task is cancelled, its children are dropped with it, at once; but for a child that does
/// this itself, which ends at its next await.
///
/// A child has no way to the group. One that needs helpers opens a group of its own.
///
/// # Errors
///
/// Everything that failed, in the order of time: errors of the body and of children, and what
/// children panicked with, also while they were dropped.
///
/// # Panics
///
/// If the body does; its children are dropped first. What had failed by then is told to the
/// loop's exception handler, and so it is if the group is dropped before it could return it.
///
/// ```
/// use chapter_04::{run, sleep, task_group};
/// use std::{io, time::Duration};
///
/// async fn double(n: u64) -> io::Result<u64> {
///     sleep(Duration::from_millis(n)).await;
///     Ok(n * 2)
/// }
///
/// let sum = run(async {
///     let group = task_group(async |group| {
///         let (a, b) = (group.spawn(double(2)), group.spawn(double(1)));
///         Ok(a.await + b.await)
///     });
///     group.await.expect("no child fails")
/// })?;
/// assert_eq!(sum, 6);
/// # Ok::<(), chapter_04::LoopError>(())
/// ```
pub async fn task_group<T, E, F>(body: F) -> Result<T, GroupError<E>>
where
    E: fmt::Display + 'static,
    F: AsyncFnOnce(&TaskGroup<E>) -> Result<T, E>,
{
    // Dropped after the body, which may spawn in its destructors.
    let group = TaskGroup { shared: Rc::default() };
    let value = group.shared.run_body(body(&group)).await;
    group.shared.join().await;
    let failures = group.shared.failures.take();
    match value {
        Some(value) if failures.is_empty() => Ok(value),
        _ => Err(GroupError::new(failures)),
    }
}

/// Where the body of a [`task_group`] spawns its children. All of them may fail with an `E`.
pub struct TaskGroup<E: fmt::Display + 'static> {
    shared: Rc<Shared<E>>,
}

impl<E: fmt::Display + 'static> TaskGroup<E> {
    /// Makes a task of a future, which the group sees to its end. Nothing of it runs before its
    /// turn comes. What is returned may be dropped.
    ///
    /// # Panics
    ///
    /// No loop runs in this thread.
    #[doc(alias = "create_task")]
    #[track_caller]
    pub fn spawn<T, F>(&self, future: F) -> Child<'_, T>
    where
        T: 'static,
        F: Future<Output = Result<T, E>> + 'static,
    {
        let (child, slot) = Child::new();
        let task = spawn(async move {
            let outcome = future.await;
            outcome.map(|value| slot.put(value)).err()
        });
        let number = self.shared.next.replace(self.shared.next.get() + 1);
        let shared = Rc::clone(&self.shared);
        task.when_done(move || shared.child_is_done(number));
        self.shared.children.borrow_mut().insert(number, task);
        child
    }
}

/// The group is dropped in the middle: so are its children.
impl<E: fmt::Display + 'static> Drop for TaskGroup<E> {
    fn drop(&mut self) {
        self.shared.cancel_children();
    }
}

/// What the group and the ends of its children share. No borrow of a cell spans a poll, a wake or a
/// drop of foreign values.
struct Shared<E: fmt::Display + 'static> {
    /// Those that are not done, or are and have not been asked why, by number. The program that
    /// spawns bounds it.
    children: RefCell<BTreeMap<u64, JoinHandle<Option<E>>>>,
    next: Cell<u64>,
    failures: RefCell<Vec<Failure<E>>>,
    /// Who awaits the group.
    owner: RefCell<Option<Waker>>,
}

impl<E: fmt::Display + 'static> Shared<E> {
    /// The value of the body. `None` if the body has failed, or was dropped because a child has.
    async fn run_body<T>(&self, body: impl Future<Output = Result<T, E>>) -> Option<T> {
        let mut body = pin!(body);
        let outcome = poll_fn(|context| {
            self.watch(context.waker());
            // Looked at first: a body is not polled after a failure, so it never sees that a child
            // has no value.
            if self.has_failed() {
                return Poll::Ready(None);
            }
            body.as_mut().poll(context).map(Some)
        });
        match outcome.await? {
            Ok(value) => Some(value),
            Err(error) => {
                self.failures.borrow_mut().push(Failure::Failed(error));
                None
            }
        }
    }

    /// Waits until no child is left, and ends them after a failure.
    async fn join(&self) {
        poll_fn(|context| {
            self.watch(context.waker());
            if self.has_failed() {
                self.cancel_children();
            }
            if self.children.borrow().is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// A child has ended. Whoever awaits the group is not woken for each: the body would be polled
    /// as often.
    fn child_is_done(&self, number: u64) {
        let Some(child) = self.take_child(number) else { return };
        self.note(child.take_outcome());
        if self.has_failed() || self.children.borrow().is_empty() {
            let owner = self.owner.take();
            owner.into_iter().for_each(Waker::wake);
        }
    }

    fn take_child(&self, number: u64) -> Option<JoinHandle<Option<E>>> {
        self.children.borrow_mut().remove(&number)
    }

    fn cancel_children(&self) {
        for (number, child) in self.children.take() {
            child.cancel_now();
            if child.is_finished() {
                self.note(child.take_outcome());
            } else {
                // It is the one that runs, and will be done in its next turn.
                self.children.borrow_mut().insert(number, child);
            }
        }
    }

    fn note(&self, outcome: Option<Result<Option<E>, JoinError>>) {
        let failure = match outcome {
            Some(Ok(Some(error))) => Failure::Failed(error),
            Some(Err(JoinError::Panicked(message))) => Failure::Panicked(message),
            Some(Ok(None) | Err(JoinError::Cancelled)) | None => return,
        };
        self.failures.borrow_mut().push(failure);
    }

    fn has_failed(&self) -> bool {
        !self.failures.borrow().is_empty()
    }

    fn watch(&self, waker: &Waker) {
        let old = self.owner.replace(Some(waker.clone()));
        drop(old);
    }
}

impl<E: fmt::Display + 'static> Default for Shared<E> {
    fn default() -> Shared<E> {
        Shared {
            children: RefCell::default(),
            next: Cell::new(0),
            failures: RefCell::default(),
            owner: RefCell::default(),
        }
    }
}

/// Failures that the group could not return are reported.
impl<E: fmt::Display + 'static> Drop for Shared<E> {
    fn drop(&mut self) {
        let failures = self.failures.take();
        if failures.is_empty() {
            return;
        }
        let context = ErrorContext::new("a task group was dropped before it could tell its errors")
            .with_error(GroupError::new(failures));
        match running_loop() {
            Ok(running) => running.call_exception_handler(&context),
            Err(_) => context.log(),
        }
    }
}

impl<E: fmt::Display + 'static> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("children", &self.shared.children.borrow().len())
            .finish_non_exhaustive()
    }
}
