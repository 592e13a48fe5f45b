//! mistake: The flag that says "in the queue already" is cleared when the poll is over: a wake-up during the poll finds
//! it set, and is lost.
//! rejected by: 4.3 a_wake_up_while_the_task_is_polled_is_not_lost

mod task {
    impl<T: Outcome> Step for Task<T> {
        fn step(&self) {
            let Some(mut body) = self.body.take() else { return };
            if self.cancelled.get() {
                return self.drop_body(Some(body));
            }
            let mut context = Context::from_waker(&self.waker);
            let polled = contained(|| body.as_mut().poll(&mut context));
            self.task_waker.queued.store(false, Ordering::Release);
            match polled {
                Ok(Poll::Pending) => drop(self.body.replace(Some(body))),
                Ok(Poll::Ready(_)) if self.cancelled.get() => {
                    self.end(contained(|| drop(body)), JoinError::Cancelled);
                }
                Ok(Poll::Ready(value)) => {
                    drop(body);
                    self.finish(Ok(value));
                }
                Err(message) => {
                    let _ = contained(|| drop(body));
                    self.finish(Err(JoinError::Panicked(message)));
                }
            }
        }
    }
}
