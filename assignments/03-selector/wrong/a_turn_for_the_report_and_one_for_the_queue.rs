//! mistake: Who stands in the queue and is reported as well has a turn for each, and joins the queue after each:
//! over a level, the turns of one who floods the server are more from pass to pass.
//! rejected by: 3.5 a_report_gives_no_second_turn

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
            if flags.is_readable() && client.wants_to_receive() {
                watched.unfinished = true;
                self.unfinished.push(token);
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
