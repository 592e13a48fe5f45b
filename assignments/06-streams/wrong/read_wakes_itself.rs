//! mistake: A read that has found nothing wakes its own task a few times, in case something comes soon.
//! rejected by: 6.2 a_read_is_woken_by_what_comes_and_by_nothing_else

mod stream_reader {
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[added]
    static TIMES: AtomicUsize = AtomicUsize::new(0);

    impl StreamReader {
        fn poll_for<T>(
            &self,
            gave_way: &mut GaveWay,
            context: &mut Context<'_>,
            attempt: &mut impl FnMut(&mut Inbox) -> Option<T>,
        ) -> Poll<T> {
            if !self.stream.event_loop.may_go_on(gave_way, context) {
                return Poll::Pending;
            }
            let read = attempt(&mut self.stream.inbox().borrow_mut());
            if read.is_none() {
                self.stream.wait_for_arrival(context);
                if TIMES.fetch_add(1, Ordering::Relaxed) < 10 {
                    context.waker().wake_by_ref();
                }
            }
            if self.stream.has_become_low() || read.is_none() && self.stream.takes_back_its_pause()
            {
                self.transport.resume_reading();
            }
            read.map_or(Poll::Pending, Poll::Ready)
        }
    }
}
