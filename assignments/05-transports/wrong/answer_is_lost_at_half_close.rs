//! mistake: The end of file is taken for the end of the connection: the answer, of which most is kept, is
//! thrown away.
//! rejected by: 5.4 a_client_that_has_said_its_last_word_gets_the_whole_answer

mod socket_transport {
    mod reading {
        impl<S: Stream> SocketTransport<S> {
            fn end_of_file(&self, transport: &Rc<dyn Transport>) {
                self.reading.set(Reading::Eof);
                self.settle();
                let Some(protocol) = self.current() else { return };
                let answer =
                    self.call(transport, protocol, |protocol| protocol.eof_received(transport));
                if answer == Some(AfterEof::Close) {
                    self.lose(None);
                }
            }
        }
    }
}
