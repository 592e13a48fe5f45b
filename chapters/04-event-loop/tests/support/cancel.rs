//! Futures that are dropped at a moment of the test's choice.

#![allow(dead_code, reason = "each test file uses a part of this")]

use std::future::{Future, poll_fn};
use std::task::Poll;

/// When an operation is dropped. Polls are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// When it would be polled: it has been woken, and does not get to see why.
    BeforePoll(usize),
    /// When a poll has left it waiting: before the event, after a wrong report, after a part.
    AfterPoll(usize),
}

/// All of them, in the order of time.
pub(crate) fn moments() -> impl Iterator<Item = Moment> {
    (0..).flat_map(|poll| [Moment::BeforePoll(poll), Moment::AfterPoll(poll)])
}

/// Polls a future until it is done or the moment has come. `None`: it was dropped.
pub(crate) async fn dropped_at<F: Future>(moment: Moment, future: F) -> Option<F::Output> {
    let mut future = Some(Box::pin(future));
    let mut poll = 0;
    poll_fn(|context| {
        if moment == Moment::BeforePoll(poll) {
            future = None;
            return Poll::Ready(None);
        }
        let operation = future.as_mut().expect("it is dropped when this is ready");
        if let Poll::Ready(value) = operation.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        if moment == Moment::AfterPoll(poll) {
            future = None;
            return Poll::Ready(None);
        }
        poll += 1;
        Poll::Pending
    })
    .await
}
