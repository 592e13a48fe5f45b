//! mistake: When connection_lost was called, all is thought to be done: socket, registration and protocol
//! stay, as long as somebody holds the transport.
//! rejected by: 5.3 a_lost_connection_gives_everything_back

mod socket_transport {
    mod life {
        impl<S: Stream> SocketTransport<S> {
            pub(super) fn finish(&self, transport: &Rc<dyn Transport>) {
                if self.life.replace(Life::Lost) != Life::Losing {
                    return;
                }
                let error = self.error.take();
                if let Some(protocol) = self.current() {
                    self.notify("connection_lost failed", protocol, |protocol| {
                        protocol.connection_lost(transport, error);
                    });
                }
            }
        }
    }
}
