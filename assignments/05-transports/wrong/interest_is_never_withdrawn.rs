//! mistake: When all is sent, nobody tells the selector: it goes on to watch for room, which is always
//! there.
//! rejected by: 5.2 room_is_asked_for_only_while_something_is_kept

mod socket_transport {
    mod writing {
        impl<S: Stream> SocketTransport<S> {
            fn after_flush(&self, transport: &Rc<dyn Transport>) {
                self.mind_the_low_mark(transport);
                if self.is_over() {
                    return;
                }
                if !self.buffer.borrow().is_empty() {
                    if self.socket.readiness().is_writable() {
                        self.socket.defer_turn();
                    }
                    return;
                }
                if self.life.get() == Life::Closing {
                    self.lose(None);
                    self.finish(transport);
                } else if self.writing.get() == Writing::Draining {
                    self.send_eof();
                }
            }
        }
    }
}
