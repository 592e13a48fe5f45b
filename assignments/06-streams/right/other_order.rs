//! differs: Another order: the task is woken before the transport is paused, the pause is looked at
//! before the wait is entered, the end is told to the writers first; and a task awaits each
//! handler.

mod stream {
    impl Stream {
        pub(crate) fn pause_writing(&self) {
            let mut resumed = self.resumed.borrow_mut();
            if resumed.is_none() {
                *resumed = Some(self.event_loop.create_future());
            }
        }

        fn release_drains(&self, outcome: WaitResult) {
            if let Some(resumed) = self.resumed.take() {
                let _ = resumed.set_result(outcome);
            }
        }

        pub(crate) fn has_ended(&self, lost: ConnectionLost) {
            self.lost.replace(Some(lost.clone()));
            let closed = self.closed.take();
            if let Some(closed) = closed {
                let _ = closed.set_result(lost.clone().into_result());
            }
            self.release_drains(Err(lost.clone()));
            self.inbox.borrow_mut().feed_loss(lost);
            self.wake_reader();
        }
    }
}

mod stream_writer {
    impl StreamWriter {
        pub async fn drain(&self) -> Result<(), ConnectionLost> {
            let resumed = self.stream.resumed();
            match resumed {
                Some(resumed) if self.stream.lost().is_none() => {
                    resumed.await.expect("it is set, and neither failed nor cancelled")
                }
                _ => {
                    self.stream.give_way().await;
                    self.stream.lost().map_or(Ok(()), Err)
                }
            }
        }
    }
}

mod wait_closed {
    impl Future for WaitClosed {
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<WaitResult> {
            if self.waiting.is_none() {
                if let Some(outcome) = self.stream.outcome() {
                    return Poll::Ready(outcome);
                }
                self.waiting = Some(self.stream.closed().into_future());
            }
            let waiting = self.waiting.as_mut().expect("it was just put there");
            pin!(waiting)
                .poll(context)
                .map(|outcome| outcome.expect("it is set, and neither failed nor cancelled"))
        }
    }
}

mod stream_protocol {
    impl Protocol for StreamProtocol {
        fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
            if let Some(stream) = self.stream() {
                stream.inbox().borrow_mut().feed_data(data);
                stream.wake_reader();
                if stream.is_to_pause() {
                    transport.pause_reading();
                }
            }
            Ok(())
        }
    }
}

mod stream_reader {
    impl StreamReader {
        fn poll_for<T>(
            &self,
            gave_way: &mut GaveWay,
            context: &mut Context<'_>,
            attempt: &mut impl FnMut(&mut Inbox) -> Option<T>,
        ) -> Poll<T> {
            if !self.stream.event_loop.may_go_on(gave_way, context) {
                return Poll::Pending;
            }
            let read = attempt(&mut self.stream.inbox().borrow_mut());
            match read {
                Some(read) => {
                    if self.stream.has_become_low() {
                        self.transport.resume_reading();
                    }
                    Poll::Ready(read)
                }
                None => {
                    if self.stream.takes_back_its_pause() {
                        self.transport.resume_reading();
                    }
                    self.stream.wait_for_arrival(context);
                    Poll::Pending
                }
            }
        }
    }
}

mod inbox {
    impl Inbox {
        fn at_end(
            &mut self,
            eof: impl FnOnce(&mut ReadBuffer) -> ReadResult,
        ) -> Option<ReadResult> {
            if let End::Lost(lost) = &self.end {
                return Some(Err(ReadError::Lost(lost.clone())));
            }
            matches!(self.end, End::Eof).then(|| eof(&mut self.buffer))
        }

        pub(crate) fn try_read_until(&mut self, search: &mut Search<'_>) -> Option<ReadResult> {
            let line_max = self.limits.line_max();
            match search.find(&self.buffer) {
                Some(found) if found.start <= line_max => Some(Ok(self.buffer.take(found.end))),
                Some(found) => {
                    Some(Err(ReadError::LimitOverrun { consumed: found.start, found: true }))
                }
                None if search.looked() > line_max => {
                    Some(Err(ReadError::LimitOverrun { consumed: search.looked(), found: false }))
                }
                None => self.at_end(|buffer| {
                    let partial = buffer.take_all().into_vec();
                    Err(ReadError::Incomplete { partial, expected: None })
                }),
            }
        }
    }
}

mod start_server {
    pub async fn start_server<H, F>(
        handle: H,
        at: impl Into<ServerOptions>,
        limits: StreamLimits,
    ) -> io::Result<Server>
    where
        H: Fn(StreamReader, StreamWriter) -> F + 'static,
        F: Future + 'static,
        F::Output: Outcome + 'static,
    {
        let handle = Rc::new(handle);
        let protocol = move || {
            let handle = Rc::clone(&handle);
            StreamProtocol::new(limits, move |reader, writer| {
                let (transport, event_loop) = (Rc::clone(writer.transport()), running_loop()?);
                let task = event_loop.spawn(handle(reader, writer))?;
                let watching = event_loop.clone();
                let watch = async move { handler_is_done(&watching, &*transport, task.await) };
                event_loop.spawn(watch)?.detach();
                Ok(())
            })
        };
        create_server(protocol, at).await
    }

    fn handler_is_done(
        event_loop: &LoopHandle,
        transport: &dyn Transport,
        outcome: Result<impl Outcome, JoinError>,
    ) {
        let failure = match &outcome {
            Ok(value) => value.failure().map(ToString::to_string),
            Err(JoinError::Cancelled) => return transport.close(),
            Err(error) => Some(error.to_string()),
        };
        if let Some(failure) = failure {
            let context = ErrorContext::new("a handler failed").with_error(failure);
            event_loop.call_exception_handler(&context);
            transport.close();
        }
    }
}
