//! mistake: A client is served until nothing is left of it: as long as it sends, nobody else has a turn.
//! rejected by: 3.5 nobody_has_two_turns_before_all_have_one

mod echo_server {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
        fn turn(&mut self, Event { token, readiness: reported }: Event) -> io::Result<()> {
            let Some((socket, watched)) = self.selector.get_mut(token) else { return Ok(()) };
            watched.readiness |= reported;
            watched.unfinished &= reported != Readiness::NONE;
            let Some(client) = &mut watched.client else { return self.accept(reported) };
            let flags = &mut watched.readiness;
            loop {
                if let Some(outcome) = serve(socket, client, flags, &mut self.buffers, self.log) {
                    self.release(token, outcome);
                    return Ok(());
                }
                if !(flags.is_readable() && client.wants_to_receive()) {
                    break;
                }
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
