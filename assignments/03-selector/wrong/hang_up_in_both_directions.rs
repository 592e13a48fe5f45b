//! mistake: What the kernel reports is handed on as it is, also what nobody has asked for.
//! rejected by: 3.2 a_hang_up_is_told_as_it_was_asked_for

mod selector {
    impl<S, D> Selector<S, D> {
        pub fn select(
            &mut self,
            events: &mut Vec<Event>,
            timeout: Option<Duration>,
        ) -> io::Result<()> {
            events.clear();
            let timeout = if self.waker.is_pending() { Some(Duration::ZERO) } else { timeout };
            let outcome = self.backend.wait(events, self.slots.len(), timeout);
            self.waker.seen();
            outcome
        }
    }
}
