//! mistake: What was searched is not searched again, but for its last byte, which may be the `\r` of a `\n`
//! that is still to come: here that byte is passed over, too.
//! rejected by: 1.1 a_line_comes_whole_however_it_is_cut

mod line_buffer {
    impl LineBuffer {
        pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
            let found = self.bytes[self.searched..].windows(2).position(|pair| pair == b"\r\n");
            let end = found.map(|offset| self.searched + offset + 2);
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
