use crate::contained::{self, contained};
use crate::join_handle::{JoinError, JoinHandle};
use crate::loop_core::Core;
use crate::outcome::Outcome;
use crate::remote::{Order, Remote};
use crate::report::{ErrorContext, Subject};
use crate::running::{self, with_running};
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Makes a task of a future, on the running loop. Nothing of it runs before its turn comes (TK-01).
///
/// # Panics
///
/// No loop runs in this thread.
#[doc(alias = "create_task")]
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    let core = running::current();
    core.tasks.spawn(&core, Box::pin(future), Location::caller())
}

/// A future that the loop owns and polls when it is woken.
///
/// Its life: it is spawned, and queued for its first step; a step polls the body, which is then
/// waiting or done; a waker queues the next step. When it is done, the loop lets go of it, and only
/// the [`JoinHandle`] has it until somebody asks for the outcome.
pub(crate) struct Task<T: Outcome> {
    place: &'static Location<'static>,
    task_waker: Arc<TaskWaker>,
    /// Made of `task_waker` once, and lent to each step.
    waker: Waker,
    /// Not there while it is polled, nor when the task is done.
    body: RefCell<Option<Body<T>>>,
    cancelled: Cell<bool>,
    state: RefCell<State<T>>,
    core: Weak<Core>,
}

type Body<T> = Pin<Box<dyn Future<Output = T>>>;

enum State<T> {
    Pending {
        joiner: Option<Waker>,
        callbacks: Vec<Box<dyn FnOnce()>>,
    },
    Done(Result<T, JoinError>),
    /// Somebody has asked for the outcome and has it.
    Taken,
}

/// A task as the loop sees it, whatever its value is.
pub(crate) trait Step {
    /// Polls the body once, or drops it if the task was cancelled.
    fn step(&self);

    /// Asks the task to end, as [`JoinHandle::cancel`] does.
    fn cancel(&self);

    /// Ends a task whose loop is closed.
    fn destroy(&self);

    fn place(&self) -> &'static Location<'static>;
}

impl<T: Outcome> Task<T> {
    /// Asks the task to end. It is dropped in its next turn, at the await where it waits: a body
    /// that has not begun never runs (TK-05, TK-06). `false` if it is done (TK-08).
    pub(crate) fn cancel(&self) -> bool {
        let pending = self.is_pending();
        if pending {
            self.cancelled.set(true);
            self.task_waker.wake_by_ref();
        }
        pending
    }

    /// Drops the body now, unless it is this task that runs.
    pub(crate) fn cancel_now(&self) {
        let body = self.body.take();
        if self.cancel() && body.is_some() {
            self.drop_body(body);
        }
    }

    pub(crate) fn is_pending(&self) -> bool {
        matches!(*self.state.borrow(), State::Pending { .. })
    }

    /// Gives the outcome out, once. Before the task is done, has `waker` woken then.
    pub(crate) fn poll_outcome(&self, waker: &Waker) -> Poll<Option<Result<T, JoinError>>> {
        let mut state = self.state.borrow_mut();
        match &mut *state {
            State::Pending { joiner: Some(known), .. } if known.will_wake(waker) => Poll::Pending,
            State::Pending { joiner, .. } => {
                // The body is not there while it is polled: then the task itself asks (TK-16).
                let is_running = self.body.borrow().is_none();
                assert!(!is_running, "a task cannot await itself: it would never end");
                let old = joiner.replace(waker.clone());
                drop(state);
                drop(old);
                Poll::Pending
            }
            _ => {
                drop(state);
                Poll::Ready(self.take_outcome())
            }
        }
    }

    /// The outcome, if the task is done and nobody has it yet.
    pub(crate) fn take_outcome(&self) -> Option<Result<T, JoinError>> {
        let mut state = self.state.borrow_mut();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(outcome) => Some(outcome),
            State::Taken => None,
            pending => {
                *state = pending;
                None
            }
        }
    }

    /// Schedules a callback for when the task is done (FU-04); at once if it is (FU-05).
    pub(crate) fn when_done(&self, callback: Box<dyn FnOnce()>) {
        let mut state = self.state.borrow_mut();
        if let State::Pending { callbacks, .. } = &mut *state {
            // Most often it stays the only one.
            callbacks.reserve_exact(1);
            callbacks.push(callback);
            return;
        }
        drop(state);
        self.call_soon(callback);
    }

    fn call_soon(&self, callback: Box<dyn FnOnce()>) {
        if let Some(core) = self.core.upgrade() {
            core.call_soon(callback, self.place);
        }
    }

    /// Drops a body that is not done, and ends the task as cancelled.
    fn drop_body(&self, body: impl Sized) {
        self.end(contained(|| drop(body)), JoinError::Cancelled);
    }

    /// Ends the task without a value, or with the panic of what it has left behind.
    fn end(&self, freed: Result<(), String>, error: JoinError) {
        self.finish(Err(freed.map_or_else(JoinError::Panicked, |()| error)));
    }

    /// The one way in which a task ends.
    fn finish(&self, outcome: Result<T, JoinError>) {
        let state = self.state.replace(State::Done(outcome));
        if let State::Pending { joiner, callbacks } = state {
            contained::for_each(joiner.into_iter(), Waker::wake);
            callbacks.into_iter().for_each(|callback| self.call_soon(callback));
        }
        if let Some(core) = self.core.upgrade() {
            core.tasks.remove(self.task_waker.key);
        }
    }
}

impl<T: Outcome> Step for Task<T> {
    fn step(&self) {
        // Before the poll: what happens from here on must wake the task again.
        self.task_waker.queued.swap(false, Ordering::AcqRel);
        let Some(mut body) = self.body.take() else { return };
        if self.cancelled.get() {
            return self.drop_body(Some(body));
        }
        let mut context = Context::from_waker(&self.waker);
        match contained(|| body.as_mut().poll(&mut context)) {
            Ok(Poll::Pending) => drop(self.body.replace(Some(body))),
            // A task that was cancelled in its last step is cancelled, although it has a value.
            Ok(Poll::Ready(value)) if self.cancelled.get() => {
                // One after the other: two panics at a time would end the process.
                let freed = contained(|| drop(value));
                self.end(freed.and(contained(|| drop(body))), JoinError::Cancelled);
            }
            Ok(Poll::Ready(value)) => match contained(|| drop(body)) {
                Ok(()) => self.finish(Ok(value)),
                Err(message) => {
                    // The first panic is told, as below.
                    let _ = contained(|| drop(value));
                    self.finish(Err(JoinError::Panicked(message)));
                }
            },
            Err(message) => {
                // What is left of the body may panic a second time; the first one is told.
                let _ = contained(|| drop(body));
                self.finish(Err(JoinError::Panicked(message)));
            }
        }
    }

    fn cancel(&self) {
        Task::cancel(self);
    }

    fn destroy(&self) {
        if !self.is_pending() {
            return;
        }
        let context = ErrorContext::new("a task was destroyed before it was done");
        Core::report_late(&self.core, &context.about(Subject::Task(self.place)));
        self.drop_body(self.body.take());
    }

    fn place(&self) -> &'static Location<'static> {
        self.place
    }
}

/// A failure that nobody has asked for is reported when nobody can any more (TK-13).
impl<T: Outcome> Drop for Task<T> {
    fn drop(&mut self) {
        let State::Done(outcome) = self.state.replace(State::Taken) else { return };
        // The value ends in here: its destructor is code of others.
        let error = match contained(move || failure(&outcome)) {
            Ok(None) => return,
            Ok(Some(error)) | Err(error) => error,
        };
        let context = ErrorContext::new("a task failed and nobody has asked for its outcome");
        Core::report_late(&self.core, &context.with_error(error).about(Subject::Task(self.place)));
    }
}

fn failure<T: Outcome>(outcome: &Result<T, JoinError>) -> Option<String> {
    match outcome {
        Err(JoinError::Cancelled) => None,
        Err(error) => Some(error.to_string()),
        Ok(value) => value.failure().map(ToString::to_string),
    }
}

/// The tasks that are not done. The loop owns them: a task does not end because nobody holds its
/// handle (D-26).
#[derive(Default)]
pub(crate) struct Tasks {
    table: RefCell<Slab<(u32, Rc<dyn Step>)>>,
    next_serial: Cell<u32>,
}

/// The key of a task. It names nothing once the task is done, also when its place is taken again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskKey {
    place: u32,
    serial: u32,
}

impl Tasks {
    pub(crate) fn spawn<T: Outcome + 'static>(
        &self,
        core: &Rc<Core>,
        body: Body<T>,
        place: &'static Location<'static>,
    ) -> JoinHandle<T> {
        let mut table = self.table.borrow_mut();
        let entry = table.vacant_entry();
        let index = u32::try_from(entry.key()).expect("four billion tasks do not fit into memory");
        let key = TaskKey { place: index, serial: self.next_serial.get() };
        self.next_serial.set(key.serial.wrapping_add(1));
        let task_waker =
            Arc::new(TaskWaker { key, queued: AtomicBool::new(true), remote: core.remote.clone() });
        let task = Rc::new(Task {
            place,
            waker: Waker::from(Arc::clone(&task_waker)),
            task_waker,
            body: RefCell::new(Some(body)),
            cancelled: Cell::new(false),
            state: RefCell::new(State::Pending { joiner: None, callbacks: Vec::new() }),
            core: Rc::downgrade(core),
        });
        entry.insert((key.serial, Rc::clone(&task) as Rc<dyn Step>));
        drop(table);
        core.make_ready(key);
        JoinHandle::new(task)
    }

    #[inline]
    pub(crate) fn get(&self, key: TaskKey) -> Option<Rc<dyn Step>> {
        let table = self.table.borrow();
        let (serial, task) = table.get(key.place as usize)?;
        (*serial == key.serial).then(|| Rc::clone(task))
    }

    pub(crate) fn len(&self) -> usize {
        self.table.borrow().len()
    }

    fn remove(&self, key: TaskKey) {
        let mut table = self.table.borrow_mut();
        if table.get(key.place as usize).is_some_and(|(serial, _)| *serial == key.serial) {
            let removed = table.remove(key.place as usize);
            drop(table);
            drop(removed);
        }
    }

    /// Every task, by the order of their places.
    pub(crate) fn all(&self) -> Vec<Rc<dyn Step>> {
        self.table.borrow().iter().map(|(_, (_, task))| Rc::clone(task)).collect()
    }
}

/// What a task's waker holds: the task's key, and the way to its loop.
///
/// It is `Send`, as wakers must be, while the task is not. On the thread of its loop a wake-up is a
/// push to the ready queue; from another one it goes by way of [`Remote`].
struct TaskWaker {
    key: TaskKey,
    /// Whether the task is in the ready queue, or on its way there: then it is not put there again.
    queued: AtomicBool,
    remote: Remote,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<TaskWaker>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<TaskWaker>) {
        // A swap, not a look: what the waker's thread has written must be seen by the step that
        // follows, although another wake-up has queued it.
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let at_home = with_running(|core| {
            let at_home = core.remote.is(&self.remote);
            if at_home {
                core.make_ready(self.key);
            }
            at_home
        });
        if at_home != Some(true) {
            // A closed loop has no tasks to be woken.
            let _ = self.remote.send(Order::Wake(self.key));
        }
    }
}
