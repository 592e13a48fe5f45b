use crate::connection_lost::ConnectionLost;
use crate::stream::{Stream, WaitResult};
use chapter_04::Waiting;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

/// Waits until a connection has ended, and tells how.
///
/// An error means that something of what was written is lost, or may be: the connection broke, or
/// bytes were thrown away by whoever aborted it (D-21).
#[must_use = "whether everything was sent is known to who awaits this; to close without asking, drop the writer"]
pub struct WaitClosed {
    stream: Rc<Stream>,
    waiting: Option<Waiting<WaitResult>>,
}

impl WaitClosed {
    pub(crate) fn new(stream: Rc<Stream>) -> WaitClosed {
        WaitClosed { stream, waiting: None }
    }
}

impl Future for WaitClosed {
    type Output = Result<(), ConnectionLost>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<WaitResult> {
        if let Some(outcome) = self.stream.outcome() {
            return Poll::Ready(outcome);
        }
        let closed = self.stream.closed();
        let waiting = self.waiting.get_or_insert_with(|| closed.into_future());
        let told = pin!(waiting).poll(context);
        told.map(|outcome| outcome.expect("it is set, and neither failed nor cancelled"))
    }
}

impl fmt::Debug for WaitClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitClosed").field("ended", &self.stream.outcome().is_some()).finish()
    }
}
