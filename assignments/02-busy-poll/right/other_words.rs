//! differs: The calls are the socket's own methods, and "interrupted" is a call of the same function; an outbox removes what
//! was sent at each flush; a reply's failure is looked at last; who has ended is found first and removed from the back.

mod try_io {
    use std::io::Read;

    impl TryIo for Socket {
        fn try_accept(&self) -> io::Result<Poll<(Socket, SocketAddr)>> {
            answer(|| self.accept()).and_then(|answer| match answer {
                Poll::Pending => Ok(Poll::Pending),
                Poll::Ready((socket, peer)) => match prepare(&socket, &peer) {
                    Ok(()) => Ok(Poll::Ready((socket, peer_address(&peer)))),
                    Err(_) => Err(ErrorKind::ConnectionAborted.into()),
                },
            })
        }

        fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Poll<usize>> {
            let mut socket = self;
            answer(|| socket.read(buffer))
        }

        fn try_send(&self, bytes: &[u8]) -> io::Result<Poll<usize>> {
            answer(|| self.send(bytes))
        }
    }

    pub fn answer<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<Poll<T>> {
        let mut outcome = call();
        while outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Interrupted) {
            outcome = call();
        }
        match outcome.map(Poll::Ready) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Poll::Pending),
            outcome => outcome,
        }
    }

    fn prepare(socket: &Socket, peer: &SockAddr) -> io::Result<()> {
        if peer.as_socket().is_some() {
            socket.set_tcp_nodelay(true)?;
        }
        socket.set_nonblocking(true)
    }
}

mod outbox {
    impl Outbox {
        pub fn send(&mut self, socket: &impl TryIo, bytes: &[u8]) -> io::Result<()> {
            let was_empty = self.bytes.is_empty();
            self.bytes.extend_from_slice(bytes);
            match was_empty {
                true => self.flush(socket).map(drop),
                false => Ok(()),
            }
        }

        pub fn flush(&mut self, socket: &impl TryIo) -> io::Result<Poll<()>> {
            if !self.bytes.is_empty() {
                match socket.try_send(&self.bytes)? {
                    Poll::Pending => return Ok(Poll::Pending),
                    Poll::Ready(count) => drop(self.bytes.drain(..count)),
                }
            }
            if self.bytes.is_empty() {
                self.bytes.shrink_to_fit();
                Ok(Poll::Ready(()))
            } else {
                Ok(Poll::Pending)
            }
        }
    }
}

mod client {
    impl<R: Reply> Client<R> {
        pub fn wants_to_receive(&self) -> bool {
            match self.end {
                Some(_) => false,
                None => !self.outbox.is_full(),
            }
        }

        pub fn ended(&self) -> Option<End> {
            if self.wants_to_send() { None } else { self.end }
        }

        pub fn receive(
            &mut self,
            socket: &impl TryIo,
            buffers: &mut Buffers,
            _: Log,
        ) -> io::Result<Poll<usize>> {
            let answer = socket.try_recv(&mut buffers.incoming)?;
            if let Poll::Ready(count) = answer {
                if count == 0 {
                    self.end = Some(End::of(&self.reply));
                    return Ok(answer);
                }
                let mut space = std::mem::take(&mut buffers.space);
                let outcome = self.reply.reply(&buffers.incoming[..count], &mut space);
                let failed = match outcome {
                    Ok(outgoing) => {
                        self.outbox.send(socket, outgoing)?;
                        None
                    }
                    Err(too_long) => Some(too_long),
                };
                if let Some(too_long) = failed {
                    self.outbox.send(socket, &space)?;
                    self.end = Some(End::LineTooLong(too_long));
                }
            }
            Ok(answer)
        }
    }
}

mod busy_poll {
    impl<S: TryIo, R: Reply, N: FnMut() -> R> BusyPoll<S, R, N> {
        pub fn round(&mut self) -> io::Result<()> {
            self.accept()?;
            let mut gone = Vec::new();
            for (place, (socket, client)) in self.clients.iter_mut().enumerate() {
                let outcome = ask(socket, client, &mut self.buffers, &mut self.polls, self.log);
                if let Some(outcome) = outcome.transpose() {
                    client.log_end(outcome, self.log);
                    gone.push(place);
                }
            }
            while let Some(place) = gone.pop() {
                self.clients.swap_remove(place);
            }
            Ok(())
        }
    }
}
