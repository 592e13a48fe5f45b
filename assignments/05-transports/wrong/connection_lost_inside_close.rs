//! mistake: The end of a connection is told where it is noticed: inside of close and abort, to whom may be
//! in the middle of something.
//! rejected by: 5.3 the_end_is_told_after_the_call_that_causes_it

mod socket_transport {
    mod life {
        impl<S: Stream> SocketTransport<S> {
            pub(super) fn lose(&self, error: Option<ConnectionError>) {
                if self.is_over() {
                    let _ = contained(|| drop(error));
                    return;
                }
                self.life.set(Life::Losing);
                self.error.set(error);
                self.throw_away();
                self.settle();
                self.replace_deadline(None);
                self.finish(&self.lend());
            }
        }
    }
}
