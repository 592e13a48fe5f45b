//! mistake: Entries are compared as one would compare deadlines, and the heap gives its greatest first: the last timer
//! is taken for the next one.
//! rejected by: 4.1 the_earliest_deadline_comes_first

mod timers {
    impl Ord for Entry {
        fn cmp(&self, other: &Entry) -> Ordering {
            (self.deadline, self.key.sequence).cmp(&(other.deadline, other.key.sequence))
        }
    }
}
