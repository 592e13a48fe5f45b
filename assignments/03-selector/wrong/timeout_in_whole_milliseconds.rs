//! mistake: epoll counts in milliseconds, so the timeout is cut to whole ones: the last part of each is zero.
//! rejected by: 3.2 a_wait_is_handed_on_as_it_is_asked_for

mod selector {
    impl<S, D> Selector<S, D> {
        pub fn select(
            &mut self,
            events: &mut Vec<Event>,
            timeout: Option<Duration>,
        ) -> io::Result<()> {
            events.clear();
            let timeout = if self.waker.is_pending() { Some(Duration::ZERO) } else { timeout };
            let timeout = timeout.map(|timeout| Duration::from_millis(timeout.as_millis() as u64));
            let outcome = self.backend.wait(events, self.slots.len(), timeout);
            self.waker.seen();
            outcome?;
            if events.iter().any(|event| event.readiness.is_read_closed()) {
                events.retain_mut(|event| {
                    let interest = find(&mut self.slots, event.token).map(|slot| slot.interest);
                    event.readiness = event.readiness.within(interest.unwrap_or_default());
                    event.readiness != Readiness::NONE
                });
            }
            Ok(())
        }
    }
}
