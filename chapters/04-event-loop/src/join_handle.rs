use crate::outcome::Outcome;
use crate::task::Task;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The right to a task's outcome, and to cancel it.
///
/// Awaiting it gives the value of the task or why there is none. A failure that nobody asks for, of
/// a task whose value [says so](Outcome), is reported once to the loop's exception handler (TK-13).
///
/// What becomes of the task when the handle is dropped:
/// - before it was awaited, nothing: the loop owns the task, which goes on (D-26). Say so with
///   [`detach`](JoinHandle::detach);
/// - while it is awaited, as when the waiting task is cancelled, the task is cancelled with it
///   (TK-06). [`shield`](crate::shield) prevents that.
#[must_use = "a task goes on without its handle: say so with `.detach()`, or await it"]
#[doc(alias = "Task")]
pub struct JoinHandle<T: Outcome> {
    task: Rc<Task<T>>,
    awaited: bool,
}

impl<T: Outcome> JoinHandle<T> {
    pub(crate) fn new(task: Rc<Task<T>>) -> JoinHandle<T> {
        JoinHandle { task, awaited: false }
    }

    /// Asks the task to end. In its next turn its future is dropped where it waits, and its outcome
    /// is [`JoinError::Cancelled`]; a task that has not begun never runs (TK-05). `false` if it was
    /// done already: then nothing changes (TK-08).
    ///
    /// Unlike asyncio's, a task cannot catch this: what has to be done in any case is done by
    /// destructors.
    pub fn cancel(&self) -> bool {
        self.task.cancel()
    }

    /// Whether the task is done: it has a value, was cancelled or has panicked.
    #[doc(alias = "done")]
    pub fn is_finished(&self) -> bool {
        !self.task.is_pending()
    }

    /// The outcome, if the task is done and it was not taken before.
    pub fn take_outcome(&self) -> Option<Result<T, JoinError>> {
        self.task.take_outcome()
    }

    /// Schedules a callback for when the task is done, or now if it is (FU-04, FU-05).
    #[doc(alias = "add_done_callback")]
    pub fn when_done(&self, callback: impl FnOnce() + 'static) {
        self.task.when_done(Box::new(callback));
    }

    /// Leaves the task to the loop, and its outcome to a callback, which is called soon after the
    /// task is done. So nothing of it is reported as not looked at.
    pub fn hand_over(self, callback: impl FnOnce(Result<T, JoinError>) + 'static)
    where
        T: 'static,
    {
        // The task owns this callback, and so itself, until it is done, which the loop sees to.
        let task = Rc::clone(&self.task);
        task.when_done(Box::new(move || {
            if let Some(outcome) = self.take_outcome() {
                callback(outcome);
            }
        }));
    }

    /// Leaves the task to the loop.
    pub fn detach(mut self) {
        self.awaited = false;
    }

    /// Waits for the outcome without tying the task to the one who waits; see
    /// [`shield`](crate::shield).
    pub(crate) fn poll_shielded(&mut self, waker: &Waker) -> Poll<Result<T, JoinError>> {
        self.awaited = false;
        let outcome = self.task.poll_outcome(waker);
        outcome.map(|outcome| outcome.expect("a handle is not awaited after it gave the outcome"))
    }

    /// Waits for the end of the task, and leaves the outcome where it is.
    pub(crate) fn poll_finished(&self, waker: &Waker) -> Poll<()> {
        if self.is_finished() { Poll::Ready(()) } else { self.task.poll_outcome(waker).map(drop) }
    }

    /// Cancels the task and drops its future before it returns. The running task cannot do this to
    /// itself: for it, this is [`cancel`](JoinHandle::cancel).
    pub fn cancel_now(&self) {
        self.task.cancel_now();
    }
}

impl<T: Outcome> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = self.poll_shielded(context.waker());
        self.awaited = true;
        outcome
    }
}

impl<T: Outcome> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if self.awaited {
            self.task.cancel();
        }
    }
}

impl<T: Outcome> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

/// Why a task has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// It was cancelled.
    Cancelled,
    /// It has panicked, with this message.
    Panicked(String),
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Cancelled => f.write_str("the task was cancelled"),
            JoinError::Panicked(message) => write!(f, "the task panicked: {message}"),
        }
    }
}

impl std::error::Error for JoinError {}
