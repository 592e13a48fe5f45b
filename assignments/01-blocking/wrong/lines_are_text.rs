//! mistake: A line is made a `String`, and what is no UTF-8 becomes question marks.
//! rejected by: 1.3 each_line_gets_its_answer_when_it_is_whole

mod reply {
    impl Reply for EchoLines {
        fn reply<'a>(
            &mut self,
            received: &'a [u8],
            space: &'a mut Vec<u8>,
        ) -> Result<&'a [u8], LineTooLong> {
            self.lines.push(received);
            while let Some(line) = self.lines.next_line()? {
                let line = String::from_utf8_lossy(line);
                space.extend_from_slice(format!("Buffer: {line}").as_bytes());
            }
            Ok(space)
        }
    }
}
