//! mistake: A read that needs more than may be kept waits for a transport that waits for it.
//! rejected by: 6.2 who_waits_for_more_lifts_the_pause

mod stream_reader {
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
            }
            if self.stream.has_become_low() {
                self.transport.resume_reading();
            }
            read.map_or(Poll::Pending, Poll::Ready)
        }
    }
}
