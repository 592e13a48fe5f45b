//! mistake: Deadlines are counted in whole milliseconds: a timer is due up to one of them before its time.
//! rejected by: 4.1 a_timer_is_due_at_its_deadline_and_not_before

mod timers {
    impl<A> Timers<A> {
        fn nanoseconds(&self, deadline: Instant) -> u64 {
            let since = deadline.saturating_duration_since(self.origin);
            since.as_millis() as u64 * 1_000_000
        }
    }
}
