//! The connecting side of a connection under test: a protocol that notes what it is told.

#![allow(dead_code, reason = "each test file uses a part of this")]

use chapter_03::SelectorKind;
use chapter_04::{run_with, timeout, yield_now};
use chapter_05::{BaseProtocol, CallbackResult, ConnectionError, Protocol, Transport};
use std::cell::RefCell;
use std::fs;
use std::rc::Rc;
use std::sync::OnceLock;
use std::thread;

use crate::alone::alone;
use crate::net::{LIMIT, event_loop, within};

/// How many descriptors the process has without a test.
static OUTSIDE: OnceLock<usize> = OnceLock::new();

/// Runs a test over both selectors, and no other one meanwhile, whose descriptors would be counted
/// with its own.
pub(crate) fn counted<F>(test: impl Fn() -> F + Copy + Send + 'static)
where
    F: Future<Output = ()> + 'static,
{
    let _alone = alone();
    let outside = *OUTSIDE.get_or_init(descriptors);
    for kind in [SelectorKind::Mio, SelectorKind::Polling] {
        within(2 * LIMIT, &format!("{kind}: the loop is blocked"), move || {
            // A thread that looks up names may outlive its loop, and have the last of its waker.
            while descriptors() != outside {
                thread::yield_now();
            }
            let test = async move {
                // From now on the timer of the limit is set.
                yield_now().await;
                test().await;
            };
            let outcome = run_with(kind, async move { timeout(LIMIT, test).await });
            outcome
                .unwrap_or_else(|error| panic!("over {kind}: {error}"))
                .expect("the test ends in time");
        });
    }
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// How many descriptors are open, and how many sources, timers and tasks the loop has.
pub(crate) fn holds() -> [usize; 4] {
    let census = event_loop().census();
    [descriptors(), census.sources, census.timers, census.tasks]
}

/// What the protocols of a test were told, in order. Clones are the same list.
#[derive(Clone, Default)]
pub(crate) struct Notes(Rc<RefCell<Vec<String>>>);

impl Notes {
    pub(crate) fn new() -> Notes {
        Notes::default()
    }

    /// A protocol that notes here.
    pub(crate) fn caller(&self, first: First) -> Caller {
        self.note("asked");
        Caller { notes: self.clone(), first }
    }

    /// A factory of one that does nothing else.
    pub(crate) fn factory(&self) -> impl FnOnce() -> Caller + use<> {
        let notes = self.clone();
        move || notes.caller(First::Nothing)
    }

    fn note(&self, text: impl Into<String>) {
        self.0.borrow_mut().push(text.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.0.borrow().iter().any(|note| note == text)
    }
}

/// What a protocol does when its connection is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    Nothing,
    Close,
    Fail,
    Panic,
}

pub(crate) struct Caller {
    notes: Notes,
    first: First,
}

impl BaseProtocol for Caller {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.notes.note("made");
        match self.first {
            First::Nothing => Ok(()),
            First::Close => {
                transport.close();
                Ok(())
            }
            First::Fail => Err("I do not like it".into()),
            First::Panic => panic!("I am afraid"),
        }
    }

    fn connection_lost(&mut self, _: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        self.notes.note(error.map_or("lost".to_owned(), |error| format!("lost: {error}")));
    }
}

impl Protocol for Caller {
    fn data_received(&mut self, _: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.notes.note(data.escape_ascii().to_string());
        Ok(())
    }
}
