use chapter_01::Log;
use std::io;
use std::time::{Duration, Instant};

/// How long a server leaves its listener alone when no descriptor is left.
pub const BACK_OFF: Duration = Duration::from_millis(250);

// Whoever waits is served within a second of a descriptor that is free again.
const _: () = assert!(BACK_OFF.as_millis() < 1000 && BACK_OFF.as_millis() > 50);

/// The pause of a server that cannot accept because no descriptor is left.
///
/// The clients wait in the kernel's queue, so the listener stays readable: without a pause the
/// server would ask, and fail, as fast as it can. A descriptor may become free anywhere in the
/// process, so nothing but time tells when to ask again.
#[derive(Debug, Default)]
pub(crate) struct BackOff {
    until: Option<Instant>,
    /// A shortage is reported once, not at each attempt.
    reported: bool,
}

impl BackOff {
    /// Begins a pause, or the next one of the same shortage.
    pub(crate) fn begin(&mut self, now: Instant, error: &io::Error) {
        if !self.reported {
            Log::report(format_args!(
                "cannot accept: {error}; clients wait, trying again every {BACK_OFF:?}"
            ));
        }
        self.reported = true;
        self.until = Some(now + BACK_OFF);
    }

    /// Ends a pause early: a descriptor has become free here.
    pub(crate) fn cut_short(&mut self, clock: impl FnOnce() -> Instant) {
        if self.until.is_some() {
            self.until = Some(clock());
        }
    }

    /// The shortage is over: everybody who waited is accepted.
    pub(crate) fn end(&mut self) {
        self.reported = false;
    }

    /// Whether the pause lasts.
    pub(crate) fn is_on(&self) -> bool {
        self.until.is_some()
    }

    /// How much of the pause is left; `None` if there is none. The clock is read only during a
    /// pause.
    pub(crate) fn remaining(&self, clock: impl FnOnce() -> Instant) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(clock()))
    }

    /// Says once that a pause is over.
    pub(crate) fn take_elapsed(&mut self, clock: impl FnOnce() -> Instant) -> bool {
        let elapsed = self.remaining(clock) == Some(Duration::ZERO);
        if elapsed {
            self.until = None;
        }
        elapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_once_and_not_early() {
        let start = Instant::now();
        let mut back_off = BackOff::default();
        assert_eq!(back_off.remaining(|| unreachable!()), None);
        back_off.begin(start, &io::ErrorKind::Other.into());
        let moment = Duration::from_nanos(1);
        assert_eq!(back_off.remaining(|| start + BACK_OFF - moment), Some(moment));
        assert!(!back_off.take_elapsed(|| start + BACK_OFF - moment));
        assert!(back_off.take_elapsed(|| start + BACK_OFF));
        back_off.begin(start, &io::ErrorKind::Other.into());
        back_off.cut_short(|| start);
        assert!(back_off.take_elapsed(|| start));
        back_off.cut_short(|| unreachable!());
        assert!(!back_off.take_elapsed(|| unreachable!()));
        assert!(!back_off.is_on());
    }

    /// One line for a shortage, however many attempts it outlasts, and one for the next shortage.
    #[test]
    fn a_shortage_is_reported_until_it_is_over() {
        let mut back_off = BackOff::default();
        for _ in 0..2 {
            back_off.begin(Instant::now(), &io::ErrorKind::Other.into());
            assert!(back_off.reported);
        }
        back_off.end();
        assert!(!back_off.reported);
    }
}
