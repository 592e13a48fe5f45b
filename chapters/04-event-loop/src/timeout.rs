use crate::join_handle::{JoinError, JoinHandle};
use crate::outcome::Outcome;
use crate::race::{Either, race};
use crate::sleep::{Sleep, sleep, sleep_until};
use std::fmt;
use std::future::IntoFuture;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// Awaits a future, but not for longer than `limit`, which counts from the first poll.
///
/// The future is polled before the time is looked at: one that is ready gives its output even with
/// a limit of zero (TK-18). One that is not ready in time is dropped, and its destructors have run
/// when the error is returned.
///
/// With a [`JoinHandle`] as the future, dropping it asks the task to end, which it does in its next
/// turn, after this has returned. [`JoinHandle::join_within`] waits for that.
/// `timeout(limit, &mut handle)` leaves the task alone: it goes on, and may be awaited again.
///
/// # Errors
///
/// The time is over.
///
/// # Panics
///
/// When it is polled and no loop runs in this thread, unless the future is ready at once.
///
/// ```
/// use chapter_04::{Elapsed, run, sleep, timeout};
/// use std::time::Duration;
///
/// let slow = timeout(Duration::from_millis(1), sleep(Duration::from_secs(60)));
/// assert_eq!(run(slow)?, Err(Elapsed));
/// # Ok::<(), chapter_04::LoopError>(())
/// ```
#[doc(alias = "wait_for")]
pub async fn timeout<F: IntoFuture>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    until(sleep(limit), future).await
}

/// Awaits a future, but not beyond `deadline`. All else is as with [`timeout`].
///
/// # Errors
///
/// The time is over.
///
/// # Panics
///
/// As [`timeout`].
pub async fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    until(sleep_until(deadline), future).await
}

async fn until<F: IntoFuture>(end: Sleep, future: F) -> Result<F::Output, Elapsed> {
    match race(future, end).await {
        Either::First(output) => Ok(output),
        Either::Second(()) => Err(Elapsed),
    }
}

impl<T: Outcome> JoinHandle<T> {
    /// Awaits the task, but not for longer than `limit`. Then the task is cancelled, and has ended
    /// when the error is returned: its future is dropped, and what it owned is free (TK-18).
    ///
    /// A task that ends by itself at the last moment gives its outcome, and one that panics while
    /// it is dropped its panic: neither is lost.
    ///
    /// # Errors
    ///
    /// The time is over. Inside, why the task has no value.
    #[doc(alias = "wait_for")]
    pub async fn join_within(mut self, limit: Duration) -> Result<Result<T, JoinError>, Elapsed> {
        if let Ok(outcome) = timeout(limit, &mut self).await {
            return Ok(outcome);
        }
        self.cancel();
        match self.await {
            Err(JoinError::Cancelled) => Err(Elapsed),
            outcome => Ok(outcome),
        }
    }
}

/// The time was over before the future was ready.
#[doc(alias = "TimeoutError")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was over before the future was ready")
    }
}

impl std::error::Error for Elapsed {}

/// So that a time limit and the operation under it fail alike.
impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> io::Error {
        io::Error::new(ErrorKind::TimedOut, elapsed)
    }
}
