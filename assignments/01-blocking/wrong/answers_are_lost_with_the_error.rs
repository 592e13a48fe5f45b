//! mistake: Answers are collected apart and handed over at the end, which an error does not come to.
//! rejected by: 1.3 what_came_before_a_line_too_long_is_answered

mod reply {
    impl Reply for EchoLines {
        fn reply<'a>(
            &mut self,
            received: &'a [u8],
            space: &'a mut Vec<u8>,
        ) -> Result<&'a [u8], LineTooLong> {
            self.lines.push(received);
            let mut answers = Vec::new();
            while let Some(line) = self.lines.next_line()? {
                answers.extend_from_slice(b"Buffer: ");
                answers.extend_from_slice(line);
            }
            space.extend_from_slice(&answers);
            Ok(space)
        }
    }
}
