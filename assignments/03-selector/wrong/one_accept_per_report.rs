//! mistake: Each report of the listener is taken for one client: over an edge, all others of a crowd stay outside.
//! rejected by: 3.5 a_crowd_at_the_door_is_let_in

mod echo_server {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
        fn accept(&mut self, reported: Readiness) -> io::Result<()> {
            if !self.back_off.is_on() {
                match self.listener().0.try_accept() {
                    Ok(Poll::Ready((socket, peer))) => self.welcome(socket, peer),
                    Ok(Poll::Pending) => self.back_off.end(),
                    Err(error) => match AcceptFault::of(&error) {
                        AcceptFault::Client => {}
                        AcceptFault::Exhausted => self.back_off.begin(Instant::now(), &error),
                        AcceptFault::Listener => return Err(error),
                    },
                }
            }
            self.listener().1.readiness = Readiness::NONE;
            let wanted = Interest::READ.when(!self.back_off.is_on());
            if let Err(error) = self.selector.settle(self.listener, wanted, reported) {
                self.back_off.begin(Instant::now(), &error);
            }
            Ok(())
        }
    }
}
