//! mistake: What was given out is skipped and never removed: the buffer holds all that the client has ever
//! sent.
//! rejected by: 1.1 what_was_given_out_takes_no_room

mod line_buffer {
    impl LineBuffer {
        pub fn push(&mut self, received: &[u8]) {
            self.bytes.extend_from_slice(received);
        }
    }
}
