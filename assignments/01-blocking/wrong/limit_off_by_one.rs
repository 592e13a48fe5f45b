//! mistake: The longest line that is allowed counts as too long.
//! rejected by: 1.1 a_line_of_the_limit_passes_and_one_byte_more_does_not

mod line_buffer {
    impl LineBuffer {
        pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
            let found = self.bytes[self.searched..].windows(2).position(|pair| pair == b"\r\n");
            let end = found.map(|offset| self.searched + offset + 2);
            if end.unwrap_or(self.bytes.len()) - self.start + 1 > self.line_max {
                return Err(LineTooLong { line_max: self.line_max });
            }
            let Some(end) = end else {
                self.searched = self.bytes.len().saturating_sub(1).max(self.start);
                return Ok(None);
            };
            let line = &self.bytes[self.start..end];
            (self.start, self.searched) = (end, end);
            Ok(Some(line))
        }
    }
}
