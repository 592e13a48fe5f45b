//! mistake: Each pass runs one round: between two links of a chain of callbacks the kernel is asked for news, in vain.
//! rejected by: 4.2 what_is_scheduled_runs_in_rounds

mod loop_core {
    impl Core {
        fn run_ready(self: &Rc<Core>) {
            let mut round = self.ready.replace(self.spare.take());
            contained::for_each(round.drain(..), |next| self.run_one(next));
            self.spare.set(round);
        }
    }
}
