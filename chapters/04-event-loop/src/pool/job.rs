use super::{Busy, Shared};
use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// The outcome of a job, once it is there.
///
/// Dropping it withdraws a job that has not begun: it never runs, and what it captured is freed
/// before the drop returns (XR-10). A job that runs is not stopped; its outcome is freed by the
/// thread that ran it (XR-03).
///
/// # Errors
///
/// [`JobError::Panicked`]. The thread outlives the panic.
///
/// # Panics
///
/// If it is polled again after it has completed.
#[must_use = "a job whose outcome nobody waits for is withdrawn"]
pub struct Job<T> {
    pub(super) shared: Arc<Shared>,
    pub(super) ticket: u64,
    pub(super) slot: Arc<Slot<T>>,
}

impl<T> Future for Job<T> {
    type Output = Result<T, JobError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.slot.poll(context.waker())
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        // From here on the outcome goes nowhere, so it does not matter if the job begins now.
        if let Delivery::Awaited(_) = self.slot.abandon() {
            drop(self.shared.withdraw(self.ticket));
        }
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("pool", &self.shared.name).finish_non_exhaustive()
    }
}

/// Why a job has no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// The pool of this name is closed, and the job was not taken.
    Closed(&'static str),
    /// The pool of this name has no thread, the system refused to start one, and the job was not
    /// taken.
    NoThread(&'static str, io::Error),
    /// The job panicked, with this message.
    Panicked(String),
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobError::Closed(pool) => write!(f, "the pool {pool:?} is closed: it takes no new job"),
            JobError::NoThread(pool, reason) => {
                write!(f, "the pool {pool:?} cannot start a thread: {reason}")
            }
            JobError::Panicked(message) => write!(f, "the job panicked: {message}"),
        }
    }
}

impl std::error::Error for JobError {}

/// Where a job leaves its outcome and its awaiter finds it: the two owners.
pub(super) struct Slot<T>(Mutex<Delivery<T>>);

enum Delivery<T> {
    /// Not there yet, and whom to wake when it is.
    Awaited(Option<Waker>),
    There(Result<T, JobError>),
    /// Taken by the awaiter, or the awaiter has left.
    Gone,
}

impl<T> Slot<T> {
    pub(super) fn new() -> Slot<T> {
        Slot(Mutex::new(Delivery::Awaited(None)))
    }

    fn lock(&self) -> MutexGuard<'_, Delivery<T>> {
        self.0.lock().expect("nothing that can panic runs under the lock of an outcome")
    }

    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError>> {
        let waker = waker.clone();
        let mut delivery = self.lock();
        let next = match *delivery {
            Delivery::Awaited(_) => Delivery::Awaited(Some(waker)),
            Delivery::There(_) | Delivery::Gone => Delivery::Gone,
        };
        let former = mem::replace(&mut *delivery, next);
        drop(delivery);
        match former {
            Delivery::Awaited(_) => Poll::Pending,
            Delivery::There(outcome) => Poll::Ready(outcome),
            Delivery::Gone => panic!("a job was polled after it had completed"),
        }
    }

    pub(super) fn fill(&self, outcome: Result<T, JobError>, busy: Busy<'_>) {
        let mut delivery = self.lock();
        if let Delivery::Gone = *delivery {
            drop(delivery);
            // To free it is the last part of the job: the thread is not free before.
            drop(outcome);
            return drop(busy);
        }
        drop(busy);
        let former = mem::replace(&mut *delivery, Delivery::There(outcome));
        drop(delivery);
        if let Delivery::Awaited(Some(waker)) = former {
            waker.wake();
        }
    }

    fn abandon(&self) -> Delivery<T> {
        mem::replace(&mut *self.lock(), Delivery::Gone)
    }
}
