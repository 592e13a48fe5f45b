//! mistake: The limit is looked at when a line is found. A line without an end is never found.
//! rejected by: 1.1 a_line_without_an_end_is_refused_at_the_limit

mod line_buffer {
    impl LineBuffer {
        pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
            let found = self.bytes[self.searched..].windows(2).position(|pair| pair == b"\r\n");
            let Some(offset) = found else {
                self.searched = self.bytes.len().saturating_sub(1).max(self.start);
                return Ok(None);
            };
            let end = self.searched + offset + 2;
            if end - self.start > self.line_max {
                return Err(LineTooLong { line_max: self.line_max });
            }
            let line = &self.bytes[self.start..end];
            (self.start, self.searched) = (end, end);
            Ok(Some(line))
        }
    }
}
