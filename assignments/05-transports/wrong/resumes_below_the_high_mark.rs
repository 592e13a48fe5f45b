//! mistake: There is one mark: the protocol goes on as soon as no more is kept than at the high one.
//! rejected by: 5.2 at_the_low_mark_the_protocol_goes_on_and_not_before

mod socket_transport {
    mod writing {
        impl<S: Stream> SocketTransport<S> {
            fn mind_the_low_mark(&self, transport: &Rc<dyn Transport>) {
                let kept = self.buffer.borrow().len();
                if self.flow.get() != Flow::Paused || kept > self.marks.get().high() {
                    return;
                }
                self.flow.set(Flow::Resumed);
                if let Some(protocol) = self.current() {
                    self.notify("resume_writing failed", protocol, |protocol| {
                        protocol.resume_writing(transport);
                    });
                    self.tell_pause(transport);
                }
            }
        }
    }
}
