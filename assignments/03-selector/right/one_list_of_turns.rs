//! differs: A pass notes all reports first and makes one list of turns, the unfinished before the reported; a turn
//! takes its client off the list and puts it on the next one; the listener accepts in a function of its own.

mod echo_server {
    use std::collections::HashMap;

    impl<R: Reply, N: FnMut() -> R> EchoServer<Socket, R, N> {
        pub fn new(
            listener: Socket,
            kind: SelectorKind,
            new_reply: N,
            log: Log,
        ) -> io::Result<EchoServer<Socket, R, N>>
        where
            R: 'static,
        {
            let selector = Selector::new(kind)?;
            listener.set_nonblocking(true)?;
            EchoServer::with_selector(selector, listener, new_reply, log)
        }
    }

    impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
        pub fn pass(&mut self) -> io::Result<()> {
            if self.back_off.take_elapsed(Instant::now) {
                self.queue_listener();
            }
            let timeout = match self.unfinished.len() {
                0 => self.back_off.remaining(Instant::now),
                _ => Some(Duration::ZERO),
            };
            self.selector.select(&mut self.events, timeout)?;
            let mut turns = std::mem::take(&mut self.unfinished);
            let mut reports = HashMap::new();
            for &Event { token, readiness } in &self.events {
                let Some((_, watched)) = self.selector.get_mut(token) else { continue };
                watched.readiness |= readiness;
                reports.insert(token, readiness);
                if !std::mem::replace(&mut watched.unfinished, true) {
                    turns.push(token);
                }
            }
            for token in turns {
                let readiness = reports.get(&token).copied().unwrap_or_default();
                self.turn(Event { token, readiness })?;
            }
            Ok(())
        }

        fn turn(&mut self, Event { token, readiness }: Event) -> io::Result<()> {
            let Some((socket, watched)) = self.selector.get_mut(token) else { return Ok(()) };
            watched.unfinished = false;
            let Some(client) = watched.client.as_mut() else { return self.accept(readiness) };
            let flags = &mut watched.readiness;
            if let Some(outcome) = serve(socket, client, flags, &mut self.buffers, self.log) {
                self.release(token, outcome);
                return Ok(());
            }
            let (receives, sends) = (client.wants_to_receive(), client.wants_to_send());
            if receives && watched.readiness.is_readable() {
                watched.unfinished = true;
                self.unfinished.push(token);
            }
            let wanted = Interest::READ.when(receives) | Interest::WRITE.when(sends);
            match self.selector.settle(token, wanted, readiness) {
                Ok(()) => {}
                Err(error) => self.release(token, Err(error)),
            }
            Ok(())
        }

        fn accept(&mut self, reported: Readiness) -> io::Result<()> {
            if !self.back_off.is_on() && self.accept_some()? {
                self.queue_listener();
            }
            let wanted = Interest::READ.when(!self.back_off.is_on());
            match self.selector.settle(self.listener, wanted, reported) {
                Ok(()) => {}
                Err(error) => self.back_off.begin(Instant::now(), &error),
            }
            Ok(())
        }
    }

    #[added]
    impl<S: TryIo, R: Reply, N: FnMut() -> R> EchoServer<S, R, N> {
        /// One batch. Says whether more may wait.
        fn accept_some(&mut self) -> io::Result<bool> {
            for _ in 0..ACCEPT_BUDGET {
                let error = match self.listener().0.try_accept() {
                    Ok(Poll::Ready((socket, peer))) => {
                        self.welcome(socket, peer);
                        continue;
                    }
                    Ok(Poll::Pending) => {
                        self.back_off.end();
                        return Ok(false);
                    }
                    Err(error) => error,
                };
                match AcceptFault::of(&error) {
                    AcceptFault::Listener => return Err(error),
                    AcceptFault::Client => {}
                    AcceptFault::Exhausted => {
                        self.back_off.begin(Instant::now(), &error);
                        return Ok(false);
                    }
                }
            }
            Ok(true)
        }
    }

    fn serve<S: TryIo, R: Reply>(
        socket: &S,
        client: &mut Client<R>,
        flags: &mut Readiness,
        buffers: &mut Buffers,
        log: Log,
    ) -> Option<io::Result<End>> {
        let mut attempt = || {
            if flags.is_writable() && client.flush(socket)?.is_pending() {
                flags.after_partial_send();
            }
            if flags.is_readable() && client.wants_to_receive() {
                let received = client.receive(socket, buffers, log)?;
                flags.after_receive(&received, RECEIVE_MAX);
            }
            if client.wants_to_send() {
                flags.after_partial_send();
            }
            Ok(client.ended())
        };
        attempt().transpose()
    }
}
