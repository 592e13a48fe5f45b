//! mistake: What was sent is skipped, and removed when nothing waits any more: for a client that is always a little
//! behind, that is never.
//! rejected by: 2.3 what_was_sent_takes_no_room

mod outbox {
    impl Outbox {
        pub fn flush(&mut self, socket: &impl TryIo) -> io::Result<Poll<()>> {
            if self.is_empty() {
                return Ok(Poll::Ready(()));
            }
            if let Poll::Ready(count) = socket.try_send(&self.bytes[self.sent..])? {
                self.sent += count;
            }
            if self.sent < self.bytes.len() {
                return Ok(Poll::Pending);
            }
            self.bytes.clear();
            self.sent = 0;
            Ok(Poll::Ready(()))
        }
    }
}
