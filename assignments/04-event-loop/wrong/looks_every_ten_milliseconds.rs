//! mistake: No wait is longer than ten milliseconds, so that nothing is missed: a loop that has nothing to do wakes up a
//! hundred times a second to find that out.
//! rejected by: 4.2 a_wait_ends_with_the_first_timer_and_not_before

mod loop_core {
    impl Core {
        fn timeout(&self) -> Option<Duration> {
            const TICK: Duration = Duration::from_millis(10);
            let busy = !self.ready.borrow().is_empty()
                || !self.deferred.borrow().is_empty()
                || !self.deferred_turns.borrow().is_empty();
            if busy || self.stopping.get() {
                return Some(Duration::ZERO);
            }
            let deadline = self.timers.borrow_mut().next();
            let left =
                deadline.map(|deadline| deadline.saturating_duration_since(self.clock.now()));
            Some(left.map_or(TICK, |left| left.min(TICK)))
        }
    }
}
