//! mistake: `write_all` on a socket that does not wait: when it says "would block", a part is sent already, and
//! nobody knows which.
//! rejected by: 2.1 a_send_says_how_much_was_taken

mod try_io {
    use std::io::Write;

    impl TryIo for Socket {
        fn try_send(&self, bytes: &[u8]) -> io::Result<Poll<usize>> {
            answer(|| {
                let mut socket = self;
                socket.write_all(bytes)?;
                Ok(bytes.len())
            })
        }
    }
}
