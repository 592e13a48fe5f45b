//! mistake: The pause is only asked about after an accept: over an edge, each client that comes during a shortage
//! brings about an attempt in vain, and puts the end of the pause off.
//! rejected by: 3.5 each_error_of_an_accept_has_its_own_answer

mod echo_server {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
        fn accept(&mut self, reported: Readiness) -> io::Result<()> {
            let budget = if self.listener().1.unfinished { 0 } else { ACCEPT_BUDGET };
            for _ in 0..budget {
                match self.listener().0.try_accept() {
                    Ok(Poll::Ready((socket, peer))) => self.welcome(socket, peer),
                    Ok(Poll::Pending) => {
                        self.listener().1.readiness = Readiness::NONE;
                        self.back_off.end();
                        break;
                    }
                    Err(error) => match AcceptFault::of(&error) {
                        AcceptFault::Client => {}
                        AcceptFault::Exhausted => {
                            self.back_off.begin(Instant::now(), &error);
                            break;
                        }
                        AcceptFault::Listener => return Err(error),
                    },
                }
            }
            let accepting = !self.back_off.is_on();
            if accepting && self.listener().1.readiness.is_readable() {
                self.queue_listener();
            }
            let wanted = Interest::READ.when(accepting);
            if let Err(error) = self.selector.settle(self.listener, wanted, reported) {
                self.back_off.begin(Instant::now(), &error);
            }
            Ok(())
        }
    }
}
