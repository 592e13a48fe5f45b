use crate::join_handle::{JoinError, JoinHandle};
use crate::outcome::Outcome;
use std::future::{Future, poll_fn};

/// Awaits a task without being able to end it: whoever waits may be cancelled, and the task goes on
/// (TK-11).
///
/// The handle stays with the caller, so that the outcome can be fetched later: by another shield,
/// by awaiting the handle, or by [`take_outcome`](JoinHandle::take_outcome). A handle that is
/// dropped after a shield detaches, even if it was awaited before.
///
/// # Errors
///
/// Why the task has no value. Cancelling the task by its handle is not prevented.
///
/// # Panics
///
/// The handle has given its outcome before.
///
/// ```
/// use chapter_04::{run, shield, sleep, spawn, timeout};
/// use std::time::Duration;
///
/// let seven = run(async {
///     let mut task = spawn(async {
///         sleep(Duration::from_millis(20)).await;
///         7
///     });
///     let early = timeout(Duration::from_millis(1), shield(&mut task)).await;
///     assert!(early.is_err());
///     task.await
/// })?;
/// assert_eq!(seven, Ok(7));
/// # Ok::<(), chapter_04::LoopError>(())
/// ```
pub fn shield<T: Outcome>(
    handle: &mut JoinHandle<T>,
) -> impl Future<Output = Result<T, JoinError>> + use<'_, T> {
    poll_fn(|context| handle.poll_shielded(context.waker()))
}
