//! differs: The end is a callback that is scheduled, and not a turn; what is asked of the selector is settled before the
//! protocol is told; states are matched; a turn of the race is a future that is written by hand, and asks the clock last.

mod socket_transport {
    mod writing {
        impl<S: Stream> SocketTransport<S> {
            pub(super) fn flush(&self, transport: &Rc<dyn Transport>) {
                let is_ready = self.socket.readiness().is_writable();
                if !is_ready || self.write_buffer_size() == 0 {
                    return;
                }
                let outcome = self.socket.attempt(|socket, readiness| {
                    let mut buffer = self.buffer.borrow_mut();
                    buffer.send(socket, readiness)
                });
                if let Err(error) = outcome {
                    return self.lose(Some(ConnectionError::Io(error)));
                }
                self.after_flush(transport);
            }

            fn after_flush(&self, transport: &Rc<dyn Transport>) {
                self.settle();
                self.mind_the_low_mark(transport);
                if !self.buffer.borrow().is_empty() {
                    if self.socket.readiness().is_writable() {
                        self.socket.defer_turn();
                    }
                    return;
                }
                match (self.life.get(), self.writing.get()) {
                    (Life::Closing, _) => self.lose(None),
                    (Life::Open, Writing::Draining) => self.send_eof(),
                    _ => {}
                }
            }

            fn mind_the_low_mark(&self, transport: &Rc<dyn Transport>) {
                match self.flow.get() {
                    Flow::Paused if self.write_buffer_size() <= self.marks.get().low() => {}
                    _ => return,
                }
                let Some(protocol) = self.current() else { return };
                self.flow.set(Flow::Resumed);
                let tell = |protocol: &crate::AnyProtocol| protocol.resume_writing(transport);
                self.notify("resume_writing failed", protocol, tell);
                self.tell_pause(transport);
            }
        }

        impl<S: Stream> WriteTransport for SocketTransport<S> {
            fn write_eof(&self) -> io::Result<()> {
                match (self.writing.get(), self.life.get(), self.write_buffer_size()) {
                    (Writing::Open, Life::Open, 0) => self.send_eof(),
                    (Writing::Open, Life::Open, _) => self.writing.set(Writing::Draining),
                    _ => {}
                }
                Ok(())
            }
        }
    }

    mod life {
        impl<S: Stream> SocketTransport<S> {
            pub(super) fn begin_closing(&self) {
                match (self.life.get(), self.buffer.borrow().len()) {
                    (Life::Open, 0) => {}
                    (Life::Open, _) => {
                        self.life.set(Life::Closing);
                        return self.settle();
                    }
                    _ => return,
                }
                self.lose(None);
            }

            pub(super) fn lose(&self, error: Option<ConnectionError>) {
                match self.life.get() {
                    Life::Losing | Life::Lost => {
                        let _ = contained(|| drop(error));
                    }
                    Life::Open | Life::Closing => {
                        self.life.set(Life::Losing);
                        self.error.set(error);
                        self.throw_away();
                        self.replace_deadline(None);
                        self.settle();
                        let Some(this) = self.this.upgrade() else { return };
                        let last = move || {
                            if this.start.get() == Start::New {
                                // It is made before it is lost.
                                this.begin(&this.lend());
                            }
                            this.tell_pause(&this.lend());
                            this.finish(&this.lend());
                        };
                        let _ = self.event_loop.call_soon(last);
                    }
                }
            }

            pub(super) fn finish(&self, transport: &Rc<dyn Transport>) {
                if self.life.get() == Life::Losing {
                    self.life.set(Life::Lost);
                    let (error, protocol) = (self.error.take(), self.current());
                    if let Some(protocol) = protocol {
                        let tell = move |protocol: &crate::AnyProtocol| {
                            protocol.connection_lost(transport, error);
                        };
                        self.notify("connection_lost failed", protocol, tell);
                    }
                    self.let_go();
                }
            }
        }
    }

    mod reading {
        use crate::transport::BaseTransport;

        impl<S: Stream> SocketTransport<S> {
            fn end_of_file(&self, transport: &Rc<dyn Transport>) {
                self.reading.set(Reading::Eof);
                if let Some(protocol) = self.current() {
                    let ask = |protocol: &AnyProtocol| protocol.eof_received(transport);
                    match self.call(transport, protocol, ask) {
                        Some(AfterEof::Close) => self.begin_closing(),
                        Some(AfterEof::KeepOpen) | None => {}
                    }
                }
                self.settle();
            }
        }

        impl<S: Stream> ReadTransport for SocketTransport<S> {
            fn pause_reading(&self) {
                match self.reading.get() {
                    Reading::Open if !self.is_closing() => self.reading.set(Reading::Paused),
                    _ => return,
                }
                self.settle();
            }

            fn resume_reading(&self) {
                if self.reading.get() == Reading::Paused {
                    self.reading.set(Reading::Open);
                    self.settle();
                    if self.start.get() == Start::Started {
                        self.socket.schedule_turn();
                    }
                }
            }
        }
    }
}

mod race_connect {
    use std::task::Context;

    async fn next_turn<T, F: Future<Output = io::Result<T>>>(
        race: &mut HappyEyeballs<SocketAddr, Pin<Box<F>>, io::Error>,
        deadline: Option<Instant>,
    ) -> Turn<T> {
        NextTurn { race, timer: deadline.map(sleep_until) }.await
    }

    #[added]
    struct NextTurn<'r, F> {
        race: &'r mut HappyEyeballs<SocketAddr, Pin<Box<F>>, io::Error>,
        timer: Option<chapter_04::Sleep>,
    }

    #[added]
    impl<T, F: Future<Output = io::Result<T>>> Future for NextTurn<'_, F> {
        type Output = Turn<T>;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Turn<T>> {
            let turn = &mut *self;
            let mut failures = Vec::new();
            for (attempt, connecting) in turn.race.running_mut() {
                if let Poll::Ready(outcome) = connecting.as_mut().poll(context) {
                    match outcome {
                        Ok(value) => return Poll::Ready(Turn::Won(value)),
                        Err(error) => failures.push((attempt, error)),
                    }
                }
            }
            if !failures.is_empty() {
                return Poll::Ready(Turn::Lost(failures));
            }
            match &mut turn.timer {
                Some(timer) => Pin::new(timer).poll(context).map(|_| Turn::Lost(failures)),
                None => Poll::Pending,
            }
        }
    }
}
