use std::future::{Future, IntoFuture};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Futures that one task awaits together. Each has a waker of its own, so that a wake-up polls the
/// future that it is for, and not all of them: with one waker for all, a thousand futures that end
/// one by one would be half a million polls.
///
/// Every future is in a box: it must not move between its polls, and a vector moves what it holds.
pub(crate) struct WokenSet<F> {
    /// `None`: it is done.
    futures: Vec<Option<Pin<Box<F>>>>,
    wakers: Vec<Arc<FutureWaker>>,
    pending: usize,
    woken: Arc<Woken>,
}

impl<F: Future> WokenSet<F> {
    /// All of them are to be polled, in their order.
    pub(crate) fn new<I>(futures: I) -> WokenSet<F>
    where
        I: IntoIterator,
        I::Item: IntoFuture<IntoFuture = F>,
    {
        let boxed = |future: I::Item| Some(Box::pin(future.into_future()));
        let futures: Vec<_> = futures.into_iter().map(boxed).collect();
        let list = List { indexes: (0..futures.len()).collect(), parent: Waker::noop().clone() };
        let woken = Arc::new(Woken { list: Mutex::new(list) });
        let waker =
            |index| FutureWaker { index, queued: AtomicBool::new(true), woken: Arc::clone(&woken) };
        let wakers = (0..futures.len()).map(|index| Arc::new(waker(index))).collect();
        WokenSet { pending: futures.len(), futures, wakers, woken }
    }

    /// How many futures there were at the beginning.
    pub(crate) fn len(&self) -> usize {
        self.futures.len()
    }

    /// Whether every future is done.
    pub(crate) fn is_done(&self) -> bool {
        self.pending == 0
    }

    /// Polls each future that was woken before this call, and gives the output of those that are
    /// done to `done`, until that breaks. Futures that are woken meanwhile are for the next call,
    /// so that one that wakes itself does not keep the loop to itself.
    pub(crate) fn poll<B>(
        &mut self,
        context: &Context<'_>,
        mut done: impl FnMut(usize, F::Output) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for index in self.woken.take(context.waker()) {
            // Before the poll: what happens from here on must wake the future again.
            self.wakers[index].queued.swap(false, Ordering::AcqRel);
            let Some(future) = &mut self.futures[index] else { continue };
            let waker = Waker::from(Arc::clone(&self.wakers[index]));
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                self.futures[index] = None;
                self.pending -= 1;
                done(index, output)?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Which futures were woken since the last look, and whom that concerns. It has a lock because
/// wakers may be used from any thread.
struct Woken {
    list: Mutex<List>,
}

struct List {
    /// Each future is here at most once.
    indexes: Vec<usize>,
    parent: Waker,
}

impl Woken {
    /// Takes the list, and has `parent` woken by what comes later.
    fn take(&self, parent: &Waker) -> Vec<usize> {
        let parent = parent.clone();
        let mut list = self.list();
        let old = std::mem::replace(&mut list.parent, parent);
        let indexes = std::mem::take(&mut list.indexes);
        // Wakers may be code of others: they are dropped and woken without the lock.
        drop(list);
        drop(old);
        indexes
    }

    fn add(&self, index: usize) {
        let mut list = self.list();
        list.indexes.push(index);
        let parent = list.parent.clone();
        drop(list);
        parent.wake();
    }

    fn list(&self) -> MutexGuard<'_, List> {
        // Nothing can panic under this lock and leave half a change.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the waker of one future holds.
struct FutureWaker {
    index: usize,
    /// Whether it is in the list already.
    queued: AtomicBool,
    woken: Arc<Woken>,
}

impl Wake for FutureWaker {
    fn wake(self: Arc<FutureWaker>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<FutureWaker>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.woken.add(self.index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::future::poll_fn;
    use std::rc::Rc;

    /// Futures that count their polls, and end when they are polled after `end` was set.
    #[derive(Default)]
    struct Probe {
        polls: Cell<usize>,
        end: Cell<bool>,
        waker: RefCell<Option<Waker>>,
    }

    impl Probe {
        fn wake(&self) {
            self.waker.borrow().as_ref().unwrap().wake_by_ref();
        }
    }

    fn watch(probe: Rc<Probe>) -> impl Future<Output = ()> {
        poll_fn(move |context| {
            probe.polls.set(probe.polls.get() + 1);
            probe.waker.replace(Some(context.waker().clone()));
            if probe.end.get() { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    fn probes(count: usize) -> (Vec<Rc<Probe>>, WokenSet<impl Future<Output = ()>>) {
        let probes: Vec<Rc<Probe>> = (0..count).map(|_| Rc::default()).collect();
        let set = WokenSet::new(probes.iter().cloned().map(watch));
        (probes, set)
    }

    fn poll<F: Future<Output = ()>>(set: &mut WokenSet<F>) -> Vec<usize> {
        let mut done = Vec::new();
        let flow: ControlFlow<()> = set.poll(&Context::from_waker(Waker::noop()), |index, ()| {
            done.push(index);
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
        done
    }

    /// TK-17: what a thousand futures cost that end one by one: two polls each.
    #[test]
    fn a_wake_up_polls_the_future_that_it_is_for() {
        let (probes, mut set) = probes(1000);
        assert_eq!(poll(&mut set), []);
        for (index, probe) in probes.iter().enumerate() {
            probe.end.set(true);
            probe.wake();
            probe.wake();
            assert!(!set.is_done());
            assert_eq!(poll(&mut set), [index]);
        }
        assert!(set.is_done());
        assert!(probes.iter().all(|probe| probe.polls.get() == 2));
    }

    #[test]
    fn a_future_that_is_woken_after_its_end_is_not_polled() {
        let (probes, mut set) = probes(2);
        probes[0].end.set(true);
        assert_eq!(poll(&mut set), [0]);
        probes[0].wake();
        assert_eq!(poll(&mut set), []);
        assert_eq!(probes[0].polls.get(), 1);
    }

    #[test]
    fn a_future_that_wakes_itself_is_polled_once_a_call() {
        let polls = Rc::new(Cell::new(0));
        let counter = Rc::clone(&polls);
        let restless = poll_fn(move |context: &mut Context<'_>| {
            counter.set(counter.get() + 1);
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        let mut set = WokenSet::new([restless]);
        for expected in 1..10 {
            assert_eq!((poll(&mut set), polls.get()), (vec![], expected));
        }
    }

    #[test]
    fn a_break_leaves_the_others_unpolled() {
        let (probes, mut set) = probes(3);
        probes[1].end.set(true);
        let context = Context::from_waker(Waker::noop());
        let flow = set.poll(&context, |index, ()| ControlFlow::Break(index));
        assert_eq!(flow, ControlFlow::Break(1));
        let polls: Vec<usize> = probes.iter().map(|probe| probe.polls.get()).collect();
        assert_eq!(polls, [1, 1, 0]);
    }
}
