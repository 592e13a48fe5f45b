use super::{Core, Phase, Ready, Timed};
use crate::handle::Handle;
use crate::reactor::Watched;
use crate::task::TaskKey;
use crate::timers::TimerKey;
use std::panic::Location;
use std::rc::Rc;
use std::task::Waker;
use std::time::Instant;

/// What an operation knows of itself, to be asked for at
/// [`LoopHandle::may_go_on`](crate::LoopHandle::may_go_on): whether it gave way, although it could
/// have gone on. Each has its own, which begins empty.
#[derive(Debug, Default)]
pub struct GaveWay {
    in_pass: Option<u64>,
}

/// How something gets into the queues of a loop, and out of them again before its time.
impl Core {
    pub(crate) fn call_soon(
        self: &Rc<Core>,
        callback: Box<dyn FnOnce()>,
        place: &'static Location<'static>,
    ) {
        self.schedule(Handle::new(self, callback, place));
    }

    /// Puts a callback into the ready queue. A closed loop has none: the callback is dropped.
    pub(crate) fn schedule(self: &Rc<Core>, handle: Handle) {
        let entry = Ready::Callback(handle);
        if self.phase.get() == Phase::Closed {
            return self.discard(entry);
        }
        self.ready.borrow_mut().push(entry);
    }

    pub(crate) fn schedule_at(&self, deadline: Instant, handle: &Handle) {
        let key = self.timers.borrow_mut().set(deadline, Timed::Call(handle.clone()));
        handle.set_timer(deadline, key);
    }

    /// Puts a task into the ready queue. Its waker sees to it that it is there once.
    #[inline]
    pub(crate) fn make_ready(&self, task: TaskKey) {
        self.ready.borrow_mut().push(Ready::Task(task));
    }

    /// Puts the turn of an observer into the ready queue. It is there once, which the observed source
    /// sees to.
    #[inline]
    pub(crate) fn schedule_turn(&self, watched: Rc<Watched>) {
        if self.phase.get() != Phase::Closed {
            self.ready.borrow_mut().push(Ready::Turn(watched));
        }
    }

    /// Gives an observer its turn after the kernel was asked again.
    pub(crate) fn defer_turn(&self, watched: Rc<Watched>) {
        if self.phase.get() != Phase::Closed {
            self.deferred_turns.borrow_mut().push(watched);
        }
    }

    pub(super) fn take_deferred_turns(&self) {
        let turns = self.deferred_turns.borrow_mut().drain(..).map(Ready::Turn).collect::<Vec<_>>();
        self.ready.borrow_mut().extend(turns);
    }

    /// Wakes a task after the kernel was asked again.
    pub(crate) fn defer(&self, waker: &Waker) {
        let waker = waker.clone();
        self.deferred.borrow_mut().push(waker);
    }

    /// Takes one from what the running task may do without giving way. Where nothing is left, it is
    /// deferred, and the operation must answer "not yet".
    #[inline]
    pub(crate) fn may_go_on(&self, gave_way: &mut GaveWay, waker: &Waker) -> bool {
        let left = self.operations_left.get();
        if left == 0 {
            return self.may_go_on_without_budget(gave_way, waker);
        }
        self.operations_left.set(left - 1);
        true
    }

    /// Nothing is left: the task is deferred. But an operation that gave way in an earlier pass goes
    /// on: else one future of a task, always with something to do and polled first, would keep the
    /// task's others waiting for ever. And a closed loop has no pass to wait for.
    #[cold]
    fn may_go_on_without_budget(&self, gave_way: &mut GaveWay, waker: &Waker) -> bool {
        let pass = Some(self.number_of_pass());
        let before = gave_way.in_pass.take();
        if before.is_some() && before != pass || self.phase() == Phase::Closed {
            return true;
        }
        gave_way.in_pass = pass;
        self.defer(waker);
        false
    }

    pub(crate) fn set_timer(&self, deadline: Instant, waker: Waker) -> TimerKey {
        self.timers.borrow_mut().set(deadline, Timed::Wake(waker))
    }

    /// Has the timer wake this waker, if it is still set.
    pub(crate) fn update_timer(&self, key: TimerKey, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut timers = self.timers.borrow_mut();
        let Some(timed) = timers.get_mut(key) else { return false };
        let old = std::mem::replace(timed, Timed::Wake(waker));
        drop(timers);
        drop(old);
        true
    }

    pub(crate) fn cancel_timer(&self, key: TimerKey) {
        let timed = self.timers.borrow_mut().cancel(key);
        drop(timed);
    }
}
