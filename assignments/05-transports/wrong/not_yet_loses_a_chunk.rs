//! mistake: A chunk is taken out of the buffer before it is sent: if the kernel says "not yet", it is
//! nowhere.
//! rejected by: 5.2 what_was_kept_is_sent_as_there_is_room

mod write_buffer {
    impl WriteBuffer {
        pub(crate) fn send(
            &mut self,
            socket: &impl Stream,
            readiness: &mut Readiness,
        ) -> io::Result<()> {
            let mut chunk = self.chunks.pop_front().unwrap_or_default();
            chunk.drain(..std::mem::take(&mut self.sent));
            self.len -= chunk.len();
            match socket.try_send(&chunk)? {
                Poll::Ready(count) if count < chunk.len() => {
                    readiness.after_partial_send();
                    chunk.drain(..count);
                    self.len += chunk.len();
                    self.chunks.push_front(chunk);
                }
                Poll::Ready(_) => {}
                Poll::Pending => readiness.after_partial_send(),
            }
            Ok(())
        }
    }
}
