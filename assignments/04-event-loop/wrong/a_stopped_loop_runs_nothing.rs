//! mistake: No round begins while the loop is stopping, also not the first: what is scheduled has no turn in a run that
//! was stopped before it began.
//! rejected by: 4.2 a_loop_that_is_stopped_ends_with_its_round

mod loop_core {
    impl Core {
        fn run_ready(self: &Rc<Core>) {
            let mut done = 0;
            while done < PASS_BUDGET && !self.stopping.get() {
                let round = self.ready.take();
                if round.is_empty() {
                    return;
                }
                done += round.len();
                contained::for_each(round.into_iter(), |next| self.run_one(next));
            }
        }
    }
}
