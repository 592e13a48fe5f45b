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
/// Its owners are the server and each of the tasks, which strikes itself off when it ends: so the
/// server knows who is left, and when a descriptor has become free.
pub(crate) struct Clients<T: Outcome> {
    /// As many as there are clients. A task's place is taken before the task exists.
    tasks: RefCell<Slab<Option<JoinHandle<T>>>>,
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
        let key = self.tasks.borrow_mut().insert(None);
        let seat = Seat { clients: Rc::clone(self), key };
        let task = spawn(async move {
            let outcome = serve.await;
            // After the client's socket is closed.
            drop(seat);
            outcome
        });
        self.tasks.borrow_mut()[key] = Some(task);
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
        self.tasks.borrow().iter().flat_map(|(_, task)| task).for_each(|task| {
            task.cancel();
        });
    }
}

/// A client's place among the [`Clients`], which is free when its task drops this.
struct Seat<T: Outcome + 'static> {
    clients: Rc<Clients<T>>,
    key: usize,
}

impl<T: Outcome> Drop for Seat<T> {
    fn drop(&mut self) {
        let Seat { clients, key } = self;
        let task = clients.tasks.borrow_mut().remove(*key);
        drop(task);
        clients.departures.set(clients.departures.get() + 1);
        if let Some(waker) = clients.waiting.take() {
            waker.wake();
        }
    }
}
