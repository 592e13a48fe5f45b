use crate::connection_lost::ConnectionLost;
use crate::inbox::Inbox;
use crate::stream_limits::StreamLimits;
use chapter_04::{FutureCell, GaveWay, LoopHandle, NoRunningLoop, contained, running_loop};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// What a [`StreamReader`](crate::StreamReader), a [`StreamWriter`](crate::StreamWriter) and the
/// protocol below them share: here the callbacks of chapter 05 meet the tasks of chapter 04.
///
/// The three are its owners. The protocol writes into it what has happened, and wakes; the others
/// look, and wait. No borrow of a cell spans a wake-up or a call of a transport.
pub(crate) struct Stream {
    pub(crate) event_loop: LoopHandle,
    inbox: RefCell<Inbox>,
    /// Of the one task that reads. It is kept between its waits: to clone it each time would be two
    /// changes of a counter that all processors share.
    reader_waker: Cell<Option<Waker>>,
    /// Whether that task waits.
    reader_waits: Cell<bool>,
    /// Whether reading was paused because too much is kept.
    reader_paused: Cell<bool>,
    /// There while the protocol is told to pause writing: done when it may go on, or cannot any more.
    resumed: RefCell<Option<FutureCell<WaitResult>>>,
    /// How the connection has ended, once it has.
    lost: RefCell<Option<ConnectionLost>>,
    /// There while somebody waits for the end: done then.
    closed: RefCell<Option<FutureCell<WaitResult>>>,
}

/// What is told to those who wait at the writing end: a copy for each.
pub(crate) type WaitResult = Result<(), ConnectionLost>;

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
        }))
    }

    /// What has come.
    pub(crate) fn inbox(&self) -> &RefCell<Inbox> {
        &self.inbox
    }

    /// Whether the transport is to be paused: more is kept than there should be (RD-11). Asked with
    /// all that comes, for somebody else may have had the transport go on meanwhile.
    #[inline]
    pub(crate) fn is_to_pause(&self) -> bool {
        let inbox = self.inbox.borrow();
        let is_full = inbox.kept() > inbox.limits().kept_max();
        if is_full {
            self.reader_paused.set(true);
        }
        is_full
    }

    /// Whether it is time for the transport to go on: little is left. Once for each time that it was
    /// paused (RD-11).
    #[inline]
    pub(crate) fn has_become_low(&self) -> bool {
        let is_low = || {
            let inbox = self.inbox.borrow();
            inbox.kept() <= inbox.limits().kept_max() / 2
        };
        self.reader_paused.get() && is_low() && self.reader_paused.replace(false)
    }

    /// Whether the transport is paused, and must go on although there is much: somebody waits for
    /// more (RD-12), or another protocol has it now. Once for each time.
    pub(crate) fn takes_back_its_pause(&self) -> bool {
        self.reader_paused.replace(false)
    }

    /// Enters the one wait for something to read. The next wait replaces it, so one that was given up
    /// is no more than a task woken in vain.
    #[inline]
    pub(crate) fn wait_for_arrival(&self, context: &mut Context<'_>) {
        let (waker, old) = match self.reader_waker.take() {
            Some(kept) if kept.will_wake(context.waker()) => (kept, None),
            old => (context.waker().clone(), old),
        };
        self.reader_waker.set(Some(waker));
        self.reader_waits.set(true);
        // Its destructor may be code of others that comes back here, and is to find this wait.
        drop(old);
    }

    /// Wakes who waits for something to read.
    #[inline]
    pub(crate) fn wake_reader(&self) {
        if !self.reader_waits.replace(false) {
            return;
        }
        if let Some(waker) = self.reader_waker.take() {
            waker.wake_by_ref();
            // A waker may be code of others, which has come back here and left a later one.
            let later = self.reader_waker.take();
            self.reader_waker.set(Some(later.unwrap_or(waker)));
        }
    }

    pub(crate) fn pause_writing(&self) {
        self.resumed.borrow_mut().get_or_insert_with(|| self.event_loop.create_future());
    }

    pub(crate) fn resume_writing(&self) {
        self.release_drains(Ok(()));
    }

    fn release_drains(&self, outcome: WaitResult) {
        let resumed = self.resumed.take();
        if let Some(resumed) = resumed {
            // Only this sets it.
            let _ = resumed.set_result(outcome);
        }
    }

    /// What a drain has to wait for, if it has.
    pub(crate) fn resumed(&self) -> Option<FutureCell<WaitResult>> {
        self.resumed.borrow().clone()
    }

    /// The connection is lost: everybody who waits for anything is told (ST-08).
    pub(crate) fn has_ended(&self, lost: ConnectionLost) {
        self.inbox.borrow_mut().feed_loss(lost.clone());
        self.lost.replace(Some(lost.clone()));
        // A waker may panic, and those behind it are to be told all the same.
        let _ = contained(|| self.wake_reader());
        // One who still waits for room has bytes there that were thrown away (D-21).
        self.release_drains(Err(lost.clone()));
        let closed = self.closed.take();
        if let Some(closed) = closed {
            // Only this sets it.
            let _ = closed.set_result(lost.into_result());
        }
    }

    /// How the connection has ended, once it has.
    pub(crate) fn lost(&self) -> Option<ConnectionLost> {
        self.lost.borrow().clone()
    }

    /// The end, as it is told to those who wait for it. `None` if it has not come.
    pub(crate) fn outcome(&self) -> Option<WaitResult> {
        self.lost().map(ConnectionLost::into_result)
    }

    /// What is done when the connection has ended. Any number of tasks may await it (D-23).
    pub(crate) fn closed(&self) -> FutureCell<WaitResult> {
        let mut closed = self.closed.borrow_mut();
        closed.get_or_insert_with(|| self.event_loop.create_future()).clone()
    }

    /// Lets the others have a turn, if the running task has done much without one.
    pub(crate) async fn give_way(&self) {
        let mut gave_way = GaveWay::default();
        std::future::poll_fn(|context| match self.event_loop.may_go_on(&mut gave_way, context) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}
