//! mistake: A transport that is paused goes on when nothing is left: the reader waits for the peer
//! each time.
//! rejected by: 6.2 reading_pauses_above_the_mark_and_goes_on_at_half_of_it

mod stream {
    impl Stream {
        pub(crate) fn has_become_low(&self) -> bool {
            let is_low = self.inbox.borrow().kept() == 0;
            self.reader_paused.get() && is_low && self.reader_paused.replace(false)
        }
    }
}
