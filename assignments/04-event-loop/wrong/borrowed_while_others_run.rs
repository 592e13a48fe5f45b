//! mistake: What is gone through is borrowed while wakers run, in the head of a `while let`: who is woken and sets a
//! timer, or gives up a wait, finds a panic. The same in two places.
//! rejected by: 4.2 who_is_woken_by_a_timer_may_set_another

mod loop_core {
    impl Core {
        fn take_timers(self: &Rc<Core>) {
            let now = self.clock.now();
            while let Some(timed) = self.timers.borrow_mut().take_due(now) {
                let _ = contained(|| match timed {
                    Timed::Wake(waker) => waker.wake(),
                    Timed::Call(handle) => self.schedule(handle),
                });
            }
        }
    }
}

mod future_cell {
    impl<T: 'static> FutureCell<T> {
        fn finish(&self, end: State<T>) -> Result<(), AlreadyDone> {
            if self.is_done() {
                return Err(AlreadyDone);
            }
            drop(self.shared.state.replace(end));
            while let Some((_, waiter)) = self.shared.waiters.borrow_mut().pop_first() {
                let _ = contained::contained(|| match waiter {
                    Waiter::Task(waker) => waker.wake(),
                    Waiter::Callback(callback) => self.call_soon(callback),
                });
            }
            Ok(())
        }
    }
}
