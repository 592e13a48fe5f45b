//! mistake: A time-out looks at the clock whenever it is polled, and sets no timer: where the future is never woken, it is
//! never polled, and never late.
//! rejected by: 4.5 a_late_future_is_dropped

mod timeout {
    use crate::running;
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::Poll;

    pub async fn timeout<F: IntoFuture>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future.into_future());
        let mut deadline = None;
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            let now = running::current().clock.now();
            if now < *deadline.get_or_insert(now + limit) {
                return Poll::Pending;
            }
            Poll::Ready(Err(Elapsed))
        })
        .await
    }
}
