//! mistake: Another thread wakes the loop first and puts its order into the list then: if the loop is faster, it finds
//! nothing and sleeps on the order.
//! rejected by: 4.2 what_another_thread_asks_for_ends_the_wait

mod remote {
    impl Remote {
        pub(crate) fn send(&self, order: Order) -> Result<(), LoopClosed> {
            self.shared.selector.wake();
            self.orders().as_mut().ok_or(LoopClosed)?.push_back(order);
            self.shared.pending.store(true, Ordering::Release);
            Ok(())
        }
    }
}
