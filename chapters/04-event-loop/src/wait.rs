use crate::join_handle::JoinHandle;
use crate::outcome::Outcome;
use std::future::poll_fn;
use std::task::Poll;

/// Waits until at least one of the tasks is done, and moves those that are out of `tasks`. In
/// `tasks` stay those that are pending; both keep their order. Nothing is cancelled, and no outcome
/// is taken: the handles that are given give it at once (TK-19).
///
/// Dropping the wait changes nothing. Without tasks it returns at once.
///
/// Each call looks at every task. To have the outcomes of many tasks one by one, that is much:
/// there [`task_group`](crate::task_group) or [`join_all`](crate::join_all) serve better.
///
/// ```
/// use chapter_04::{run, sleep, spawn, wait_first};
/// use std::time::Duration;
///
/// let order = run(async {
///     let mut tasks: Vec<_> = [20, 1]
///         .map(|delay| spawn(async move { sleep(Duration::from_millis(delay)).await; delay }))
///         .into();
///     let mut order = Vec::new();
///     while !tasks.is_empty() {
///         for task in wait_first(&mut tasks).await {
///             order.push(task.await.expect("it only sleeps"));
///         }
///     }
///     order
/// })?;
/// assert_eq!(order, [1, 20]);
/// # Ok::<(), chapter_04::LoopError>(())
/// ```
#[doc(alias = "wait")]
#[doc(alias = "FIRST_COMPLETED")]
pub async fn wait_first<T: Outcome>(tasks: &mut Vec<JoinHandle<T>>) -> Vec<JoinHandle<T>> {
    poll_fn(|context| {
        let mut any = tasks.is_empty();
        for task in &*tasks {
            any |= task.poll_finished(context.waker()).is_ready();
        }
        if any { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    tasks.extract_if(.., |task| task.is_finished()).collect()
}
