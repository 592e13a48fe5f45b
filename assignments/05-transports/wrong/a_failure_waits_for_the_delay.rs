//! mistake: Attempts start by the clock alone: when one has failed, the next one waits for the rest of
//! the delay.
//! rejected by: 5.5 the_next_attempt_starts_at_a_failure_or_after_the_delay

mod happy_eyeballs {
    impl<A, P, E> HappyEyeballs<A, P, E> {
        pub fn failed(mut self, attempt: Attempt, error: E) -> Result<Self, Vec<E>> {
            self.attempts[attempt.0] = State::Failed(error);
            if self.delay.is_none() {
                self.next = Next::Now;
            }
            let is_running = self.running_mut().next().is_some();
            if is_running || !self.addresses.as_slice().is_empty() {
                return Ok(self);
            }
            let error = |state| match state {
                State::Failed(error) => Some(error),
                State::Running(_) => None,
            };
            Err(self.attempts.into_iter().filter_map(error).collect())
        }
    }
}
