use crate::connection_lost::ConnectionLost;
use crate::inbox::Inbox;
use crate::stream_limits::StreamLimits;
use chapter_04::{FutureCell, LoopHandle, NoRunningLoop, contained, running_loop};
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
    /// The one task that reads, while it waits, and between its waits: to clone its waker each time
    /// would be two changes of a counter that all processors share.
    reading: Cell<Option<Waker>>,
    waits: Cell<bool>,
    /// Whether reading was paused because too much is kept.
    reader_paused: Cell<bool>,
    /// There while the protocol is told to pause writing: done when it may go on, or cannot any more.
    resumed: RefCell<Option<FutureCell<Outcome>>>,
    /// How the connection has ended, once it has.
    lost: RefCell<Option<ConnectionLost>>,
    /// There while somebody waits for the end: done then.
    closed: RefCell<Option<FutureCell<Outcome>>>,
}

/// Whether everything that was written has gone out. A copy for each who asks.
pub(crate) type Outcome = Result<(), ConnectionLost>;

impl Stream {
    pub(crate) fn new(limits: StreamLimits) -> Result<Rc<Stream>, NoRunningLoop> {
        Ok(Rc::new(Stream {
            event_loop: running_loop()?,
            inbox: RefCell::new(Inbox::new(limits)),
            reading: Cell::new(None),
            waits: Cell::new(false),
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
        let (waker, old) = match self.reading.take() {
            Some(kept) if kept.will_wake(context.waker()) => (kept, None),
            old => (context.waker().clone(), old),
        };
        self.reading.set(Some(waker));
        self.waits.set(true);
        // Its destructor may be code of others that comes back here, and is to find this wait.
        drop(old);
    }

    /// Wakes who waits for something to read.
    #[inline]
    pub(crate) fn wake_reader(&self) {
        if !self.waits.replace(false) {
            return;
        }
        // Taken out, because a waker may be code of others that comes back here.
        if let Some(waker) = self.reading.take() {
            waker.wake_by_ref();
            let later = self.reading.take();
            self.reading.set(Some(later.unwrap_or(waker)));
        }
    }

    pub(crate) fn pause_writing(&self) {
        self.resumed.borrow_mut().get_or_insert_with(|| self.event_loop.create_future());
    }

    pub(crate) fn resume_writing(&self) {
        self.release_drains(Ok(()));
    }

    fn release_drains(&self, outcome: Outcome) {
        let resumed = self.resumed.take();
        if let Some(resumed) = resumed {
            // Only this sets it.
            let _ = resumed.set_result(outcome);
        }
    }

    /// What a drain has to wait for, if it has.
    pub(crate) fn resumed(&self) -> Option<FutureCell<Outcome>> {
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
            let _ = closed.set_result(self.outcome_of(lost));
        }
    }

    /// How the connection has ended, once it has.
    pub(crate) fn lost(&self) -> Option<ConnectionLost> {
        self.lost.borrow().clone()
    }

    /// The end, as it is told to those who wait for it. `None` if it has not come.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.lost().map(|lost| self.outcome_of(lost))
    }

    fn outcome_of(&self, lost: ConnectionLost) -> Outcome {
        if lost.is_failure() { Err(lost) } else { Ok(()) }
    }

    /// What is done when the connection has ended. Any number of tasks may await it (D-23).
    pub(crate) fn closed(&self) -> FutureCell<Outcome> {
        let mut closed = self.closed.borrow_mut();
        closed.get_or_insert_with(|| self.event_loop.create_future()).clone()
    }

    /// Lets the others have a turn, if the running task has done much without one.
    pub(crate) async fn give_way(&self) {
        std::future::poll_fn(|context| {
            if self.event_loop.may_go_on(context) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
