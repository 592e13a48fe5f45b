//! mistake: The wait has a timeout of zero, to be sure that nobody is kept waiting: chapter 02 with a selector.
//! rejected by: 3.5 a_server_with_nothing_to_do_sleeps

mod echo_server {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
        pub fn pass(&mut self) -> io::Result<()> {
            if self.back_off.take_elapsed(Instant::now) {
                self.queue_listener();
            }
            self.selector.select(&mut self.events, Some(Duration::ZERO))?;
            while let Some(token) = self.unfinished.pop() {
                self.events.push(Event { token, readiness: Readiness::NONE });
            }
            for place in 0..self.events.len() {
                self.turn(self.events[place])?;
            }
            Ok(())
        }
    }
}
