//! mistake: The listener is asked until nobody waits any more: while a crowd comes, nobody inside is served.
//! asyncio takes a whole backlog so.
//! rejected by: 3.5 a_crowd_at_the_door_is_let_in

mod echo_server {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
        fn accept(&mut self, reported: Readiness) -> io::Result<()> {
            while !self.back_off.is_on() {
                match self.listener().0.try_accept() {
                    Ok(Poll::Ready((socket, peer))) => self.welcome(socket, peer),
                    Ok(Poll::Pending) => {
                        self.listener().1.readiness = Readiness::NONE;
                        self.back_off.end();
                        break;
                    }
                    Err(error) => match AcceptFault::of(&error) {
                        AcceptFault::Client => {}
                        AcceptFault::Exhausted => self.back_off.begin(Instant::now(), &error),
                        AcceptFault::Listener => return Err(error),
                    },
                }
            }
            let wanted = Interest::READ.when(!self.back_off.is_on());
            if let Err(error) = self.selector.settle(self.listener, wanted, reported) {
                self.back_off.begin(Instant::now(), &error);
            }
            Ok(())
        }
    }
}
