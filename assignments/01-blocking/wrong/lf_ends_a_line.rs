//! mistake: A line ends with `\n`, as files have it, and the `\r` before it is taken for granted.
//! rejected by: 1.1 a_lone_cr_or_lf_ends_no_line

mod line_buffer {
    impl LineBuffer {
        pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
            let found = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n');
            let end = found.map(|offset| self.searched + offset + 1);
            if end.unwrap_or(self.bytes.len()) - self.start > self.line_max {
                return Err(LineTooLong { line_max: self.line_max });
            }
            let Some(end) = end else {
                self.searched = self.bytes.len();
                return Ok(None);
            };
            let line = &self.bytes[self.start..end];
            (self.start, self.searched) = (end, end);
            Ok(Some(line))
        }
    }
}
