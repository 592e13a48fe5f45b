use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The value that a child of a [`task_group`](crate::task_group) will have.
///
/// It cannot leave the body of the group. So there is no error to await: if the child fails, the
/// body is dropped at this await. A value that is wanted outside is awaited inside and returned:
///
/// ```compile_fail
/// use chapter_04::task_group;
///
/// async fn leak() {
///     let group = task_group(async |group| Ok::<_, String>(group.spawn(async { Ok(7) })));
///     let escaped = group.await;
/// }
/// ```
#[doc(alias = "Task")]
pub struct Child<'group, T> {
    slot: Rc<Slot<T>>,
    body: PhantomData<&'group ()>,
}

impl<T> Child<'_, T> {
    /// A child, and where it puts its value.
    pub(crate) fn new() -> (Child<'static, T>, Rc<Slot<T>>) {
        let slot = Rc::<Slot<T>>::default();
        (Child { slot: Rc::clone(&slot), body: PhantomData }, slot)
    }
}

impl<T> Future for Child<'_, T> {
    type Output = T;

    /// # Panics
    ///
    /// When it is polled again after it has given the value.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let value = self.slot.value.take();
        assert!(
            value.is_some() || !self.slot.is_full.get(),
            "a child is not awaited after it gave its value"
        );
        if value.is_none() {
            let old = self.slot.waiter.replace(Some(context.waker().clone()));
            drop(old);
        }
        value.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T> fmt::Debug for Child<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("done", &self.slot.is_full.get()).finish_non_exhaustive()
    }
}

/// Where a child puts its value, and the body finds it.
pub(crate) struct Slot<T> {
    value: RefCell<Option<T>>,
    /// Whether the value has come. It may be taken since.
    is_full: Cell<bool>,
    waiter: RefCell<Option<Waker>>,
}

impl<T> Slot<T> {
    pub(crate) fn put(&self, value: T) {
        self.value.replace(Some(value));
        self.is_full.set(true);
        let waiter = self.waiter.take();
        waiter.into_iter().for_each(Waker::wake);
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Slot<T> {
        Slot { value: RefCell::default(), is_full: Cell::new(false), waiter: RefCell::default() }
    }
}
