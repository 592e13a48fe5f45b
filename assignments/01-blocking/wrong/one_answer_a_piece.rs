//! mistake: The buffer is asked for one line after each read: the second line of a piece waits for the next
//! read, which may never come.
//! rejected by: 1.3 two_lines_in_one_piece_get_two_answers

mod reply {
    impl Reply for EchoLines {
        fn reply<'a>(
            &mut self,
            received: &'a [u8],
            space: &'a mut Vec<u8>,
        ) -> Result<&'a [u8], LineTooLong> {
            self.lines.push(received);
            if let Some(line) = self.lines.next_line()? {
                space.extend_from_slice(b"Buffer: ");
                space.extend_from_slice(line);
            }
            Ok(space)
        }
    }
}
