//! mistake: Who has left a waker once leaves no other one: a future that has moved to another task wakes the one that it
//! was in. The same in three places.
//! rejected by: 4.4 the_last_waker_is_the_one_that_counts

mod async_socket {
    impl<S, F> Operation<'_, S, F> {
        fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
            if self.number.is_some() {
                return Poll::Pending;
            }
            let AsyncSocket { core, watched, token, .. } = self.socket;
            match core.reactor.wait_for(*token, watched, self.direction, context.waker()) {
                Ok(number) => {
                    self.number = Some(number);
                    Poll::Pending
                }
                Err(error) => Poll::Ready(Err(error)),
            }
        }
    }
}

mod future_cell {
    impl<T: Clone + 'static> Future for Waiting<T> {
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            if self.cell.is_done() {
                return Poll::Ready(self.cell.result());
            }
            if self.number.is_none() {
                let number = self.cell.shared.new_number();
                self.number = Some(number);
                let entry = Waiter::Task(context.waker().clone());
                self.cell.shared.waiters.borrow_mut().insert(number, entry);
            }
            Poll::Pending
        }
    }
}

mod task {
    impl<T: Outcome> Task<T> {
        pub(crate) fn poll_outcome(&self, waker: &Waker) -> Poll<Option<Result<T, JoinError>>> {
            if let State::Pending { joiner, .. } = &mut *self.state.borrow_mut() {
                joiner.get_or_insert_with(|| waker.clone());
                return Poll::Pending;
            }
            Poll::Ready(self.take_outcome())
        }
    }
}
