//! mistake: Who waits for room when the connection is lost is released as if there were room, and
//! who asks later finds no reason to wait.
//! rejected by: 6.1 a_connection_that_is_lost_tells_all_who_wait_for_room

mod stream {
    impl Stream {
        pub(crate) fn has_ended(&self, lost: ConnectionLost) {
            self.inbox.borrow_mut().feed_loss(lost.clone());
            self.lost.replace(Some(lost.clone()));
            self.wake_reader();
            self.resume_writing();
            let closed = self.closed.take();
            if let Some(closed) = closed {
                let _ = closed.set_result(lost.into_result());
            }
        }
    }
}

mod stream_writer {
    impl StreamWriter {
        pub async fn drain(&self) -> Result<(), ConnectionLost> {
            self.stream.give_way().await;
            match self.stream.resumed() {
                Some(resumed) => {
                    resumed.await.expect("it is set, and neither failed nor cancelled")
                }
                None => Ok(()),
            }
        }
    }
}
