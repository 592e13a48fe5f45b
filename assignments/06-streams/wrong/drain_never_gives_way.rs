//! mistake: A drain that need not wait does nothing at all: an endless loop of writes keeps the
//! loop from everybody else.
//! rejected by: 6.1 who_writes_without_rest_leaves_the_others_their_turn

mod stream_writer {
    impl StreamWriter {
        pub async fn drain(&self) -> Result<(), ConnectionLost> {
            if let Some(lost) = self.stream.lost() {
                return Err(lost);
            }
            match self.stream.resumed() {
                Some(resumed) => {
                    resumed.await.expect("it is set, and neither failed nor cancelled")
                }
                None => Ok(()),
            }
        }
    }
}
