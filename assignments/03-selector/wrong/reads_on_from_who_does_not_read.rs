//! mistake: What can be received is received, however much the client is owed already: its answers fill the
//! memory of the server.
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
                if flags.is_readable() {
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

    fn serve<S: TryIo, R: Reply>(
        socket: &S,
        client: &mut Client<R>,
        flags: &mut Readiness,
        buffers: &mut Buffers,
        log: Log,
    ) -> Option<io::Result<End>> {
        if client.wants_to_send()
            && flags.is_writable()
            && let Err(error) = client.flush(socket)
        {
            return Some(Err(error));
        }
        if client.ended().is_none() && flags.is_readable() {
            match client.receive(socket, buffers, log) {
                Ok(received) => flags.after_receive(&received, RECEIVE_MAX),
                Err(error) => return Some(Err(error)),
            }
        }
        if client.wants_to_send() {
            flags.after_partial_send();
        }
        client.ended().map(Ok)
    }
}
