//! mistake: Entries are compared by their deadlines alone, as asyncio does it: of equal ones, the heap gives whichever it
//! likes.
//! rejected by: 4.1 equal_deadlines_keep_the_order_in_which_they_were_set

mod timers {
    impl Ord for Entry {
        fn cmp(&self, other: &Entry) -> Ordering {
            other.deadline.cmp(&self.deadline)
        }
    }
}
