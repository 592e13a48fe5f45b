//! mistake: The mark is taken away before the wait: a wake-up that ends the wait sets it again, and it stays.
//! rejected by: 3.2 many_wake_ups_are_one_call_and_none_is_lost

mod selector {
    impl<S, D> Selector<S, D> {
        pub fn select(
            &mut self,
            events: &mut Vec<Event>,
            timeout: Option<Duration>,
        ) -> io::Result<()> {
            events.clear();
            let timeout = if self.waker.is_pending() { Some(Duration::ZERO) } else { timeout };
            self.waker.seen();
            self.backend.wait(events, self.slots.len(), timeout)?;
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
