//! mistake: Each piece has all that is there searched again, from its first byte.
//! rejected by: 6.4 what_was_searched_is_not_searched_again

mod search {
    impl<'a> Search<'a> {
        pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<Found> {
            let ends = self.separators.iter().filter_map(|separator| {
                let start = first(separator, bytes)?;
                Some(Found { start, end: start + separator.len() })
            });
            let found = ends.min_by_key(|found| (found.end, found.end - found.start));
            if found.is_none() {
                self.looked = (bytes.len() + 1).saturating_sub(self.longest);
            }
            found
        }
    }
}
