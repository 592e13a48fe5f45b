use super::{Core, Phase, Ready, Timed};
use crate::contained::contained;
use crate::reactor::Audience;
use crate::report::ErrorContext;
use crate::timers::Timers;
use std::rc::Rc;

/// How a loop ends.
impl Core {
    /// Drops everything that is scheduled. Destructors may ask for more, which is refused, or
    /// withdraw what they own, which must still be there.
    pub(crate) fn close(self: &Rc<Core>) {
        if self.phase.replace(Phase::Closed) == Phase::Closed {
            return;
        }
        self.readers.close();
        self.tasks.all().iter().for_each(|task| task.destroy());
        self.ready.take().into_iter().for_each(|entry| self.discard(entry));
        self.deferred.take().into_iter().for_each(|waker| self.let_go(waker));
        let timers = self.timers.replace(Timers::new(self.clock.now()));
        for timed in timers.into_actions() {
            match timed {
                Timed::Call(handle) => self.discard(Ready::Callback(handle)),
                Timed::Wake(waker) => self.let_go(waker),
            }
        }
        self.remote.close().into_iter().for_each(|order| self.let_go(order));
        self.executor.close();
        self.let_go(self.names.close());
        self.signals.close().into_values().for_each(|handler| self.let_go(handler));
        self.deferred_turns.take();
        for watched in self.reactor.observed() {
            if let Audience::Observer(observed) = &watched.audience {
                self.let_go_by(|| observed.loop_closed());
            }
        }
        self.let_go(self.reactor.close());
        // A handler may own a handle of this loop.
        self.let_go(self.exception_handler.take());
    }

    /// Drops the callback of an entry, which somebody may hold a handle of.
    pub(super) fn discard(self: &Rc<Core>, entry: Ready) {
        if let Ready::Callback(handle) = entry {
            self.let_go(handle.take());
        }
    }

    /// Drops what belongs to others. A destructor that panics is reported, and keeps nothing else
    /// from its end.
    fn let_go<T>(self: &Rc<Core>, value: T) {
        self.let_go_by(|| drop(value));
    }

    fn let_go_by(self: &Rc<Core>, let_go: impl FnOnce()) {
        if let Err(message) = contained(let_go) {
            self.report(&ErrorContext::new("a destructor failed").with_error(message));
        }
    }
}
