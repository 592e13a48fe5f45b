//! mistake: A waker puts its task into the queue of whichever loop runs in this thread: of two loops, the one polls a
//! stranger, and the other's task waits on.
//! rejected by: 4.3 a_task_is_woken_in_the_loop_that_it_is_of

mod task {
    impl Wake for TaskWaker {
        fn wake_by_ref(self: &Arc<TaskWaker>) {
            if self.queued.swap(true, Ordering::AcqRel) {
                return;
            }
            if with_running(|core| core.make_ready(self.key)).is_none() {
                let _ = self.remote.send(Order::Wake(self.key));
            }
        }
    }
}
