//! mistake: To abort is thought to be another word for to close: what is kept is sent first.
//! rejected by: 5.3 abort_throws_away_what_was_not_sent

mod socket_transport {
    mod life {
        impl<S: Stream> SocketTransport<S> {
            pub(super) fn lose(&self, error: Option<ConnectionError>) {
                if error.is_none() && !self.buffer.borrow().is_empty() {
                    return self.begin_closing();
                }
                if self.is_over() {
                    let _ = contained(|| drop(error));
                    return;
                }
                self.life.set(Life::Losing);
                self.error.set(error);
                self.settle();
                self.replace_deadline(None);
                self.socket.schedule_turn();
            }
        }
    }
}
