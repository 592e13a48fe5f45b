//! mistake: There is one place for one waiter, and who comes later takes it from who was there
//! before.
//! rejected by: 6.1 everybody_who_waits_for_room_is_woken_when_there_is_some

mod stream {
    pub(crate) struct Stream {
        pub(crate) event_loop: LoopHandle,
        inbox: RefCell<Inbox>,
        reader_waker: Cell<Option<Waker>>,
        reader_waits: Cell<bool>,
        reader_paused: Cell<bool>,
        resumed: RefCell<Option<FutureCell<WaitResult>>>,
        pub(crate) writing_paused: Cell<bool>,
        pub(crate) drain_waker: Cell<Option<Waker>>,
        lost: RefCell<Option<ConnectionLost>>,
        closed: RefCell<Option<FutureCell<WaitResult>>>,
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
                writing_paused: Cell::new(false),
                drain_waker: Cell::new(None),
                lost: RefCell::default(),
                closed: RefCell::default(),
            }))
        }

        pub(crate) fn pause_writing(&self) {
            self.writing_paused.set(true);
        }

        fn release_drains(&self, _outcome: WaitResult) {
            self.writing_paused.set(false);
            if let Some(waker) = self.drain_waker.take() {
                waker.wake();
            }
        }
    }
}

mod stream_writer {
    impl StreamWriter {
        pub async fn drain(&self) -> Result<(), ConnectionLost> {
            self.stream.give_way().await;
            std::future::poll_fn(|context| match self.stream.lost() {
                Some(lost) => std::task::Poll::Ready(Err(lost)),
                None if self.stream.writing_paused.get() => {
                    self.stream.drain_waker.set(Some(context.waker().clone()));
                    std::task::Poll::Pending
                }
                None => std::task::Poll::Ready(Ok(())),
            })
            .await
        }
    }
}
