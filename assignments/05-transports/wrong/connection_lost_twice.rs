//! mistake: Each cause schedules a call of connection_lost, and none looks whether another one has done so:
//! who closes and aborts is told twice.
//! rejected by: 5.3 the_end_is_told_once

mod socket_transport {
    mod life {
        impl<S: Stream> SocketTransport<S> {
            pub(super) fn lose(&self, error: Option<ConnectionError>) {
                self.life.set(Life::Losing);
                self.throw_away();
                self.settle();
                self.replace_deadline(None);
                let (transport, protocol) = (self.this.upgrade(), self.current());
                let tell = move || {
                    let (Some(transport), Some(protocol)) = (transport, protocol) else { return };
                    let lent: Rc<dyn Transport> = transport.clone();
                    transport.notify("connection_lost failed", protocol, |protocol| {
                        protocol.connection_lost(&lent, error);
                    });
                    transport.life.set(Life::Lost);
                    transport.let_go();
                };
                let _ = self.event_loop.call_soon(tell);
            }

            /// Everything is scheduled already.
            pub(super) fn finish(&self, _: &Rc<dyn Transport>) {}
        }
    }
}
