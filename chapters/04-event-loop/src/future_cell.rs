use crate::contained;
use crate::loop_core::Core;
use crate::loop_handle::LoopHandle;
use crate::report::{ErrorContext, Subject};
use crate::running;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

/// The place of a value that is not there yet: set once, awaited by any number of tasks.
///
/// This is asyncio's `Future`, under a name of its own because Rust's trait has the other one.
/// Clones share one place. An error that nobody has looked at is reported when the last clone is
/// gone (FU-11).
///
/// ```
/// use chapter_04::{FutureCell, run, spawn};
///
/// let seven = run(async {
///     let cell = FutureCell::new();
///     let setter = cell.clone();
///     spawn(async move { setter.set_result(7).expect("nobody else sets it") }).detach();
///     cell.await.expect("it is set, not failed")
/// });
/// assert_eq!(seven.unwrap(), 7);
/// ```
#[doc(alias = "Future")]
pub struct FutureCell<T> {
    shared: Rc<Shared<T>>,
}

struct Shared<T> {
    state: RefCell<State<T>>,
    /// By number, so in the order in which they came. Whoever waits bounds it: each has one entry.
    waiters: RefCell<BTreeMap<u64, Waiter<T>>>,
    next_waiter: Cell<u64>,
    /// Whether somebody has seen how it ended.
    retrieved: Cell<bool>,
    place: &'static Location<'static>,
    core: Weak<Core>,
}

enum State<T> {
    Pending,
    Finished(T),
    Failed(Rc<dyn Error>),
    Cancelled,
}

enum Waiter<T> {
    Task(Waker),
    Callback(Rc<DoneCallback<T>>),
}

/// What is called with a future that is done; see [`FutureCell::add_done_callback`].
pub type DoneCallback<T> = dyn Fn(&FutureCell<T>);

impl<T: 'static> FutureCell<T> {
    /// An empty place on the running loop.
    ///
    /// # Panics
    ///
    /// No loop runs in this thread.
    #[expect(clippy::new_without_default, reason = "it needs a running loop")]
    #[track_caller]
    pub fn new() -> FutureCell<T> {
        FutureCell::on(&running::current())
    }

    #[track_caller]
    pub(crate) fn on(core: &Rc<Core>) -> FutureCell<T> {
        let shared = Shared {
            state: RefCell::new(State::Pending),
            waiters: RefCell::default(),
            next_waiter: Cell::new(0),
            retrieved: Cell::new(false),
            place: Location::caller(),
            core: Rc::downgrade(core),
        };
        FutureCell { shared: Rc::new(shared) }
    }

    /// Puts the value in.
    ///
    /// # Errors
    ///
    /// It is done already; the value is dropped (FU-02).
    pub fn set_result(&self, value: T) -> Result<(), AlreadyDone> {
        self.finish(State::Finished(value))
    }

    /// Puts an error in, in place of a value.
    ///
    /// # Errors
    ///
    /// It is done already (FU-02).
    #[doc(alias = "set_exception")]
    pub fn set_error(&self, error: impl Error + 'static) -> Result<(), AlreadyDone> {
        self.finish(State::Failed(Rc::new(error)))
    }

    /// Gives it up. `false` if it was done already (FU-03).
    pub fn cancel(&self) -> bool {
        self.finish(State::Cancelled).is_ok()
    }

    /// Puts the value in, unless it was cancelled: then the value is dropped (FU-14).
    ///
    /// # Errors
    ///
    /// It has a value or an error already.
    pub fn set_result_unless_cancelled(&self, value: T) -> Result<(), AlreadyDone> {
        if self.is_cancelled() { Ok(()) } else { self.set_result(value) }
    }

    /// Whether it has a value, an error, or was cancelled.
    #[doc(alias = "done")]
    pub fn is_done(&self) -> bool {
        !matches!(*self.shared.state.borrow(), State::Pending)
    }

    /// Whether it was cancelled.
    #[doc(alias = "cancelled")]
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.shared.state.borrow(), State::Cancelled)
    }

    /// The value, or why there is none.
    ///
    /// # Errors
    ///
    /// It is not done (FU-01), has failed, or was cancelled.
    pub fn result(&self) -> Result<T, FutureError>
    where
        T: Clone,
    {
        self.shared.retrieved.set(self.is_done());
        match &*self.shared.state.borrow() {
            State::Pending => Err(FutureError::NotDone),
            State::Finished(value) => Ok(value.clone()),
            State::Failed(error) => Err(FutureError::Failed(Rc::clone(error))),
            State::Cancelled => Err(FutureError::Cancelled),
        }
    }

    /// The error, if there is one.
    ///
    /// # Errors
    ///
    /// It is not done (FU-01), or was cancelled.
    #[doc(alias = "exception")]
    pub fn error(&self) -> Result<Option<Rc<dyn Error>>, FutureError> {
        self.shared.retrieved.set(self.is_done());
        match &*self.shared.state.borrow() {
            State::Pending => Err(FutureError::NotDone),
            State::Finished(_) => Ok(None),
            State::Failed(error) => Ok(Some(Rc::clone(error))),
            State::Cancelled => Err(FutureError::Cancelled),
        }
    }

    /// Has the loop call this once it is done, never before this method has returned: callbacks go
    /// through the ready queue, in the order in which they were added (FU-04, FU-05).
    pub fn add_done_callback(&self, callback: Rc<DoneCallback<T>>) {
        if self.is_done() {
            self.call_soon(callback);
        } else {
            let number = self.shared.new_number();
            self.shared.waiters.borrow_mut().insert(number, Waiter::Callback(callback));
        }
    }

    /// Takes back every entry of this callback, and says how many there were (FU-06).
    pub fn remove_done_callback(&self, callback: &Rc<DoneCallback<T>>) -> usize {
        let is_it = |(_, waiter): &(u64, Waiter<T>)| matches!(waiter, Waiter::Callback(entry) if Rc::ptr_eq(entry, callback));
        let waiters = self.shared.waiters.take();
        let (removed, kept): (BTreeMap<_, _>, _) = waiters.into_iter().partition(is_it);
        self.shared.waiters.replace(kept);
        removed.len()
    }

    /// The one way in which it is done.
    fn finish(&self, end: State<T>) -> Result<(), AlreadyDone> {
        if self.is_done() {
            return Err(AlreadyDone);
        }
        drop(self.shared.state.replace(end));
        contained::for_each(self.shared.waiters.take().into_values(), |waiter| match waiter {
            Waiter::Task(waker) => waker.wake(),
            Waiter::Callback(callback) => self.call_soon(callback),
        });
        Ok(())
    }

    fn call_soon(&self, callback: Rc<DoneCallback<T>>) {
        if let Some(core) = self.shared.core.upgrade() {
            let cell = self.clone();
            core.call_soon(Box::new(move || callback(&cell)), self.shared.place);
        }
    }
}

impl LoopHandle {
    /// An empty place on this loop.
    #[track_caller]
    pub fn create_future<T: 'static>(&self) -> FutureCell<T> {
        FutureCell::on(&self.core)
    }
}

impl<T> Clone for FutureCell<T> {
    fn clone(&self) -> FutureCell<T> {
        FutureCell { shared: Rc::clone(&self.shared) }
    }
}

/// Awaiting gives what [`FutureCell::result`] gives once it is done; if it is, at once (FU-08).
/// Whoever stops waiting leaves the others alone.
impl<T: Clone + 'static> IntoFuture for FutureCell<T> {
    type Output = Result<T, FutureError>;
    type IntoFuture = Waiting<T>;

    fn into_future(self) -> Waiting<T> {
        Waiting { cell: self, number: None }
    }
}

impl<T: Clone + 'static> IntoFuture for &FutureCell<T> {
    type Output = Result<T, FutureError>;
    type IntoFuture = Waiting<T>;

    fn into_future(self) -> Waiting<T> {
        self.clone().into_future()
    }
}

/// A task's wait for a [`FutureCell`].
pub struct Waiting<T> {
    cell: FutureCell<T>,
    /// Of its entry among the waiters.
    number: Option<u64>,
}

impl<T: Clone + 'static> Future for Waiting<T> {
    type Output = Result<T, FutureError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.cell.is_done() {
            return Poll::Ready(self.cell.result());
        }
        let number = self.number.unwrap_or_else(|| self.cell.shared.new_number());
        self.number = Some(number);
        let entry = Waiter::Task(context.waker().clone());
        let old = self.cell.shared.waiters.borrow_mut().insert(number, entry);
        drop(old);
        Poll::Pending
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let removed = self.cell.shared.waiters.borrow_mut().remove(&number);
        drop(removed);
    }
}

impl<T> Shared<T> {
    fn new_number(&self) -> u64 {
        self.next_waiter.replace(self.next_waiter.get() + 1)
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        let State::Failed(error) = self.state.get_mut() else { return };
        if self.retrieved.get() {
            return;
        }
        let context = ErrorContext::new("a future failed and nobody has looked at its error");
        let context = context.with_error(error).about(Subject::Future(self.place));
        Core::report_late(&self.core, &context);
    }
}

/// Why a [`FutureCell`] gives no value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum FutureError {
    /// It has neither a value nor an error yet.
    NotDone,
    /// It was cancelled.
    Cancelled,
    /// It was given an error, which all who ask share (D-36).
    Failed(Rc<dyn Error>),
}

impl fmt::Display for FutureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FutureError::NotDone => f.write_str("the future is not done: await it"),
            FutureError::Cancelled => f.write_str("the future was cancelled"),
            FutureError::Failed(error) => error.fmt(f),
        }
    }
}

impl Error for FutureError {}

/// The future has its value, error or cancellation already, and keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlreadyDone;

impl fmt::Display for AlreadyDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the future is done already: it is set once")
    }
}

impl Error for AlreadyDone {}

impl<T> fmt::Debug for FutureCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &*self.shared.state.borrow() {
            State::Pending => "pending",
            State::Finished(_) => "finished",
            State::Failed(_) => "failed",
            State::Cancelled => "cancelled",
        };
        f.debug_struct("FutureCell").field("state", &state).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Waiting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("cell", &self.cell).finish()
    }
}
