use std::future::{Future, IntoFuture, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Awaits two futures together until one is ready, and drops the other before it returns.
///
/// The first is polled first, so it wins where both are ready. The one that loses was not ready in
/// the poll in which it lost, or was not polled in it: an operation that takes nothing before it is
/// ready, such as those of [`AsyncSocket`](crate::AsyncSocket), loses nothing here (D-22).
///
/// ```
/// use chapter_04::{Either, race, run, sleep};
/// use std::time::Duration;
///
/// let winner = run(async {
///     match race(sleep(Duration::from_secs(60)), async { 7 }).await {
///         Either::First(()) => 0,
///         Either::Second(seven) => seven,
///     }
/// })?;
/// assert_eq!(winner, 7);
/// # Ok::<(), chapter_04::LoopError>(())
/// ```
#[doc(alias = "select")]
pub async fn race<A, B>(first: A, second: B) -> Either<A::Output, B::Output>
where
    A: IntoFuture,
    B: IntoFuture,
{
    let mut first = pin!(first.into_future());
    let mut second = pin!(second.into_future());
    poll_fn(|context| match first.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Either::First(output)),
        Poll::Pending => second.as_mut().poll(context).map(Either::Second),
    })
    .await
}

/// The output of one of two futures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first was ready.
    First(A),
    /// The second was ready, and the first was not.
    Second(B),
}
