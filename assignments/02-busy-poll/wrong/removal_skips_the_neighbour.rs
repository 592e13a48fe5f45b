//! mistake: A client is removed from the list while a counter goes through it: the counter goes on, past the one that has
//! moved up.
//! rejected by: 2.5 nobody_loses_a_turn_when_another_leaves

mod busy_poll {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> BusyPoll<S, R, N> {
        pub fn round(&mut self) -> io::Result<()> {
            self.accept()?;
            let mut place = 0;
            while place < self.clients.len() {
                let (socket, client) = &mut self.clients[place];
                let outcome = ask(socket, client, &mut self.buffers, &mut self.polls, self.log);
                if let Some(outcome) = outcome.transpose() {
                    client.log_end(outcome, self.log);
                    self.clients.remove(place);
                }
                place += 1;
            }
            Ok(())
        }
    }
}
