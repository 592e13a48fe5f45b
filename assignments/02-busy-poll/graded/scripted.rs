//! A socket without a kernel: its answers are written down, and each question is noted.

use chapter_02::TryIo;
use grading::{Notes, Story, Trial, shown};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::task::Poll;

/// How often something may be asked in one turn. Nobody who asks so often ever goes on.
const PATIENCE: usize = 30;

/// How often a socket was asked in this turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) accepts: usize,
    pub(crate) receives: usize,
    pub(crate) sends: usize,
}

/// A socket. Clones are the same one: a check keeps a clone of what it gives away.
///
/// Where nothing is written down any more, nothing is there to be accepted or received, and
/// everything sent is taken.
#[derive(Clone)]
pub(crate) struct Scripted {
    state: Rc<State>,
}

struct State {
    name: String,
    notes: Notes,
    accepts: RefCell<VecDeque<io::Result<Scripted>>>,
    receives: RefCell<VecDeque<Result<Vec<u8>, ErrorKind>>>,
    /// No byte taken is "not yet".
    takes: RefCell<VecDeque<Result<usize, ErrorKind>>>,
    is_stuck: Cell<bool>,
    /// Whether nobody wants to read of what is asked.
    is_quiet: Cell<bool>,
    sent: RefCell<Vec<u8>>,
    asked: Cell<Asked>,
}

impl Scripted {
    pub(crate) fn new(trial: &Trial, name: impl Into<String>) -> Scripted {
        let state = State {
            name: name.into(),
            notes: trial.notes(),
            accepts: RefCell::default(),
            receives: RefCell::default(),
            takes: RefCell::default(),
            is_stuck: Cell::new(false),
            is_quiet: Cell::new(false),
            sent: RefCell::default(),
            asked: Cell::default(),
        };
        Scripted { state: Rc::new(state) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.state.name
    }

    pub(crate) fn will_accept(&self, outcome: io::Result<Scripted>) {
        self.state.accepts.borrow_mut().push_back(outcome);
    }

    /// The next bytes to be received: none of them is the end.
    pub(crate) fn will_receive(&self, bytes: &[u8]) {
        self.state.receives.borrow_mut().push_back(Ok(bytes.to_vec()));
    }

    pub(crate) fn will_not_receive(&self, kind: ErrorKind) {
        self.state.receives.borrow_mut().push_back(Err(kind));
    }

    /// How many bytes the next sends take; none of them is "not yet".
    pub(crate) fn will_take(&self, counts: impl IntoIterator<Item = usize>) {
        self.state.takes.borrow_mut().extend(counts.into_iter().map(Ok));
    }

    pub(crate) fn will_not_take(&self, kind: ErrorKind) {
        self.state.takes.borrow_mut().push_back(Err(kind));
    }

    /// Until further notice, says whether nothing is taken.
    pub(crate) fn set_stuck(&self, stuck: bool) {
        self.state.is_stuck.set(stuck);
    }

    /// Until further notice, says whether questions go unnoted.
    pub(crate) fn set_quiet(&self, quiet: bool) {
        self.state.is_quiet.set(quiet);
    }

    /// Everything that was taken.
    pub(crate) fn sent(&self) -> Vec<u8> {
        self.state.sent.borrow().clone()
    }

    /// What was asked since the last call: a turn has ended.
    pub(crate) fn asked(&self) -> Asked {
        self.state.asked.take()
    }

    /// Whether nobody but the check has the socket any more: the server has closed it.
    pub(crate) fn is_closed(&self) -> bool {
        Rc::strong_count(&self.state) == 1
    }

    fn count(&self, one: impl FnOnce(&mut Asked)) {
        let mut asked = self.state.asked.get();
        one(&mut asked);
        self.state.asked.set(asked);
        if asked.accepts + asked.receives + asked.sends > PATIENCE {
            lose_patience(&self.state.name);
        }
    }

    fn saw<T>(
        &self,
        call: &str,
        answer: io::Result<Poll<T>>,
        describe: impl FnOnce(&T) -> String,
    ) -> io::Result<Poll<T>> {
        if !self.state.is_quiet.get() {
            let said = match &answer {
                Ok(Poll::Ready(value)) => describe(value),
                Ok(Poll::Pending) => "not yet".to_owned(),
                Err(error) => error.to_string(),
            };
            self.state.notes.saw(format_args!("{}: {call}: {said}", self.state.name));
        }
        answer
    }
}

impl TryIo for Scripted {
    fn try_accept(&self) -> io::Result<Poll<(Scripted, SocketAddr)>> {
        self.count(|asked| asked.accepts += 1);
        let answer = match self.state.accepts.borrow_mut().pop_front() {
            Some(Ok(socket)) => Ok(Poll::Ready((socket, peer()))),
            Some(Err(error)) => Err(error),
            None => Ok(Poll::Pending),
        };
        self.saw("try_accept", answer, |(socket, _)| socket.name().to_owned())
    }

    fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Poll<usize>> {
        self.count(|asked| asked.receives += 1);
        let next = self.state.receives.borrow_mut().pop_front();
        let answer = match next {
            Some(Ok(mut bytes)) => {
                let count = bytes.len().min(buffer.len());
                buffer[..count].copy_from_slice(&bytes[..count]);
                if count < bytes.len() {
                    let rest = bytes.split_off(count);
                    self.state.receives.borrow_mut().push_front(Ok(rest));
                }
                Ok(Poll::Ready(count))
            }
            Some(Err(kind)) => Err(kind.into()),
            None => Ok(Poll::Pending),
        };
        self.saw("try_recv", answer, |&count| match count {
            0 => "the end".to_owned(),
            count => shown(&buffer[..count]),
        })
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<Poll<usize>> {
        self.count(|asked| asked.sends += 1);
        let next = match self.state.is_stuck.get() {
            true => Some(Ok(0)),
            false => self.state.takes.borrow_mut().pop_front(),
        };
        let answer = match next {
            Some(Ok(0)) => Ok(Poll::Pending),
            Some(Err(kind)) => Err(kind.into()),
            Some(Ok(count)) => Ok(Poll::Ready(count.min(bytes.len()))),
            None => Ok(Poll::Ready(bytes.len())),
        };
        if let Ok(Poll::Ready(count)) = answer {
            self.state.sent.borrow_mut().extend_from_slice(&bytes[..count]);
        }
        self.saw("try_send", answer, |&count| match count == bytes.len() {
            true => format!("takes {}", shown(bytes)),
            false => format!("takes {count} of {}", shown(bytes)),
        })
    }
}

/// The address of every client.
pub(crate) fn peer() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

/// Somebody was asked once too often.
struct Impatient {
    name: String,
}

/// Takes back the turn of a program that asks `name` for ever. It is no panic: nothing is printed.
pub(crate) fn lose_patience(name: &str) -> ! {
    resume_unwind(Box::new(Impatient { name: name.to_owned() }))
}

/// Runs `body`, unless it asks somebody for ever; then that is the story.
pub(crate) fn patiently<T>(
    trial: &Trial,
    why: &str,
    body: impl FnOnce() -> T,
) -> Result<T, Box<Story>> {
    catch_unwind(AssertUnwindSafe(body)).or_else(|payload| match payload.downcast::<Impatient>() {
        Ok(impatient) => {
            let name = impatient.name;
            let expected = format!("{name} is asked, and then it is somebody else's turn");
            let came = format!("{name} is asked again and again, without end");
            trial.fail(expected, came, why).map(|()| unreachable!("a story was told"))
        }
        Err(payload) => resume_unwind(payload),
    })
}

/// The answer of a call, for a story.
pub(crate) fn described<T>(
    answer: &io::Result<Poll<T>>,
    describe: impl FnOnce(&T) -> String,
) -> String {
    match answer {
        Ok(Poll::Ready(value)) => describe(value),
        Ok(Poll::Pending) => "\"not yet\"".to_owned(),
        Err(error) => format!("the error {:?}", error.kind()),
    }
}
