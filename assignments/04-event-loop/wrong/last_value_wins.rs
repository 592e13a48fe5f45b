//! mistake: A future that is set again takes the new value, and one that was cancelled comes back to life: who asked
//! early and who asks late have different answers.
//! rejected by: 4.5 a_future_is_set_once

mod future_cell {
    impl<T: 'static> FutureCell<T> {
        fn finish(&self, end: State<T>) -> Result<(), AlreadyDone> {
            drop(self.shared.state.replace(end));
            contained::for_each(self.shared.waiters.take().into_values(), |waiter| match waiter {
                Waiter::Task(waker) => waker.wake(),
                Waiter::Callback(callback) => self.call_soon(callback),
            });
            Ok(())
        }
    }
}
