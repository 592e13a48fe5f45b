use crate::task::TaskKey;
use chapter_03::Waker;
use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What other threads may ask of a loop: the one part of it that is `Send`.
///
/// It may outlive the loop; then it says so.
#[derive(Clone)]
pub struct Remote {
    shared: Arc<Shared>,
}

struct Shared {
    /// `None` once the loop is closed. Who bounds it is who calls.
    orders: Mutex<Option<VecDeque<Order>>>,
    /// Whether there may be orders, so that a pass without any takes no lock.
    pending: AtomicBool,
    selector: Waker,
}

/// What the loop is to do.
pub(crate) enum Order {
    /// To run a callback, which this line of the program has scheduled.
    Call(Box<dyn FnOnce() + Send>, &'static Location<'static>),
    Wake(TaskKey),
}

impl Remote {
    pub(crate) fn new(selector: Waker) -> Remote {
        let shared = Shared {
            orders: Mutex::new(Some(VecDeque::new())),
            pending: AtomicBool::new(false),
            selector,
        };
        Remote { shared: Arc::new(shared) }
    }

    /// Has a callback run on the loop, soon: a loop that sleeps is woken (LP-18).
    ///
    /// Callbacks of one thread run in the order of their calls.
    ///
    /// # Errors
    ///
    /// The loop is closed; the callback is dropped.
    #[track_caller]
    pub fn call_soon_threadsafe(
        &self,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<(), LoopClosed> {
        self.send(Order::Call(Box::new(callback), Location::caller()))
    }

    pub(crate) fn send(&self, order: Order) -> Result<(), LoopClosed> {
        self.orders().as_mut().ok_or(LoopClosed)?.push_back(order);
        // Many calls need one wake-up: the selector's waker sees to that (LP-19).
        self.shared.pending.store(true, Ordering::Release);
        self.shared.selector.wake();
        Ok(())
    }

    /// Takes what was asked first, at most `max` orders: threads that ask faster than the loop runs
    /// must not keep it from its sockets and timers. The rest ends the next wait.
    pub(crate) fn take(&self, max: usize) -> VecDeque<Order> {
        if !self.shared.pending.load(Ordering::Acquire) {
            return VecDeque::new();
        }
        // Before the orders are taken: one that comes now sets it again.
        self.shared.pending.store(false, Ordering::Release);
        let mut orders = self.orders();
        let Some(queue) = orders.as_mut() else { return VecDeque::new() };
        if queue.len() <= max {
            return std::mem::take(queue);
        }
        let first = queue.drain(..max).collect();
        drop(orders);
        self.shared.pending.store(true, Ordering::Release);
        self.shared.selector.wake();
        first
    }

    /// Refuses everything from now on, and gives what was not taken.
    pub(crate) fn close(&self) -> VecDeque<Order> {
        self.orders().take().unwrap_or_default()
    }

    /// Whether both are of the same loop.
    pub(crate) fn is(&self, other: &Remote) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    fn orders(&self) -> std::sync::MutexGuard<'_, Option<VecDeque<Order>>> {
        // Nothing can panic under this lock and leave half a change.
        self.shared.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("closed", &self.orders().is_none()).finish()
    }
}

/// The loop is closed: it schedules nothing and runs nothing any more (LP-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopClosed;

impl fmt::Display for LoopClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event loop is closed: make a new one")
    }
}

impl std::error::Error for LoopClosed {}
