use crate::loop_core::Core;
use crate::running;
use crate::timers::TimerKey;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Waits for a time to pass, counted from the first poll. A delay of zero gives way to everything
/// that is ready, as [`yield_now`] does (TK-03).
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
pub fn sleep(delay: Duration) -> Sleep {
    Sleep { until: Until::Delay(delay), timer: None }
}

/// Waits until a time.
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { until: Until::Deadline(deadline), timer: None }
}

/// A wait for a time. Dropping it cancels its timer.
pub struct Sleep {
    until: Until,
    timer: Option<(Rc<Core>, TimerKey)>,
}

enum Until {
    Delay(Duration),
    Deadline(Instant),
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some((core, key)) = &self.timer {
            // A timer that is not set any more was due.
            return if core.update_timer(*key, context.waker()) {
                Poll::Pending
            } else {
                Poll::Ready(())
            };
        }
        let core = running::current();
        let deadline = match self.until {
            Until::Delay(delay) => core.clock.after(delay),
            Until::Deadline(deadline) => deadline,
        };
        let key = core.set_timer(deadline, context.waker().clone());
        self.timer = Some((core, key));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some((core, key)) = self.timer.take() {
            core.cancel_timer(key);
        }
    }
}

/// Lets everything that is ready run, and the kernel be asked, before the task goes on.
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
pub fn yield_now() -> YieldNow {
    YieldNow { since: None }
}

/// One turn for the others; see [`yield_now`].
#[derive(Debug)]
pub struct YieldNow {
    /// The pass in which it gave way.
    since: Option<u64>,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let core = running::current();
        let pass = core.number_of_pass();
        if self.since.is_some_and(|since| since != pass) {
            return Poll::Ready(());
        }
        // Also when it is polled for nothing, perhaps with another waker.
        self.since = Some(pass);
        core.defer(context.waker());
        Poll::Pending
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("waiting", &self.timer.is_some()).finish_non_exhaustive()
    }
}
