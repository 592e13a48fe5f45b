//! mistake: At the end of file the rest is given as if its separator had come, and after that an
//! empty answer, as often as one asks.
//! rejected by: 6.4 a_separator_that_never_comes_gives_what_there_was

mod inbox {
    impl Inbox {
        pub(crate) fn try_read_until(&mut self, search: &mut Search<'_>) -> Option<ReadResult> {
            let found = search.find(&self.buffer);
            let consumed = found.map_or(search.looked(), |found| found.start);
            if consumed > self.limits.line_max() {
                return Some(Err(ReadError::LimitOverrun { consumed, found: found.is_some() }));
            }
            if let Some(found) = found {
                return Some(Ok(self.buffer.take(found.end)));
            }
            self.at_end(|buffer| Ok(buffer.take_all()))
        }
    }
}
