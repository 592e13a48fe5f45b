use memchr::memmem;

/// A search for the first of some separators in bytes that grow at their end.
///
/// It remembers how far it has looked, so that a separator which comes in many chunks is not looked
/// for from the beginning with each of them.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    separators: &'a [&'a [u8]],
    longest: usize,
    /// No separator begins before this.
    looked: usize,
}

/// Where a separator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Search<'static> {
    /// For the end of a line.
    pub(crate) fn newline() -> Search<'static> {
        Search { separators: &[b"\n"], longest: 1, looked: 0 }
    }
}

impl<'a> Search<'a> {
    /// `None` if there is no separator, or an empty one, which would be everywhere (RD-04).
    pub(crate) fn new(separators: &'a [&'a [u8]]) -> Option<Search<'a>> {
        let longest = separators.iter().map(|separator| separator.len()).max()?;
        let is_empty = |separator: &&[u8]| separator.is_empty();
        let search = Search { separators, longest, looked: 0 };
        (!separators.iter().any(is_empty)).then_some(search)
    }

    /// The separator that ends first, and of those that end together the shortest (RD-08).
    /// `bytes` are those of the last time and what has come behind them.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<Found> {
        let new = &bytes[self.looked..];
        let ends = self.separators.iter().filter_map(|separator| {
            let start = self.looked + first(separator, new)?;
            Some(Found { start, end: start + separator.len() })
        });
        let found = ends.min_by_key(|found| (found.end, found.end - found.start));
        if found.is_none() {
            // The last bytes may be the beginning of one.
            self.looked = self.looked.max((bytes.len() + 1).saturating_sub(self.longest));
        }
        found
    }

    /// How many of the bytes are certainly before every separator.
    pub(crate) fn looked(&self) -> usize {
        self.looked
    }
}

fn first(separator: &[u8], bytes: &[u8]) -> Option<usize> {
    match separator {
        [byte] => memchr::memchr(*byte, bytes),
        several => memmem::find(bytes, several),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RD-09: and no byte is looked at twice, but for the few that may begin a separator.
    #[test]
    fn a_separator_in_many_chunks_is_found_without_looking_back() {
        let bytes = [&[b'a'; 1000][..], b"\r\n\r\n"].concat();
        let separators: [&[u8]; 1] = [b"\r\n\r\n"];
        let mut search = Search::new(&separators).expect("a separator");
        for end in 1..bytes.len() {
            assert_eq!(search.find(&bytes[..end]), None);
            assert_eq!(search.looked(), (end + 1).saturating_sub(4));
        }
        assert_eq!(search.find(&bytes), Some(Found { start: 1000, end: 1004 }));
    }

    /// RD-08.
    #[test]
    fn of_several_separators_the_one_that_ends_first_counts() {
        let find = |separators: &[&[u8]], bytes: &[u8]| {
            let found = Search::new(separators).expect("separators").find(bytes)?;
            Some((found.start, found.end))
        };
        assert_eq!(find(&[b"\n", b"\r\n"], b"ab\r\ncd\n"), Some((3, 4)));
        assert_eq!(find(&[b"bcd", b"c"], b"abcd"), Some((2, 3)));
        assert_eq!(find(&[b"xyz", b"a"], b"wxyza"), Some((1, 4)));
        assert_eq!(find(&[b"xyz", b"a"], b"wxy"), None);
    }

    #[test]
    fn an_empty_separator_is_none() {
        assert!(Search::new(&[]).is_none());
        assert!(Search::new(&[b"x", b""]).is_none());
    }
}
