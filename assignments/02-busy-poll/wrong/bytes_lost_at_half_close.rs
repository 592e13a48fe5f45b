//! mistake: A client that will send no more is taken to have gone: its socket is closed over what it is owed.
//! rejected by: 2.4 what_was_received_is_answered_before_the_end

mod client {
    impl<R: Reply> Client<R> {
        pub fn ended(&self) -> Option<End> {
            self.end
        }
    }
}
