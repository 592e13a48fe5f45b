//! mistake: A pass goes on as long as anything is ready, also what was scheduled in it: two callbacks that schedule each
//! other keep the loop from its sockets for ever.
//! rejected by: 4.2 callbacks_without_end_do_not_keep_the_kernel_waiting

mod loop_core {
    impl Core {
        fn run_ready(self: &Rc<Core>) {
            loop {
                let round = self.ready.take();
                if round.is_empty() || self.stopping.get() {
                    return;
                }
                contained::for_each(round.into_iter(), |next| self.run_one(next));
            }
        }
    }
}
