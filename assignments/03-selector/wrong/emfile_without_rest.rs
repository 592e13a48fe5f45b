//! mistake: Every error of `accept` is the client's, and the next one may be fine: without a descriptor the server
//! asks again and again.
//! rejected by: 3.5 without_descriptors_the_server_rests_and_goes_on

mod echo_server {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
        fn accept(&mut self, reported: Readiness) -> io::Result<()> {
            let mut budget = if self.listener().1.unfinished { 0 } else { ACCEPT_BUDGET };
            while budget > 0 {
                budget -= 1;
                match self.listener().0.try_accept() {
                    Ok(Poll::Ready((socket, peer))) => self.welcome(socket, peer),
                    Ok(Poll::Pending) => {
                        self.listener().1.readiness = Readiness::NONE;
                        break;
                    }
                    Err(error) => match AcceptFault::of(&error) {
                        AcceptFault::Client | AcceptFault::Exhausted => {}
                        AcceptFault::Listener => return Err(error),
                    },
                }
            }
            if self.listener().1.readiness.is_readable() {
                self.queue_listener();
            }
            self.selector.settle(self.listener, Interest::READ, reported)
        }
    }
}
