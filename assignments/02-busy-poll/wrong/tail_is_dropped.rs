//! mistake: `send` is thought to take all or nothing: what the kernel has not taken of a piece is lost.
//! rejected by: 2.3 the_tail_of_a_short_send_is_sent_later

mod outbox {
    impl Outbox {
        pub fn send(&mut self, socket: &impl TryIo, bytes: &[u8]) -> io::Result<()> {
            if self.is_empty() && socket.try_send(bytes)?.is_ready() {
                return Ok(());
            }
            self.bytes.extend_from_slice(bytes);
            Ok(())
        }
    }
}
