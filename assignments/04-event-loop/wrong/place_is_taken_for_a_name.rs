//! mistake: A key names a place and nothing else: who cancels a timer twice cancels the one that has come into its place.
//! rejected by: 4.1 a_cancelled_timer_is_gone_at_once

mod timers {
    impl<A> Timers<A> {
        pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<A> {
            let (_, action) = self.alive.try_remove(key.place as usize)?;
            if self.heap.len() > SWEEP_MIN && self.alive.len() < self.heap.len() / 2 {
                self.heap.retain(|entry| is_alive(&self.alive, entry.key));
            }
            Some(action)
        }
    }
}
