//! mistake: Of several separators the longest is taken, as a lexer would: in other pieces it would
//! be another one.
//! rejected by: 6.4 of_several_separators_the_one_that_ends_first_counts

mod search {
    impl<'a> Search<'a> {
        pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<Found> {
            let new = &bytes[self.looked..];
            let all = self.separators.iter().filter_map(|separator| {
                let start = self.looked + first(separator, new)?;
                Some(Found { start, end: start + separator.len() })
            });
            let found = all.min_by_key(|found| (found.start, usize::MAX - found.end));
            if found.is_none() {
                self.looked = self.looked.max((bytes.len() + 1).saturating_sub(self.longest));
            }
            found
        }
    }
}
