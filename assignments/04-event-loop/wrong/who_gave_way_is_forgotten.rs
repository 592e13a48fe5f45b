//! mistake: A wait is zero if a callback or a task is ready, and who gives way is in another list: the loop sleeps until
//! its first timer, or for ever, on somebody who could go on.
//! rejected by: 4.2 who_gives_way_goes_on_after_one_look

mod loop_core {
    impl Core {
        fn timeout(&self) -> Option<Duration> {
            if !self.ready.borrow().is_empty() || self.stopping.get() {
                return Some(Duration::ZERO);
            }
            let deadline = self.timers.borrow_mut().next()?;
            Some(deadline.saturating_duration_since(self.clock.now()).min(WAIT_MAX))
        }
    }
}
