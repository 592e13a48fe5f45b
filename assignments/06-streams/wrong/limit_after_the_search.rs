//! mistake: The limit is looked at when a separator is found. One that never comes is never found.
//! rejected by: 6.4 a_separator_that_does_not_come_is_given_up_at_the_limit

mod inbox {
    impl Inbox {
        pub(crate) fn try_read_until(&mut self, search: &mut Search<'_>) -> Option<ReadResult> {
            if let Some(found) = search.find(&self.buffer) {
                if found.start > self.limits.line_max() {
                    let consumed = found.start;
                    return Some(Err(ReadError::LimitOverrun { consumed, found: true }));
                }
                return Some(Ok(self.buffer.take(found.end)));
            }
            let incomplete = |partial| ReadError::Incomplete { partial, expected: None };
            self.at_end(|buffer| Err(incomplete(buffer.take_all().into_vec())))
        }
    }
}
