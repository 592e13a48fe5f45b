//! mistake: A connection that is lost is told first, though bytes are there that came before.
//! rejected by: 6.2 what_has_come_is_read_before_the_end_is_told

mod inbox {
    impl Inbox {
        pub(crate) fn try_read(&mut self, max: usize) -> Option<ReadResult> {
            if let End::Lost(lost) = &self.end {
                return Some(Err(ReadError::Lost(lost.clone())));
            }
            if max == 0 {
                return Some(Ok(Chunk::default()));
            }
            if !self.buffer.is_empty() {
                return Some(Ok(self.buffer.take(max.min(self.buffer.len()))));
            }
            self.at_end(|_| Ok(Chunk::default()))
        }
    }
}
