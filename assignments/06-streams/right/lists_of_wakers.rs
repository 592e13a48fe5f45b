//! differs: Futures by hand: lists of wakers in place of cells for those who wait for room and for
//! the end, a read by number that collects nothing and looks at the count alone, and a search that
//! looks at each byte as an end.

mod stream {
    pub(crate) struct Stream {
        pub(crate) event_loop: LoopHandle,
        inbox: RefCell<Inbox>,
        reader_waker: Cell<Option<Waker>>,
        reader_waits: Cell<bool>,
        reader_paused: Cell<bool>,
        resumed: RefCell<Option<FutureCell<WaitResult>>>,
        lost: RefCell<Option<ConnectionLost>>,
        closed: RefCell<Option<FutureCell<WaitResult>>>,
        pub(crate) writing_is_paused: Cell<bool>,
        pub(crate) drains: RefCell<Vec<Waker>>,
        pub(crate) ends: RefCell<Vec<Waker>>,
    }

    impl Stream {
        pub(crate) fn new(limits: StreamLimits) -> Result<Rc<Stream>, NoRunningLoop> {
            Ok(Rc::new(Stream {
                event_loop: running_loop()?,
                inbox: RefCell::new(Inbox::new(limits)),
                reader_waker: Cell::new(None),
                reader_waits: Cell::new(false),
                reader_paused: Cell::new(false),
                resumed: RefCell::default(),
                lost: RefCell::default(),
                closed: RefCell::default(),
                writing_is_paused: Cell::new(false),
                drains: RefCell::default(),
                ends: RefCell::default(),
            }))
        }

        pub(crate) fn pause_writing(&self) {
            self.writing_is_paused.set(true);
        }

        fn release_drains(&self, _outcome: WaitResult) {
            self.writing_is_paused.set(false);
            // Taken first, for a waker may be code of others.
            self.drains.take().into_iter().for_each(Waker::wake);
        }

        pub(crate) fn has_ended(&self, lost: ConnectionLost) {
            self.inbox.borrow_mut().feed_loss(lost.clone());
            self.lost.replace(Some(lost.clone()));
            self.ends.take().into_iter().for_each(Waker::wake);
            self.release_drains(Err(lost));
            self.wake_reader();
        }

        pub(crate) fn is_to_pause(&self) -> bool {
            let (kept, most) = {
                let inbox = self.inbox.borrow();
                (inbox.kept(), inbox.limits().kept_max())
            };
            if kept <= most {
                return false;
            }
            self.reader_paused.set(true);
            true
        }

        pub(crate) fn has_become_low(&self) -> bool {
            if !self.reader_paused.get() {
                return false;
            }
            let inbox = self.inbox.borrow();
            let is_high = inbox.kept() > inbox.limits().kept_max() / 2;
            self.reader_paused.set(is_high);
            !is_high
        }
    }
}

mod stream_writer {
    use std::future::poll_fn;
    use std::task::Poll;

    impl StreamWriter {
        pub async fn drain(&self) -> Result<(), ConnectionLost> {
            if self.transport.is_closing() {
                yield_now().await;
            } else {
                self.stream.give_way().await;
            }
            poll_fn(|context| {
                if let Some(lost) = self.stream.lost() {
                    Poll::Ready(Err(lost))
                } else if self.stream.writing_is_paused.get() {
                    self.stream.drains.borrow_mut().push(context.waker().clone());
                    Poll::Pending
                } else {
                    Poll::Ready(Ok(()))
                }
            })
            .await
        }
    }
}

mod wait_closed {
    impl Future for WaitClosed {
        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<WaitResult> {
            match self.stream.outcome() {
                Some(outcome) => Poll::Ready(outcome),
                None => {
                    self.stream.ends.borrow_mut().push(context.waker().clone());
                    Poll::Pending
                }
            }
        }
    }
}

mod stream_reader {
    impl StreamReader {
        pub async fn readexactly(&mut self, count: usize) -> ReadResult {
            // An attempt that takes nothing, until there is enough or no more to come.
            let tried = self.wait_for(|inbox| inbox.try_read_exactly(count)).await;
            tried.map(|bytes| bytes.into_vec()).map(Chunk::new)
        }
    }
}

mod inbox {
    impl Inbox {
        pub(crate) fn try_read(&mut self, max: usize) -> Option<ReadResult> {
            match max.min(self.kept()) {
                0 if max > 0 => self.at_end(|buffer| Ok(buffer.take_all())),
                0 => Some(Ok(Chunk::default())),
                count => Some(Ok(self.buffer.take(count))),
            }
        }
    }
}

mod search {
    impl<'a> Search<'a> {
        pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<Found> {
            for end in self.looked + 1..=bytes.len() {
                let ends_here = |separator: &&&[u8]| {
                    end - self.looked >= separator.len() && bytes[..end].ends_with(separator)
                };
                let shortest =
                    self.separators.iter().filter(ends_here).map(|separator| separator.len()).min();
                if let Some(length) = shortest {
                    return Some(Found { start: end - length, end });
                }
            }
            self.looked = self.looked.max((bytes.len() + 1).saturating_sub(self.longest));
            None
        }
    }
}
