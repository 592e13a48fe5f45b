//! mistake: What is kept is taken out of the buffer before it is sent, and the rest put back: if the kernel says "not yet",
//! it is nowhere.
//! rejected by: 5.2 what_was_kept_is_sent_as_there_is_room

mod write_buffer {
    use std::mem;

    impl WriteBuffer {
        pub(crate) fn send(
            &mut self,
            socket: &impl Stream,
            readiness: &mut Readiness,
        ) -> io::Result<()> {
            let mut taken = mem::take(self);
            let (pieces, offered) = taken.pieces();
            match socket.try_send_vectored(&pieces)? {
                Poll::Ready(count) => {
                    if count < offered {
                        readiness.after_partial_send();
                    }
                    taken.consume(count);
                    *self = taken;
                }
                Poll::Pending => readiness.after_partial_send(),
            }
            Ok(())
        }
    }
}
