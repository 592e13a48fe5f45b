//! A back end for tests: it reports what a test has written down, and writes down what it is asked.

use crate::backend::{Backend, Mode};
use crate::event::{Event, Interest, Readiness, Token};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// A back end without a kernel. Clones share one state, so that a test keeps a clone of what it has
/// given away.
///
/// Sources are known by their number in the order in which they were first added, from 0.
///
/// ```
/// use chapter_03::{Interest, Mode, Readiness, Selector, fake::{Call, FakeBackend}};
///
/// let backend = FakeBackend::new(Mode::Edge);
/// let mut selector = Selector::with_backend(Box::new(backend.clone()));
/// let token = selector.register("a source", (), Interest::READ)?;
/// backend.report([(0, Readiness::READABLE)]);
/// let mut events = Vec::new();
/// selector.select(&mut events, None)?;
/// assert_eq!(events[0].token, token);
/// assert_eq!(backend.take_calls(), [Call::Add(0, Interest::READ), Call::Wait(None)]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FakeBackend {
    mode: Mode,
    state: Rc<RefCell<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The token of each source, in the order of their numbers.
    sources: Vec<Token>,
    reports: VecDeque<Vec<(usize, Readiness)>>,
    failures: VecDeque<io::Error>,
    calls: Vec<Call>,
}

/// What a back end was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// To watch a source.
    Add(usize, Interest),
    /// To watch it for something else.
    Modify(usize, Interest),
    /// To forget one.
    Remove,
    /// To wait.
    Wait(Option<Duration>),
}

impl FakeBackend {
    /// A back end that claims to report in this mode. What it reports is the test's business.
    pub fn new(mode: Mode) -> FakeBackend {
        FakeBackend { mode, state: Rc::default() }
    }

    /// What the next wait gives, behind those already written down.
    pub fn report(&self, events: impl IntoIterator<Item = (usize, Readiness)>) {
        self.state.borrow_mut().reports.push_back(events.into_iter().collect());
    }

    /// Makes the next add, modify or remove fail.
    pub fn fail_next(&self, error: io::Error) {
        self.state.borrow_mut().failures.push_back(error);
    }

    /// What was asked since the last time.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state.borrow_mut().calls)
    }

    fn asked(&self, call: Call) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.calls.push(call);
        state.failures.pop_front().map_or(Ok(()), Err)
    }

    fn number(&self, token: Token) -> usize {
        let sources = &mut self.state.borrow_mut().sources;
        sources.iter().position(|known| *known == token).unwrap_or_else(|| {
            sources.push(token);
            sources.len() - 1
        })
    }
}

impl<S> Backend<S> for FakeBackend {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn add(&mut self, _: &S, token: Token, interest: Interest) -> io::Result<()> {
        self.asked(Call::Add(self.number(token), interest))
    }

    fn modify(&mut self, _: &S, token: Token, interest: Interest) -> io::Result<()> {
        self.asked(Call::Modify(self.number(token), interest))
    }

    fn remove(&mut self, _: &S) -> io::Result<()> {
        self.asked(Call::Remove)
    }

    /// # Panics
    ///
    /// If nothing is written down and the wait would have no end: in a test, a hang is a failure.
    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        _: usize,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.calls.push(Call::Wait(timeout));
        let reports = state.reports.pop_front();
        assert!(reports.is_some() || timeout.is_some(), "the selector would wait for ever");
        events.extend(
            reports
                .into_iter()
                .flatten()
                .map(|(number, readiness)| Event { token: state.sources[number], readiness }),
        );
        Ok(())
    }

    fn wake(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| {})
    }
}
