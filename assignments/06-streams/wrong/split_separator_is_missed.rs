//! mistake: What was searched is not searched again, to its last byte, which may begin a separator.
//! rejected by: 6.4 a_separator_is_found_in_whichever_pieces_it_comes

mod search {
    impl<'a> Search<'a> {
        pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<Found> {
            let new = &bytes[self.looked..];
            let ends = self.separators.iter().filter_map(|separator| {
                let start = self.looked + first(separator, new)?;
                Some(Found { start, end: start + separator.len() })
            });
            let found = ends.min_by_key(|found| (found.end, found.end - found.start));
            if found.is_none() {
                self.looked = bytes.len();
            }
            found
        }
    }
}
