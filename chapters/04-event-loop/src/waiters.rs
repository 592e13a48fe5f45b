use std::cell::{Cell, RefCell};
use std::task::Waker;

/// Tasks that wait for the same thing. All are woken together, and whoever finds nothing left waits
/// again, so none is forgotten (D-03). Each wait has one entry, so who waits bounds it.
///
/// Most often it is one task, and the same one over and over. Its waker stays here between its
/// waits: to clone it each time is two changes of a counter that all processors share.
#[derive(Default)]
pub(crate) struct Waiters {
    /// The wait of the task that `waker` wakes. `None`: it does not wait now.
    wait: Cell<Option<WaitNumber>>,
    waker: RefCell<Option<Waker>>,
    /// The waits of other tasks, while that one waits.
    others: RefCell<Vec<(WaitNumber, Waker)>>,
    next: Cell<u32>,
}

/// The name of one wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitNumber(u32);

impl Waiters {
    /// Enters a wait.
    #[inline]
    pub(crate) fn enter(&self, waker: &Waker) -> WaitNumber {
        let number = WaitNumber(self.next.get());
        self.next.set(number.0.wrapping_add(1));
        if self.wait.get().is_some() {
            let waker = waker.clone();
            self.others.borrow_mut().push((number, waker));
        } else {
            self.wait.set(Some(number));
            self.keep(waker);
        }
        number
    }

    #[inline]
    fn keep(&self, waker: &Waker) {
        let is_kept = self.waker.borrow().as_ref().is_some_and(|kept| kept.will_wake(waker));
        if !is_kept {
            let old = self.waker.replace(Some(waker.clone()));
            drop(old);
        }
    }

    /// Withdraws a wait, if it is not over.
    #[inline]
    pub(crate) fn leave(&self, number: WaitNumber) {
        if self.wait.get() == Some(number) {
            self.wait.set(None);
        } else if !self.others.borrow().is_empty() {
            let waker = self.take_other(number);
            drop(waker);
        }
    }

    fn take_other(&self, number: WaitNumber) -> Option<Waker> {
        let mut others = self.others.borrow_mut();
        let place = others.iter().position(|(known, _)| *known == number)?;
        Some(others.remove(place).1)
    }

    /// Wakes everybody who waits.
    #[inline]
    pub(crate) fn wake(&self) {
        if self.wait.take().is_some() {
            // Taken out, because a waker may be code of others that comes back here.
            let waker = self.waker.take();
            waker.iter().for_each(Waker::wake_by_ref);
            self.put_back(waker);
        }
        if !self.others.borrow().is_empty() {
            let others = self.others.take();
            others.into_iter().for_each(|(_, waker)| waker.wake());
        }
    }

    #[inline]
    fn put_back(&self, waker: Option<Waker>) {
        let mut kept = self.waker.borrow_mut();
        if kept.is_none() {
            *kept = waker;
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.wait.get().is_none() && self.others.borrow().is_empty()
    }
}
