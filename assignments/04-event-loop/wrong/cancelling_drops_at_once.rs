//! mistake: `cancel` drops the future itself, in the middle of whatever the one who cancels is doing.
//! rejected by: 4.5 a_cancelled_task_ends_in_its_next_turn

mod task {
    impl<T: Outcome> Task<T> {
        pub(crate) fn cancel(&self) -> bool {
            let pending = self.is_pending();
            if pending {
                self.cancelled.set(true);
                match self.body.take() {
                    Some(body) => self.drop_body(body),
                    None => self.task_waker.wake_by_ref(),
                }
            }
            pending
        }
    }
}
