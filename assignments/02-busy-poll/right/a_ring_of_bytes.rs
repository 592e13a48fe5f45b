//! differs: The outbox is a ring, from whose front goes what was sent; clients stand in another ring, and each that stays
//! goes to its back; the door comes last in a round, and a client is received from before it is sent to.

mod outbox {
    use std::collections::VecDeque;

    pub struct Outbox {
        bytes: VecDeque<u8>,
    }

    impl Outbox {
        pub fn send(&mut self, socket: &impl TryIo, bytes: &[u8]) -> io::Result<()> {
            let mut left = bytes;
            if self.bytes.is_empty()
                && !bytes.is_empty()
                && let Poll::Ready(count) = socket.try_send(bytes)?
            {
                left = &bytes[count..];
            }
            self.bytes.extend(left);
            Ok(())
        }

        pub fn flush(&mut self, socket: &impl TryIo) -> io::Result<Poll<()>> {
            if self.bytes.is_empty() {
                return Ok(Poll::Ready(()));
            }
            let Poll::Ready(count) = socket.try_send(self.bytes.make_contiguous())? else {
                return Ok(Poll::Pending);
            };
            self.bytes.drain(..count);
            if self.bytes.is_empty() {
                self.bytes = VecDeque::new();
                return Ok(Poll::Ready(()));
            }
            Ok(Poll::Pending)
        }

        pub fn len(&self) -> usize {
            self.bytes.len()
        }
    }
}

mod busy_poll {
    use std::collections::VecDeque;

    pub struct BusyPoll<S, R, N> {
        listener: S,
        clients: VecDeque<(S, Client<R>)>,
        new_reply: N,
        buffers: Buffers,
        polls: Polls,
        log: Log,
    }

    impl<S: TryIo, R: Reply, N: FnMut() -> R> BusyPoll<S, R, N> {
        pub fn new(listener: S, new_reply: N, log: Log) -> BusyPoll<S, R, N> {
            let (buffers, polls) = (Buffers::default(), Polls::default());
            BusyPoll { listener, clients: VecDeque::new(), new_reply, buffers, polls, log }
        }

        pub fn round(&mut self) -> io::Result<()> {
            for _ in 0..self.clients.len() {
                let Some((socket, mut client)) = self.clients.pop_front() else { break };
                match ask(&socket, &mut client, &mut self.buffers, &mut self.polls, self.log) {
                    Ok(None) => self.clients.push_back((socket, client)),
                    Ok(Some(end)) => client.log_end(Ok(end), self.log),
                    Err(error) => client.log_end(Err(error), self.log),
                }
            }
            self.accept()
        }

        fn accept(&mut self) -> io::Result<()> {
            match self.polls.count(self.listener.try_accept()) {
                Ok(Poll::Pending) => Ok(()),
                Ok(Poll::Ready((socket, peer))) => {
                    let client = Client::new(peer, (self.new_reply)(), self.log);
                    self.clients.push_back((socket, client));
                    Ok(())
                }
                Err(error) if AcceptFault::of(&error) == AcceptFault::Listener => Err(error),
                Err(_) => Ok(()),
            }
        }
    }

    fn ask<S: TryIo, R: Reply>(
        socket: &S,
        client: &mut Client<R>,
        buffers: &mut Buffers,
        polls: &mut Polls,
        log: Log,
    ) -> io::Result<Option<End>> {
        let owed = client.wants_to_send();
        if client.wants_to_receive() && polls.count(client.receive(socket, buffers, log)).is_err() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        if owed && polls.count(client.flush(socket))?.is_pending() {
            return Ok(None);
        }
        Ok(client.ended())
    }
}
