//! mistake: Who pauses is not watched for any more, and that is all: what else looks whether something is
//! wanted finds that it is.
//! rejected by: 5.4 what_comes_while_reading_is_paused_waits

mod socket_transport {
    mod reading {
        use chapter_03::Interest;

        impl<S: Stream> ReadTransport for SocketTransport<S> {
            fn pause_reading(&self) {
                let writes = !self.buffer.borrow().is_empty();
                let _ = self.socket.want(Interest::WRITE.when(writes));
            }
        }
    }
}
