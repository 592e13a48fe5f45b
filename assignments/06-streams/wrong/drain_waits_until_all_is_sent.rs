//! mistake: A drain is thought to wait until everything is sent, and asks for that again in each
//! pass.
//! rejected by: 6.1 a_drain_that_has_room_does_not_wait

mod stream_writer {
    impl StreamWriter {
        pub async fn drain(&self) -> Result<(), ConnectionLost> {
            loop {
                if let Some(lost) = self.stream.lost() {
                    return Err(lost);
                }
                if self.transport.write_buffer_size() == 0 {
                    return Ok(());
                }
                yield_now().await;
            }
        }
    }
}
