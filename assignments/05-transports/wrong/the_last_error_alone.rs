//! mistake: Of all errors the last one is given: why the others have failed, nobody gets to know.
//! rejected by: 5.5 when_all_have_failed_every_error_is_told

mod happy_eyeballs {
    impl<A, P, E> HappyEyeballs<A, P, E> {
        pub fn failed(mut self, attempt: Attempt, error: E) -> Result<Self, Vec<E>> {
            let is_latest = attempt.0 + 1 == self.attempts.len();
            let others = self.running_mut().count() - 1;
            if others == 0 && self.addresses.as_slice().is_empty() {
                return Err(vec![error]);
            }
            self.attempts[attempt.0] = State::Failed(error);
            if is_latest {
                self.next = Next::Now;
            }
            Ok(self)
        }
    }
}
