//! mistake: Every error is handed on with `?`, that of a client as well: its reset ends the server for all.
//! rejected by: 3.5 an_error_of_one_client_is_its_own_end

mod echo_server {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
        fn turn(&mut self, Event { token, readiness: reported }: Event) -> io::Result<()> {
            let Some((socket, watched)) = self.selector.get_mut(token) else { return Ok(()) };
            watched.readiness |= reported;
            watched.unfinished &= reported != Readiness::NONE;
            let Some(client) = &mut watched.client else { return self.accept(reported) };
            if !watched.unfinished {
                let flags = &mut watched.readiness;
                let outcome = serve(socket, client, flags, &mut self.buffers, self.log);
                if let Some(end) = outcome.transpose()? {
                    self.release(token, Ok(end));
                    return Ok(());
                }
                if flags.is_readable() && client.wants_to_receive() {
                    watched.unfinished = true;
                    self.unfinished.push(token);
                }
            }
            let wanted = Interest::READ.when(client.wants_to_receive())
                | Interest::WRITE.when(client.wants_to_send());
            self.selector.settle(token, wanted, reported)
        }
    }
}
