//! mistake: That writing may go on is noted, and those who wait for it are not told.
//! rejected by: 6.1 everybody_who_waits_for_room_is_woken_when_there_is_some

mod stream {
    impl Stream {
        fn release_drains(&self, _outcome: WaitResult) {
            self.resumed.take();
        }
    }
}
