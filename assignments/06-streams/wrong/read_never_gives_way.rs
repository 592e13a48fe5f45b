//! mistake: A read that finds something never asks whether it is the turn of the others.
//! rejected by: 6.2 who_reads_without_rest_leaves_the_others_their_turn

mod stream_reader {
    impl StreamReader {
        fn poll_for<T>(
            &self,
            _gave_way: &mut GaveWay,
            context: &mut Context<'_>,
            attempt: &mut impl FnMut(&mut Inbox) -> Option<T>,
        ) -> Poll<T> {
            let read = attempt(&mut self.stream.inbox().borrow_mut());
            if read.is_none() {
                self.stream.wait_for_arrival(context);
            }
            if self.stream.has_become_low() || read.is_none() && self.stream.takes_back_its_pause()
            {
                self.transport.resume_reading();
            }
            read.map_or(Poll::Pending, Poll::Ready)
        }
    }
}
