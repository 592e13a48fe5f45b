//! mistake: A cancelled timer stays in the heap until its deadline: it ends a wait for nothing, and a storm of time-outs
//! that are set and cancelled fills the memory.
//! rejected by: 4.1 cancelled_timers_take_no_room

mod timers {
    impl<A> Timers<A> {
        pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<A> {
            if !is_alive(&self.alive, key) {
                return None;
            }
            Some(self.alive.remove(key.place as usize).1)
        }

        pub(crate) fn next(&mut self) -> Option<Instant> {
            let nanoseconds = self.heap.peek()?.deadline;
            Some(self.origin + std::time::Duration::from_nanos(nanoseconds))
        }
    }
}
