//! mistake: Each call searches the whole line again: a line that comes byte by byte costs the square of its
//! length.
//! rejected by: 1.1 a_long_line_is_searched_once

mod line_buffer {
    impl LineBuffer {
        pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
            let found = self.bytes[self.start..].windows(2).position(|pair| pair == b"\r\n");
            let end = found.map(|offset| self.start + offset + 2);
            if end.unwrap_or(self.bytes.len()) - self.start > self.line_max {
                return Err(LineTooLong { line_max: self.line_max });
            }
            let Some(end) = end else { return Ok(None) };
            let line = &self.bytes[self.start..end];
            (self.start, self.searched) = (end, end);
            Ok(Some(line))
        }
    }
}
