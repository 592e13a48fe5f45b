//! mistake: One waker is kept for those who wait for the end: all but the last of them wait for
//! ever.
//! rejected by: 6.1 everybody_who_waits_for_the_end_is_told_how_it_was

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
        pub(crate) closed_waker: Cell<Option<Waker>>,
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
                closed_waker: Cell::new(None),
            }))
        }

        pub(crate) fn has_ended(&self, lost: ConnectionLost) {
            self.inbox.borrow_mut().feed_loss(lost.clone());
            self.lost.replace(Some(lost.clone()));
            self.wake_reader();
            self.release_drains(Err(lost));
            if let Some(waker) = self.closed_waker.take() {
                waker.wake();
            }
        }
    }
}

mod wait_closed {
    impl Future for WaitClosed {
        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<WaitResult> {
            match self.stream.outcome() {
                Some(outcome) => Poll::Ready(outcome),
                None => {
                    self.stream.closed_waker.set(Some(context.waker().clone()));
                    Poll::Pending
                }
            }
        }
    }
}
