use crate::loop_core::Core;
use crate::timers::TimerKey;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;
use std::rc::{Rc, Weak};
use std::time::Instant;

/// A callback that was scheduled, and can be cancelled until it runs.
///
/// Dropping a handle changes nothing: the loop keeps the callback.
#[doc(alias = "TimerHandle")]
#[derive(Clone)]
pub struct Handle {
    callback: Rc<Callback>,
}

struct Callback {
    run: RefCell<Option<Box<dyn FnOnce()>>>,
    cancelled: Cell<bool>,
    /// The line that scheduled it, for reports.
    place: &'static Location<'static>,
    timer: Cell<Option<Timer>>,
    core: Weak<Core>,
}

#[derive(Clone, Copy)]
struct Timer {
    deadline: Instant,
    key: TimerKey,
}

impl Handle {
    pub(crate) fn new(
        core: &Rc<Core>,
        run: Box<dyn FnOnce()>,
        place: &'static Location<'static>,
    ) -> Handle {
        let callback = Callback {
            run: RefCell::new(Some(run)),
            cancelled: Cell::new(false),
            place,
            timer: Cell::new(None),
            core: Rc::downgrade(core),
        };
        Handle { callback: Rc::new(callback) }
    }

    /// Takes back the callback. What it owns is dropped now; a callback that has run or is running
    /// stays as it is (LP-09).
    pub fn cancel(&self) {
        let run = self.callback.run.borrow_mut().take();
        if run.is_some() {
            self.callback.cancelled.set(true);
        }
        if let (Some(Timer { key, .. }), Some(core)) =
            (self.callback.timer.get(), self.callback.core.upgrade())
        {
            core.cancel_timer(key);
        }
    }

    /// Whether it was cancelled before it ran.
    pub fn is_cancelled(&self) -> bool {
        self.callback.cancelled.get()
    }

    /// When it is due, for a callback with a time.
    pub fn when(&self) -> Option<Instant> {
        self.callback.timer.get().map(|timer| timer.deadline)
    }

    /// The line of the program that scheduled it.
    pub fn place(&self) -> &'static Location<'static> {
        self.callback.place
    }

    pub(crate) fn set_timer(&self, deadline: Instant, key: TimerKey) {
        self.callback.timer.set(Some(Timer { deadline, key }));
    }

    /// The callback, if it was neither cancelled nor taken before.
    pub(crate) fn take(&self) -> Option<Box<dyn FnOnce()>> {
        self.callback.run.borrow_mut().take()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("place", &format_args!("{}", self.place()))
            .field("cancelled", &self.is_cancelled())
            .field("when", &self.when())
            .finish()
    }
}
