//! mistake: The protocol is paused at the high mark, which is still allowed.
//! rejected by: 5.1 above_the_high_mark_the_protocol_is_paused_once

mod socket_transport {
    mod writing {
        impl<S: Stream> SocketTransport<S> {
            fn mind_the_high_mark(&self) {
                let kept = self.buffer.borrow().len();
                if self.flow.get() == Flow::Resumed && kept >= self.marks.get().high() {
                    self.flow.set(Flow::PauseDue);
                    self.tell_pause(&self.lend());
                }
            }
        }
    }
}
