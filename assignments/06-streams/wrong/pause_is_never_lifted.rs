//! mistake: The transport is paused, and nobody has it go on: what is there can be read, and then
//! comes nothing more.
//! rejected by: 6.2 reading_pauses_above_the_mark_and_goes_on_at_half_of_it

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
            read.map_or(Poll::Pending, Poll::Ready)
        }
    }
}
