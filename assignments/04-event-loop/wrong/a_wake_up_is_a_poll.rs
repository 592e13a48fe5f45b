//! mistake: A waker polls its task itself, in the middle of whatever the one who wakes is doing; and each wake-up is a
//! poll.
//! rejected by: 4.3 many_wake_ups_are_one_poll_in_the_next_turn

mod task {
    impl Wake for TaskWaker {
        fn wake_by_ref(self: &Arc<TaskWaker>) {
            let here = with_running(|core| core.remote.is(&self.remote).then(|| Rc::clone(core)));
            let Some(core) = here.flatten() else {
                let _ = self.remote.send(Order::Wake(self.key));
                return;
            };
            if let Some(task) = core.tasks.get(self.key) {
                task.step();
            }
        }
    }
}
