//! mistake: What a send has not taken is kept only if it has taken nothing: the rest of a short write
//! is lost.
//! rejected by: 5.1 what_the_kernel_takes_is_gone_and_the_rest_is_kept

mod socket_transport {
    mod writing {
        impl<S: Stream> SocketTransport<S> {
            fn write_through(
                &self,
                pieces: &[&[u8]],
                offered: usize,
                send: impl FnOnce(&S) -> io::Result<Poll<usize>>,
            ) -> Result<(), WriteError> {
                self.check_writable()?;
                let mut sent = 0;
                if offered > 0 && self.buffer.borrow().is_empty() {
                    sent = match self.send_now(offered, send) {
                        Ok(sent) => sent,
                        Err(error) => return Err(self.lost_in_write(error)),
                    };
                }
                if offered > 0 && sent == 0 {
                    self.keep(pieces, 0);
                }
                Ok(())
            }
        }
    }
}
