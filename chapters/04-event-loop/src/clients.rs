use crate::join_handle::JoinHandle;
use crate::outcome::Outcome;
use crate::task::spawn;
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

/// The tasks of a server's clients that are not done.
///
/// Its owners are the server and, by its callback, each of the tasks, which strikes itself off when
/// it is done: so the server knows who is left, and when a descriptor has become free.
pub(crate) struct Clients<T: Outcome> {
    /// As many as there are clients.
    tasks: RefCell<Slab<JoinHandle<T>>>,
    departures: Cell<u64>,
    /// The server's task, while it waits for a departure.
    waiting: Cell<Option<Waker>>,
}

impl<T: Outcome + 'static> Clients<T> {
    pub(crate) fn new() -> Rc<Clients<T>> {
        Rc::new(Clients {
            tasks: RefCell::default(),
            departures: Cell::new(0),
            waiting: Cell::new(None),
        })
    }

    /// Gives a client a task of its own.
    pub(crate) fn spawn(self: &Rc<Clients<T>>, serve: impl Future<Output = T> + 'static) {
        let task = spawn(serve);
        let mut tasks = self.tasks.borrow_mut();
        let entry = tasks.vacant_entry();
        let (clients, key) = (Rc::clone(self), entry.key());
        task.when_done(move || clients.strike_off(key));
        entry.insert(task);
    }

    fn strike_off(&self, key: usize) {
        let task = self.tasks.borrow_mut().remove(key);
        drop(task);
        self.departures.set(self.departures.get() + 1);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Waits until a client leaves.
    pub(crate) async fn departure(&self) {
        let before = self.departures.get();
        poll_fn(|context| {
            if self.departures.get() != before {
                return Poll::Ready(());
            }
            self.waiting.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Waits until nobody is left.
    pub(crate) async fn all_departures(&self) {
        while !self.tasks.borrow().is_empty() {
            self.departure().await;
        }
    }

    /// Cancels who is left: each task ends in its next turn.
    pub(crate) fn cancel_all(&self) {
        for (_, task) in &*self.tasks.borrow() {
            task.cancel();
        }
    }
}
