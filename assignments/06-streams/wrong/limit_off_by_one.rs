//! mistake: As many bytes as are allowed count as too many.
//! rejected by: 6.4 the_limit_is_for_what_stands_before_the_separator

mod inbox {
    impl Inbox {
        pub(crate) fn try_read_until(&mut self, search: &mut Search<'_>) -> Option<ReadResult> {
            let found = search.find(&self.buffer);
            let consumed = found.map_or(search.looked(), |found| found.start);
            if consumed >= self.limits.line_max() {
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
