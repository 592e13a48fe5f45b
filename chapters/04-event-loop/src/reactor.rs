use crate::contained::{self, contained};
use crate::observed::Observed;
use crate::waiters::{WaitNumber, Waiters};
use chapter_03::{
    Backend, Event, Interest, Mode, Readiness, Selector, SelectorKind, Source, Token,
};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

/// Makes wake-ups of readiness: it alone asks the kernel, and it alone knows which task waits for
/// which socket.
pub(crate) struct Reactor {
    /// `None` once the loop is closed.
    selector: RefCell<Option<Sources>>,
    /// Whether the selector must be told what is wanted. Over edges it watches everything.
    settles: Cell<bool>,
    events: RefCell<Vec<Event>>,
}

type Sources = Selector<Rc<dyn Source>, Rc<Watched>>;

/// What is known of a source, and who is told of it.
#[derive(Default)]
pub(crate) struct Watched {
    /// Set by a report, cleared by an operation that disproves it: see [`Selector::watch`].
    pub(crate) readiness: Cell<Readiness>,
    pub(crate) audience: Audience,
}

/// Who is told of the reports of a source.
pub(crate) enum Audience {
    /// Tasks that wait for a direction.
    Tasks { readers: Waiters, writers: Waiters },
    /// One observer, which has a turn of its own in the ready queue.
    Observer(Observed),
}

/// One direction of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Reactor {
    pub(crate) fn new(kind: SelectorKind) -> io::Result<Reactor> {
        Ok(Reactor::over(Selector::new(kind)?))
    }

    pub(crate) fn with_backend(backend: Box<dyn Backend<Rc<dyn Source>>>) -> Reactor {
        Reactor::over(Selector::with_backend(backend))
    }

    fn over(selector: Sources) -> Reactor {
        Reactor {
            settles: Cell::new(selector.mode() != Mode::Edge),
            selector: RefCell::new(Some(selector)),
            events: RefCell::default(),
        }
    }

    pub(crate) fn waker(&self) -> chapter_03::Waker {
        let selector = self.selector.borrow();
        selector.as_ref().expect("a loop begins with an open reactor").waker()
    }

    /// Takes a source into possession, and knows nothing of it yet: each direction may be ready
    /// (SA-01).
    pub(crate) fn register(&self, source: Rc<dyn Source>) -> io::Result<(Token, Rc<Watched>)> {
        let (token, watched) = self.register_for(source, Direction::Read)?;
        watched.readiness.set(Readiness::READABLE | Readiness::WRITABLE);
        Ok((token, watched))
    }

    /// Takes a source into possession, for somebody who waits for the first report of a direction.
    pub(crate) fn register_for(
        &self,
        source: Rc<dyn Source>,
        direction: Direction,
    ) -> io::Result<(Token, Rc<Watched>)> {
        let watched = Rc::<Watched>::default();
        let token = self.watch(source, Rc::clone(&watched), direction.interest())?;
        Ok((token, watched))
    }

    /// Takes a source into possession, and tells an observer of what is wanted of it.
    pub(crate) fn register_observed(
        &self,
        source: Rc<dyn Source>,
    ) -> io::Result<(Token, Rc<Watched>)> {
        let audience = Audience::Observer(Observed::default());
        // Nothing has arrived that is known of; what is sent is simply tried.
        let watched = Rc::new(Watched { readiness: Cell::new(Readiness::WRITABLE), audience });
        let token = self.watch(source, Rc::clone(&watched), Interest::READ)?;
        Ok((token, watched))
    }

    fn watch(
        &self,
        source: Rc<dyn Source>,
        watched: Rc<Watched>,
        wanted: Interest,
    ) -> io::Result<Token> {
        self.with(|selector| selector.watch(source, watched, wanted))
    }

    /// The kernel forgets the source, at once, and nobody is woken for it any more.
    pub(crate) fn unregister(&self, token: Token) -> io::Result<()> {
        let (source, watched) = self.with(|selector| selector.unregister(token))?;
        drop((source, watched));
        Ok(())
    }

    /// Has the kernel report a direction of a source, even if it has reported it before.
    pub(crate) fn report_again(
        &self,
        token: Token,
        watched: &Watched,
        direction: Direction,
    ) -> io::Result<()> {
        self.with(|selector| match selector.mode() {
            Mode::Edge => selector.modify(token, Interest::BOTH),
            Mode::Level | Mode::Oneshot => {
                let wanted = watched.wanted() | direction.interest();
                selector.settle(token, wanted, Readiness::NONE)
            }
        })
    }

    /// Waits for the kernel, once. Says how many sources it has reported.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<usize> {
        let mut events = self.events.take();
        let outcome = self.with(|selector| selector.select(&mut events, timeout));
        let count = events.len();
        *self.events.borrow_mut() = events;
        outcome.map(|()| count)
    }

    /// Wakes the tasks that wait for what was reported, and gives out the observers that are to have
    /// a turn.
    pub(crate) fn deliver(&self, mut give_turn: impl FnMut(Rc<Watched>)) {
        let mut events = self.events.take();
        contained::for_each(events.drain(..), |event| {
            let Some(watched) = self.note(event) else { return };
            let directions = event.readiness.directions();
            match &watched.audience {
                Audience::Tasks { readers, writers } => wake(readers, writers, directions),
                Audience::Observer(observed) => {
                    if observed.is_to_be_told(directions) {
                        give_turn(watched);
                    }
                }
            }
        });
        *self.events.borrow_mut() = events;
    }

    /// Adds a report to what is known of its source.
    fn note(&self, event: Event) -> Option<Rc<Watched>> {
        let mut selector = self.selector.borrow_mut();
        let selector = selector.as_mut()?;
        let watched = Rc::clone(selector.get(event.token)?.1);
        watched.readiness.set(watched.readiness.get() | event.readiness);
        if self.settles.get() {
            // Who waits now will most likely want the same again. It fails where the kernel has no
            // memory for the interest: then the next wait for the source is refused.
            let _ = selector.settle(event.token, watched.wanted(), event.readiness);
        }
        Some(watched)
    }

    /// Has a task woken when a direction of a source is reported. Gives the number of its wait.
    ///
    /// # Errors
    ///
    /// The kernel refuses to watch the source; nobody waits then.
    #[inline]
    pub(crate) fn wait_for(
        &self,
        token: Token,
        watched: &Watched,
        direction: Direction,
        waker: &Waker,
    ) -> io::Result<WaitNumber> {
        let waiters =
            watched.waiters(direction).expect("who waits for a source does not observe it");
        let number = waiters.enter(waker);
        if let Err(error) = self.settle_wanted(token, watched) {
            watched.leave(direction, number);
            return Err(error);
        }
        Ok(number)
    }

    /// Brings what the kernel watches into line with what is wanted now.
    #[inline]
    pub(crate) fn settle_wanted(&self, token: Token, watched: &Watched) -> io::Result<()> {
        if self.settles.get() { self.settle(token, watched) } else { Ok(()) }
    }

    fn settle(&self, token: Token, watched: &Watched) -> io::Result<()> {
        self.with(|selector| selector.settle(token, watched.wanted(), Readiness::NONE))
    }

    pub(crate) fn len(&self) -> usize {
        self.selector.borrow().as_ref().map_or(0, Selector::len)
    }

    /// Lets the kernel forget every source. What is asked later is refused.
    pub(crate) fn close(&self) -> impl Sized {
        // Whoever waits from now on has to ask, and is refused.
        self.settles.set(true);
        self.selector.take()
    }

    /// Everything that has an observer.
    pub(crate) fn observed(&self) -> Vec<Rc<Watched>> {
        let selector = self.selector.borrow();
        let all = selector.iter().flat_map(Selector::data);
        let is_observed =
            |watched: &&Rc<Watched>| matches!(watched.audience, Audience::Observer(_));
        all.filter(is_observed).map(Rc::clone).collect()
    }

    fn with<R>(&self, ask: impl FnOnce(&mut Sources) -> io::Result<R>) -> io::Result<R> {
        match &mut *self.selector.borrow_mut() {
            Some(selector) => ask(selector),
            None => Err(io::Error::new(ErrorKind::NotConnected, crate::LoopClosed)),
        }
    }
}

impl Watched {
    /// Withdraws a wait that is over or was given up.
    #[inline]
    pub(crate) fn leave(&self, direction: Direction, number: WaitNumber) {
        if let Some(waiters) = self.waiters(direction) {
            waiters.leave(number);
        }
    }

    #[inline]
    fn waiters(&self, direction: Direction) -> Option<&Waiters> {
        match (&self.audience, direction) {
            (Audience::Tasks { readers, .. }, Direction::Read) => Some(readers),
            (Audience::Tasks { writers, .. }, Direction::Write) => Some(writers),
            (Audience::Observer(_), _) => None,
        }
    }

    #[inline]
    fn wanted(&self) -> Interest {
        match &self.audience {
            Audience::Tasks { readers, writers } => {
                Interest::READ.when(!readers.is_empty()) | Interest::WRITE.when(!writers.is_empty())
            }
            Audience::Observer(observed) => observed.wanted(),
        }
    }
}

/// Readers before writers (LP-23).
#[inline]
fn wake(readers: &Waiters, writers: &Waiters, directions: Interest) {
    if directions.contains(Interest::READ) {
        // A waker of others may panic. Where nobody waits for the other direction, the loop over
        // all sources contains that, for less.
        if writers.is_empty() {
            readers.wake();
        } else {
            let _ = contained(|| readers.wake());
        }
    }
    if directions.contains(Interest::WRITE) {
        writers.wake();
    }
}

impl Default for Audience {
    fn default() -> Audience {
        Audience::Tasks { readers: Waiters::default(), writers: Waiters::default() }
    }
}

impl Direction {
    fn interest(self) -> Interest {
        match self {
            Direction::Read => Interest::READ,
            Direction::Write => Interest::WRITE,
        }
    }

    /// What says that it is ready.
    pub(crate) fn flag(self) -> Readiness {
        match self {
            Direction::Read => Readiness::READABLE,
            Direction::Write => Readiness::WRITABLE,
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("readiness", &self.readiness)
            .field("wanted", &self.wanted())
            .finish()
    }
}
