//! mistake: To close is to be done with it: what was written and not sent is thrown away.
//! rejected by: 5.3 close_sends_what_was_written_and_receives_no_more

mod socket_transport {
    mod life {
        impl<S: Stream> SocketTransport<S> {
            pub(super) fn begin_closing(&self) {
                if self.life.get() == Life::Open {
                    self.lose(None);
                }
            }
        }
    }
}
