//! mistake: The error says how many bytes are there, and who reads them reads the beginning of the
//! separator.
//! rejected by: 6.4 a_separator_that_does_not_come_is_given_up_at_the_limit

mod inbox {
    impl Inbox {
        pub(crate) fn try_read_until(&mut self, search: &mut Search<'_>) -> Option<ReadResult> {
            let found = search.find(&self.buffer);
            let before = found.map_or(search.looked(), |found| found.start);
            if before > self.limits.line_max() {
                let consumed = found.map_or(self.buffer.len(), |found| found.start);
                return Some(Err(ReadError::LimitOverrun { consumed, found: found.is_some() }));
            }
            if let Some(found) = found {
                return Some(Ok(self.buffer.take(found.end)));
            }
            let incomplete = |partial| ReadError::Incomplete { partial, expected: None };
            self.at_end(|buffer| Err(incomplete(buffer.take_all().into_vec())))
        }
    }
}
