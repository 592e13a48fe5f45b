//! mistake: A pause that is over is said to be over at each look: what remains of it is zero from then on, and
//! zero is a timeout that does not wait.
//! rejected by: 3.4 a_pause_ends_once_and_not_early

mod back_off {
    impl BackOff {
        pub(crate) fn take_elapsed(&mut self, clock: impl FnOnce() -> Instant) -> bool {
            self.remaining(clock) == Some(Duration::ZERO)
        }
    }
}
