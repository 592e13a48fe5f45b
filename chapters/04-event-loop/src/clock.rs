use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How late a deadline may be: about thirty years from now. What is later counts as this.
const FAR: Duration = Duration::from_secs(1 << 30);

/// Where a loop reads the time: it never asks anything else (LP-11).
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The monotonic clock of the system.
    #[default]
    System,
    /// Time that a test makes.
    Virtual(VirtualClock),
}

impl Clock {
    /// The time now. It never goes back.
    pub fn now(&self) -> Instant {
        match self {
            Clock::System => Instant::now(),
            Clock::Virtual(clock) => clock.now.get(),
        }
    }

    /// The time at the end of a `delay` that begins now.
    pub(crate) fn after(&self, delay: Duration) -> Instant {
        self.now() + delay.min(FAR)
    }

    /// A wait of this length is over and nothing has ended it early. The system has moved its clock
    /// by itself.
    pub(crate) fn has_waited(&self, length: Duration) {
        if let Clock::Virtual(clock) = self {
            clock.advance(length);
        }
    }
}

/// A clock that stands still while callbacks and tasks run. A wait of its loop moves it by the
/// time-out at once, so that a test of an hour takes no time and always goes the same way.
///
/// Clones share one time.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    start: Instant,
    now: Rc<Cell<Instant>>,
}

impl VirtualClock {
    /// A clock that begins at the present moment.
    #[expect(clippy::new_without_default, reason = "a default value would be taken for a constant")]
    pub fn new() -> VirtualClock {
        let start = Instant::now();
        VirtualClock { start, now: Rc::new(Cell::new(start)) }
    }

    /// Moves the time forward, as a callback does that takes long.
    pub fn advance(&self, length: Duration) {
        self.now.set(self.now.get() + length);
    }

    /// How far the time has moved since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.now.get() - self.start
    }
}
