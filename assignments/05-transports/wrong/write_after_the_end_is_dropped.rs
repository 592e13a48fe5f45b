//! mistake: What is written to a connection that is over is dropped without a word, as asyncio does.
//! rejected by: 5.3 after_the_end_a_write_is_refused

mod socket_transport {
    mod writing {
        impl<S: Stream> SocketTransport<S> {
            fn write_through(
                &self,
                pieces: &[&[u8]],
                offered: usize,
                send: impl FnOnce(&S) -> io::Result<Poll<usize>>,
            ) -> Result<(), WriteError> {
                if self.is_over() {
                    return Ok(());
                }
                self.check_writable()?;
                let mut sent = 0;
                if offered > 0 && self.buffer.borrow().is_empty() {
                    sent = match self.send_now(offered, send) {
                        Ok(sent) => sent,
                        Err(error) => return Err(self.lost_in_write(error)),
                    };
                }
                if sent < offered || pieces.len() > 1 {
                    self.keep(pieces, sent);
                }
                Ok(())
            }
        }
    }
}
