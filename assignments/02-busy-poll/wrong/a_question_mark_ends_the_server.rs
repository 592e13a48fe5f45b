//! mistake: A `?` behind each question: whatever goes wrong at the door or with a client ends the server.
//! rejected by: 2.5 a_client_that_fails_ends_alone

mod busy_poll {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> BusyPoll<S, R, N> {
        pub fn round(&mut self) -> io::Result<()> {
            self.accept()?;
            let mut left = Vec::new();
            for (socket, mut client) in self.clients.drain(..) {
                match ask(&socket, &mut client, &mut self.buffers, &mut self.polls, self.log)? {
                    None => left.push((socket, client)),
                    Some(end) => client.log_end(Ok(end), self.log),
                }
            }
            self.clients = left;
            Ok(())
        }

        fn accept(&mut self) -> io::Result<()> {
            if let Poll::Ready((socket, peer)) = self.polls.count(self.listener.try_accept())? {
                self.clients.push((socket, Client::new(peer, (self.new_reply)(), self.log)));
            }
            Ok(())
        }
    }
}
