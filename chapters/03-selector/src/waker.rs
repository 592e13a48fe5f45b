use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends the wait of a selector, from any thread: the present wait, or else the next one.
///
/// Many wake-ups before the selector has seen one are one wake-up and one system call (LP-19). A
/// wake-up after the selector is gone is harmless.
#[derive(Clone)]
pub struct Waker {
    state: Arc<State>,
}

struct State {
    /// Whether a wake-up is on its way that the selector has not seen yet.
    pending: AtomicBool,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Waker {
    pub(crate) fn new(wake: Box<dyn Fn() + Send + Sync>) -> Waker {
        Waker { state: Arc::new(State { pending: AtomicBool::new(false), wake }) }
    }

    /// Wakes the selector.
    pub fn wake(&self) {
        if !self.state.pending.swap(true, Ordering::AcqRel) {
            (self.state.wake)();
        }
    }

    /// Whether there was a wake-up that no wait has answered yet.
    #[inline]
    pub(crate) fn is_pending(&self) -> bool {
        self.state.pending.load(Ordering::Acquire)
    }

    /// Lets the next wake-up through to the kernel again.
    ///
    /// The selector calls this when its wait is over and before its caller looks at what the wakers
    /// have left for it. A wake-up before this moment is answered by that look, a later one by the
    /// next wait.
    pub(crate) fn seen(&self) {
        self.state.pending.swap(false, Ordering::AcqRel);
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker").field("pending", &self.state.pending).finish_non_exhaustive()
    }
}
