//! mistake: The bytes that came before the end of file are dropped with the read that was not
//! content with them.
//! rejected by: 6.3 a_number_that_is_not_reached_gives_what_there_was

mod inbox {
    impl Inbox {
        pub(crate) fn try_read_exactly(&mut self, count: usize) -> Option<ReadResult> {
            if self.buffer.len() >= count {
                return Some(Ok(self.buffer.take(count)));
            }
            self.at_end(|buffer| {
                buffer.take_all();
                Err(ReadError::Incomplete { partial: Vec::new(), expected: Some(count) })
            })
        }
    }
}
