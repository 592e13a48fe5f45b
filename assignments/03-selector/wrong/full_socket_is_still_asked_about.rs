//! mistake: Nothing is received from a client that does not read, but the kernel is still asked whether something
//! could be, and says so, again and again.
//! rejected by: 3.5 who_does_not_read_is_not_read_from

mod echo_server {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
        fn turn(&mut self, Event { token, readiness: reported }: Event) -> io::Result<()> {
            let Some((socket, watched)) = self.selector.get_mut(token) else { return Ok(()) };
            watched.readiness |= reported;
            watched.unfinished &= reported != Readiness::NONE;
            let Some(client) = &mut watched.client else { return self.accept(reported) };
            if !watched.unfinished {
                let flags = &mut watched.readiness;
                if let Some(outcome) = serve(socket, client, flags, &mut self.buffers, self.log) {
                    self.release(token, outcome);
                    return Ok(());
                }
                if flags.is_readable() && client.wants_to_receive() {
                    watched.unfinished = true;
                    self.unfinished.push(token);
                }
            }
            let wanted = Interest::READ | Interest::WRITE.when(client.wants_to_send());
            if let Err(error) = self.selector.settle(token, wanted, reported) {
                self.release(token, Err(error));
            }
            Ok(())
        }
    }
}
