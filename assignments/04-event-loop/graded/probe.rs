//! Futures and wakers that count, and wakers that do something.

use grading::{Trial, Verdict};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A waker that counts how often it is used.
#[derive(Default)]
pub(crate) struct Bell {
    rings: AtomicUsize,
}

impl Bell {
    pub(crate) fn new() -> (Arc<Bell>, Waker) {
        let bell = Arc::<Bell>::default();
        (Arc::clone(&bell), Waker::from(bell))
    }

    pub(crate) fn rings(&self) -> usize {
        self.rings.load(Ordering::Relaxed)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.rings.fetch_add(1, Ordering::Relaxed);
    }
}

/// When a guest has its occasion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Woken,
    Dropped,
}

/// A waker that is code of somebody else: at its occasion it does something with the loop, as code of others may.
pub(crate) struct Guest {
    act: Box<dyn Fn()>,
    tried: Cell<usize>,
    done: Cell<usize>,
}

thread_local! {
    /// By their numbers: a waker may be sent to any thread, and what it does here may not.
    static GUESTS: RefCell<Vec<Rc<Guest>>> = const { RefCell::new(Vec::new()) };
}

impl Guest {
    pub(crate) fn new(moment: Moment, act: impl Fn() + 'static) -> (Rc<Guest>, Waker) {
        let (tried, done) = (Cell::new(0), Cell::new(0));
        let guest = Rc::new(Guest { act: Box::new(act), tried, done });
        let number = GUESTS.with_borrow_mut(|guests| {
            guests.push(Rc::clone(&guest));
            guests.len() - 1
        });
        (guest, Waker::from(Arc::new(Invitation { moment, number })))
    }

    /// Content if it had its occasion, and could do what it wanted: `what`.
    pub(crate) fn could(&self, trial: &Trial, what: &str) -> Verdict {
        let came = match (self.tried.get(), self.done.get()) {
            (0, _) => "it has no occasion: nobody wakes it, or nobody lets go of it",
            (tried, done) if tried == done => return Ok(()),
            _ => "it cannot: the cell that this needs is borrowed",
        };
        const WHY: &str = "A waker is code of others, when it is woken and when it is dropped. It looks, schedules and gives up \
                           as it likes, and finds a panic where a cell is borrowed meanwhile.";
        trial.fail(what, came, WHY)
    }
}

struct Invitation {
    moment: Moment,
    number: usize,
}

impl Invitation {
    fn accept(&self, moment: Moment) {
        if self.moment != moment {
            return;
        }
        let guest = GUESTS.with_borrow(|guests| guests.get(self.number).cloned());
        let Some(guest) = guest else { return };
        guest.tried.set(guest.tried.get() + 1);
        if catch_unwind(AssertUnwindSafe(|| (guest.act)())).is_ok() {
            guest.done.set(guest.done.get() + 1);
        }
    }
}

impl Wake for Invitation {
    fn wake(self: Arc<Invitation>) {
        self.accept(Moment::Woken);
    }
}

impl Drop for Invitation {
    fn drop(&mut self) {
        self.accept(Moment::Dropped);
    }
}

/// What a check knows of a future that it has given away. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Probe {
    shared: Rc<Shared>,
}

#[derive(Default)]
struct Shared {
    polls: Cell<usize>,
    polls_after_end: Cell<usize>,
    ready: Cell<bool>,
    ended: Cell<bool>,
    dropped: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// Done in the next poll.
    act: RefCell<Option<Box<dyn FnOnce(&Waker)>>>,
}

impl Probe {
    /// A future that is ready when it is polled after `be_ready`.
    pub(crate) fn future(&self) -> Probed {
        Probed { probe: self.clone() }
    }

    pub(crate) fn be_ready(&self) {
        self.shared.ready.set(true);
    }

    /// Does something in the middle of the next poll, with the waker of that poll.
    pub(crate) fn in_next_poll(&self, act: impl FnOnce(&Waker) + 'static) {
        self.shared.act.replace(Some(Box::new(act)));
    }

    pub(crate) fn polls(&self) -> usize {
        self.shared.polls.get()
    }

    pub(crate) fn polls_after_end(&self) -> usize {
        self.shared.polls_after_end.get()
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.shared.dropped.get()
    }

    /// The waker of the last poll.
    pub(crate) fn waker(&self) -> Waker {
        self.shared.waker.borrow().clone().unwrap_or_else(|| Waker::noop().clone())
    }
}

pub(crate) struct Probed {
    probe: Probe,
}

impl Future for Probed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = &self.probe.shared;
        shared.polls.set(shared.polls.get() + 1);
        if shared.ended.get() {
            shared.polls_after_end.set(shared.polls_after_end.get() + 1);
            return Poll::Pending;
        }
        let waker = context.waker().clone();
        shared.waker.replace(Some(waker.clone()));
        // It looks first; what is done after that must wake it.
        let ready = shared.ready.get();
        let act = shared.act.take();
        if let Some(act) = act {
            act(&waker);
        }
        if ready {
            shared.ended.set(true);
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for Probed {
    fn drop(&mut self) {
        self.probe.shared.dropped.set(true);
    }
}
