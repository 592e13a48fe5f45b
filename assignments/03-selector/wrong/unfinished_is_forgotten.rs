//! mistake: Each report earns its client one receive, and nobody remembers who could go on: a message that is
//! longer than a receive stays in the kernel over an edge.
//! rejected by: 3.5 a_long_message_needs_one_report

mod echo_server {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
        fn turn(&mut self, Event { token, readiness: reported }: Event) -> io::Result<()> {
            let Some((socket, watched)) = self.selector.get_mut(token) else { return Ok(()) };
            watched.readiness |= reported;
            watched.unfinished &= reported != Readiness::NONE;
            let Some(client) = &mut watched.client else { return self.accept(reported) };
            let flags = &mut watched.readiness;
            if let Some(outcome) = serve(socket, client, flags, &mut self.buffers, self.log) {
                self.release(token, outcome);
                return Ok(());
            }
            let wanted = Interest::READ.when(client.wants_to_receive())
                | Interest::WRITE.when(client.wants_to_send());
            if let Err(error) = self.selector.settle(token, wanted, reported) {
                self.release(token, Err(error));
            }
            Ok(())
        }
    }
}
