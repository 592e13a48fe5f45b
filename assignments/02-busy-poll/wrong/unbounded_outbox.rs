//! mistake: A client is received from as long as it sends: one that never reads fills the memory of all.
//! rejected by: 2.4 who_does_not_read_is_not_read_from

mod client {
    impl<R: Reply> Client<R> {
        pub fn wants_to_receive(&self) -> bool {
            self.end.is_none()
        }
    }
}
