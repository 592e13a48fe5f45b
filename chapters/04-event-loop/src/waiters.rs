use crate::contained;
use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::task::Waker;

/// Tasks that wait for the same thing. All are woken together, and whoever finds nothing left waits
/// again, so none is forgotten (D-03). Each wait has one entry, so who waits bounds it.
///
/// Most often it is one task, and the same one over and over. Its waker stays here between its
/// waits: to clone it each time would be two changes of a counter that all processors share. Every
/// socket has two of these, so what is rare is kept elsewhere.
#[derive(Default)]
pub(crate) struct Waiters {
    waker: Cell<Option<Waker>>,
    /// The wait of the task that `waker` wakes. `None`: it does not wait now.
    wait: Cell<Option<WaitNumber>>,
    last: Cell<u32>,
    /// The waits that began while that one lasted.
    others: RefCell<Option<Box<Others>>>,
}

type Others = Vec<(WaitNumber, Waker)>;

/// The name of one wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitNumber(NonZeroU32);

impl Waiters {
    /// Enters a wait.
    #[inline]
    pub(crate) fn enter(&self, waker: &Waker) -> WaitNumber {
        let number = self.new_number();
        if self.wait.get().is_some() {
            let waker = waker.clone();
            self.others.borrow_mut().get_or_insert_default().push((number, waker));
        } else {
            self.wait.set(Some(number));
            let kept = self.waker.take().filter(|kept| kept.will_wake(waker));
            self.waker.set(Some(kept.unwrap_or_else(|| waker.clone())));
        }
        number
    }

    #[inline]
    fn new_number(&self) -> WaitNumber {
        let next = NonZeroU32::new(self.last.get().wrapping_add(1)).unwrap_or(NonZeroU32::MIN);
        self.last.set(next.get());
        WaitNumber(next)
    }

    /// Withdraws a wait, if it is not over.
    #[inline]
    pub(crate) fn leave(&self, number: WaitNumber) {
        if self.wait.get() == Some(number) {
            self.wait.set(None);
        } else if self.others.borrow().is_some() {
            let waker = self.take_other(number);
            drop(waker);
        }
    }

    fn take_other(&self, number: WaitNumber) -> Option<Waker> {
        let mut others = self.others.borrow_mut();
        let list = others.as_mut()?;
        let place = list.iter().position(|(known, _)| *known == number)?;
        let (_, waker) = list.remove(place);
        if list.is_empty() {
            *others = None;
        }
        Some(waker)
    }

    /// Wakes everybody who waits; those who came later first, so that of two tasks that share a
    /// socket not always the same one finds something.
    #[inline]
    pub(crate) fn wake(&self) {
        if self.others.borrow().is_some() {
            self.wake_others();
        }
        // Taken out, because a waker may be code of others that comes back here.
        if self.wait.take().is_some()
            && let Some(waker) = self.waker.take()
        {
            waker.wake_by_ref();
            self.keep(waker);
        }
    }

    #[cold]
    fn wake_others(&self) {
        let others = self.others.take().into_iter().flat_map(|others| *others);
        contained::for_each(others, |(_, waker)| waker.wake());
    }

    /// Keeps the waker for the next wait, unless another one has come meanwhile.
    #[inline]
    fn keep(&self, waker: Waker) {
        let later = self.waker.take();
        self.waker.set(Some(later.unwrap_or(waker)));
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.wait.get().is_none() && self.others.borrow().is_none()
    }
}
