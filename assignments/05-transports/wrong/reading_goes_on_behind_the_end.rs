//! mistake: Paused is a flag, as in asyncio: who pauses and resumes after the end of file reads again, and is
//! told of the end again.
//! rejected by: 5.4 the_end_of_file_is_told_once

mod socket_transport {
    mod reading {
        impl<S: Stream> ReadTransport for SocketTransport<S> {
            fn pause_reading(&self) {
                self.reading.set(Reading::Paused);
                self.settle();
            }

            fn resume_reading(&self) {
                self.reading.set(Reading::Open);
                self.settle();
                if self.start.get() == Start::Started && self.socket.readiness().is_readable() {
                    self.socket.defer_turn();
                }
            }
        }
    }
}
