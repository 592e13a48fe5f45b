use crate::woken_set::WokenSet;
use std::future::{Future, IntoFuture, poll_fn};
use std::ops::ControlFlow;
use std::task::Poll;

/// Awaits all of the futures together and gives their outputs in the order of the futures, whatever
/// the order in which they end (TK-17).
///
/// The futures run inside the task that awaits this. Join handles of spawned tasks may be given,
/// too; then each output is the outcome of a task, errors among them, as with asyncio's
/// `gather(…, return_exceptions=True)`.
///
/// A wake-up polls only the future that it is for. Dropping this drops the futures that are not
/// done, which cancels the tasks of join handles, and the outputs that it has so far.
///
/// ```
/// use chapter_04::{join_all, run, sleep};
/// use std::time::Duration;
///
/// let squares = run(join_all([3, 1, 2].map(async |n| {
///     sleep(Duration::from_millis(n)).await;
///     n * n
/// })))?;
/// assert_eq!(squares, [9, 1, 4]);
/// # Ok::<(), chapter_04::LoopError>(())
/// ```
#[doc(alias = "gather")]
pub fn join_all<I>(
    futures: I,
) -> impl Future<Output = Vec<<I::Item as IntoFuture>::Output>> + use<I>
where
    I: IntoIterator,
    I::Item: IntoFuture,
{
    let joined = try_join_all_by(futures, Ok::<_, std::convert::Infallible>);
    async {
        let Ok(outputs) = joined.await;
        outputs
    }
}

/// Awaits all of the futures together, until one fails. Gives the values in the order of the
/// futures, or the first error at once (TK-17).
///
/// What becomes of the others after an error is decided by what was given:
/// - plain futures are dropped before this returns, and end where they wait;
/// - so are join handles, and their tasks are cancelled (TK-06);
/// - `handles.iter_mut()` leaves the tasks alone, as asyncio's `gather` does: they go on, and their
///   handles can be awaited again. Where they must go on even if this is cancelled together with
///   the owner of the handles, there is [`shield`](crate::shield):
///   `try_join_all(handles.iter_mut().map(shield))`.
///
/// A [`task_group`](crate::task_group) is the form that loses no error.
///
/// # Errors
///
/// The first that one of the futures gives; of several in the same turn, that of the future which
/// was woken first.
#[doc(alias = "gather")]
pub fn try_join_all<I, T, E>(futures: I) -> impl Future<Output = Result<Vec<T>, E>> + use<I, T, E>
where
    I: IntoIterator,
    I::Item: IntoFuture<Output = Result<T, E>>,
{
    try_join_all_by(futures, |outcome| outcome)
}

/// The set is made here and not at the first poll, so that an iterator that spawns tasks does so
/// when the caller says.
fn try_join_all_by<I, T, E, F>(
    futures: I,
    mut to_result: F,
) -> impl Future<Output = Result<Vec<T>, E>> + use<I, T, E, F>
where
    I: IntoIterator,
    I::Item: IntoFuture,
    F: FnMut(<I::Item as IntoFuture>::Output) -> Result<T, E>,
{
    let mut set = WokenSet::new(futures);
    let mut values: Vec<Option<T>> = (0..set.len()).map(|_| None).collect();
    async move {
        let mut keep = |index: usize, output| match to_result(output) {
            Ok(value) => {
                values[index] = Some(value);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        };
        poll_fn(|context| match set.poll(context, &mut keep) {
            ControlFlow::Break(error) => Poll::Ready(Err(error)),
            ControlFlow::Continue(()) if set.is_done() => Poll::Ready(Ok(())),
            ControlFlow::Continue(()) => Poll::Pending,
        })
        .await?;
        let values = values.into_iter();
        Ok(values.map(|value| value.expect("every future is done")).collect())
    }
}
