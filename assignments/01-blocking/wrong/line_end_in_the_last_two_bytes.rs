//! mistake: The end of a line is looked for in the last two bytes only, as if one read brought one line.
//! The text from which this stage was made does so.
//! rejected by: 1.1 many_lines_in_one_piece_come_one_by_one

mod line_buffer {
    impl LineBuffer {
        pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
            let end = self.bytes.ends_with(b"\r\n").then_some(self.bytes.len());
            if self.bytes.len() - self.start > self.line_max {
                return Err(LineTooLong { line_max: self.line_max });
            }
            let Some(end) = end.filter(|end| *end > self.start) else { return Ok(None) };
            let line = &self.bytes[self.start..end];
            (self.start, self.searched) = (end, end);
            Ok(Some(line))
        }
    }
}
