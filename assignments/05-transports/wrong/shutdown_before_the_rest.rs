//! mistake: write_eof closes the sending half at once: what was written and not sent comes too late.
//! rejected by: 5.4 write_eof_comes_behind_all_that_was_written

mod socket_transport {
    mod writing {
        impl<S: Stream> WriteTransport for SocketTransport<S> {
            fn write_eof(&self) -> io::Result<()> {
                if self.writing.get() == Writing::Open && self.life.get() == Life::Open {
                    self.send_eof();
                }
                Ok(())
            }
        }
    }
}
