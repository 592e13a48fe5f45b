//! mistake: A task that is done stays in the table, and its future in the task: a wake-up that comes late polls what is
//! over.
//! rejected by: 4.3 a_finished_future_is_never_polled_again

mod task {
    impl<T: Outcome> Task<T> {
        fn finish(&self, outcome: Result<T, JoinError>) {
            let state = self.state.replace(State::Done(outcome));
            if let State::Pending { joiner, callbacks } = state {
                contained::for_each(joiner.into_iter(), Waker::wake);
                callbacks.into_iter().for_each(|callback| self.call_soon(callback));
            }
        }
    }

    impl<T: Outcome> Step for Task<T> {
        fn step(&self) {
            self.task_waker.queued.store(false, Ordering::Release);
            let Some(mut body) = self.body.take() else { return };
            if self.cancelled.get() {
                return self.drop_body(Some(body));
            }
            let mut context = Context::from_waker(&self.waker);
            let polled = contained(|| body.as_mut().poll(&mut context));
            self.body.replace(Some(body));
            match polled {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(_)) if self.cancelled.get() => {
                    self.finish(Err(JoinError::Cancelled));
                }
                Ok(Poll::Ready(value)) => self.finish(Ok(value)),
                Err(message) => self.finish(Err(JoinError::Panicked(message))),
            }
        }
    }
}
