//! mistake: What waits is offered from its front again and again until all of it goes at once: its beginning is sent many
//! times.
//! rejected by: 2.3 no_byte_is_sent_twice

mod outbox {
    impl Outbox {
        pub fn flush(&mut self, socket: &impl TryIo) -> io::Result<Poll<()>> {
            if self.is_empty() {
                return Ok(Poll::Ready(()));
            }
            match socket.try_send(&self.bytes)? {
                Poll::Ready(count) if count == self.bytes.len() => {
                    *self = Outbox::default();
                    Ok(Poll::Ready(()))
                }
                _ => Ok(Poll::Pending),
            }
        }
    }
}
