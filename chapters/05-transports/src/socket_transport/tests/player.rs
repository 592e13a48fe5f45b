use super::choices::Choices;
use super::kernel::Arrival;
use super::rules::{Callback, Cause, Checked, Decision, Life, Rules, Seen};
use crate::any_protocol::{AnyProtocol, Buffered, ProtocolRef};
use crate::fake::FakeStream;
use crate::protocol::{
    AfterEof, BaseProtocol, BufferedProtocol, CallbackResult, ConnectionError, Protocol,
};
use crate::transport::{Transport, WriteError};
use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

/// The marks in the beginning. Small, so that a few bytes cross them.
pub(super) const MARKS: (usize, usize) = (2, 8);

/// How long a `close_within` waits for the peer.
pub(super) const GRACE: Duration = Duration::from_secs(1);

const SMALL: usize = 3;
const OVER: usize = 11;

/// What can be done with a transport, and how a callback can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    WriteSmall,
    WriteOver,
    Writelines,
    WriteEof,
    Close,
    CloseWithin,
    Abort,
    PauseReading,
    ResumeReading,
    SetProtocol,
    ZeroMarks,
    UsualMarks,
    Fail,
}

/// From outside. The last one is for callbacks alone.
const ANYWHERE: [Action; 12] = [
    Action::WriteSmall,
    Action::WriteOver,
    Action::Writelines,
    Action::WriteEof,
    Action::Close,
    Action::CloseWithin,
    Action::Abort,
    Action::PauseReading,
    Action::ResumeReading,
    Action::SetProtocol,
    Action::ZeroMarks,
    Action::UsualMarks,
];

/// Before `connection_made`, nobody but the server has the transport.
const AT_FIRST: [Action; 4] =
    [Action::Close, Action::CloseWithin, Action::Abort, Action::SetProtocol];

/// One run: who acts, and what has become of it. It holds no transport.
pub(super) struct Stage {
    pub(super) choices: RefCell<Choices>,
    pub(super) rules: RefCell<Rules>,
    pub(super) stream: FakeStream,
    /// How many actions are left.
    pub(super) actions_left: Cell<usize>,
    pub(super) failures: Cell<usize>,
    /// How many bytes the kernel took inside of a write, without their being kept.
    pub(super) sent_at_once: Cell<usize>,
    /// Whether the protocol is lent while something is done from outside.
    lends: bool,
    place: Cell<Place>,
    arrives: Vec<u8>,
    /// What was done and called, to be told if a rule is broken.
    log: RefCell<Vec<Line>>,
    broken: RefCell<Option<String>>,
    current: RefCell<Option<Access>>,
}

/// Of the log.
#[derive(Debug)]
#[expect(dead_code, reason = "it is read as text, where a rule is broken")]
enum Line {
    /// A callback of the protocol with this number begins.
    Callback(usize, Callback),
    Action(Place, Action),
    KeepsOpen(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Lent,
    Inside,
}

#[derive(Clone)]
enum Access {
    Chunks(ProtocolRef<Player>),
    InPlace(ProtocolRef<Buffered<Player>>),
}

/// The byte at a place of either stream.
pub(super) fn byte(place: usize) -> u8 {
    (place % 251) as u8
}

impl Stage {
    pub(super) fn new(
        choices: Choices,
        stream: FakeStream,
        arrivals: &[Arrival],
        actions: usize,
        lends: bool,
    ) -> Rc<Stage> {
        let pieces = arrivals.iter().flat_map(|arrival| arrival.iter());
        let bytes = pieces.filter_map(|piece| piece.ok()).flatten().copied();
        Rc::new(Stage {
            choices: RefCell::new(choices),
            rules: RefCell::new(Rules::new(MARKS.0, MARKS.1)),
            stream,
            actions_left: Cell::new(actions),
            failures: Cell::new(0),
            sent_at_once: Cell::new(0),
            lends,
            place: Cell::new(Place::Outside),
            arrives: bytes.collect(),
            log: RefCell::default(),
            broken: RefCell::default(),
            current: RefCell::default(),
        })
    }

    /// A new protocol, with this number.
    pub(super) fn player(self: &Rc<Stage>, number: usize) -> Player {
        Player { stage: Rc::clone(self), number, buffer: [0; 4], transport: None }
    }

    pub(super) fn arrives(&self) -> usize {
        self.arrives.len()
    }

    pub(super) fn has_first(&self, access: ProtocolRef<Player>) {
        *self.current.borrow_mut() = Some(Access::Chunks(access));
    }

    /// Gives back the access to the protocol, which keeps its transport.
    pub(super) fn let_go(&self) {
        let access = self.current.take();
        drop(access);
    }

    pub(super) fn seen(&self) -> Seen {
        Seen {
            sent: self.stream.sent().len(),
            failure: self.stream.failure(),
            is_shut_down: self.stream.is_shut_down(),
        }
    }

    fn note(&self, line: Line) {
        if self.broken.borrow().is_none() {
            self.log.borrow_mut().push(line);
        }
    }

    /// How much has happened, in lines.
    pub(super) fn happened(&self) -> usize {
        self.log.borrow().len()
    }

    /// What has happened.
    pub(super) fn story(&self) -> String {
        let log = self.log.borrow();
        log.iter().map(|line| format!("{line:?}\n")).collect()
    }

    /// A transport contains a panic of its protocol, so what is broken there is told later.
    pub(super) fn check(&self, checked: Checked) {
        if let Err(rule) = checked {
            self.broken.borrow_mut().get_or_insert(rule);
        }
    }

    #[track_caller]
    pub(super) fn assert_unbroken(&self) {
        if let Some(rule) = &*self.broken.borrow() {
            panic!("{rule}\n{}{:#?}", self.story(), self.rules.borrow());
        }
    }

    /// What is done between two passes.
    pub(super) fn act_outside(self: &Rc<Stage>, transport: &Rc<dyn Transport>) {
        let is_first = !self.rules.borrow().is_made;
        let menu = if is_first { &AT_FIRST[..] } else { &ANYWHERE[..] };
        while let Some(action) = self.next(menu) {
            if !self.lends {
                self.perform(action, transport);
                continue;
            }
            self.place.set(Place::Lent);
            let access = self.current.borrow().clone();
            match access.expect("the first one is there before anything is done") {
                Access::Chunks(access) => access.with(|_| self.perform(action, transport)),
                Access::InPlace(access) => access.with(|_| self.perform(action, transport)),
            }
            .expect("nobody uses the protocol between two passes");
            self.place.set(Place::Outside);
        }
    }

    /// What is done in a callback. Says whether it fails.
    fn act_inside(self: &Rc<Stage>, transport: &Rc<dyn Transport>, may_fail: bool) -> bool {
        while let Some(action) = self.next(&ANYWHERE) {
            self.perform(action, transport);
        }
        may_fail && self.next(&[Action::Fail]).is_some()
    }

    /// The next action of this run that is done here, if any is.
    fn next(&self, menu: &[Action]) -> Option<Action> {
        let left = self.actions_left.get();
        if left == 0 {
            return None;
        }
        let choice = self.choices.borrow_mut().choose(1 + menu.len());
        let action = *menu.get(choice.checked_sub(1)?)?;
        self.actions_left.set(left - 1);
        Some(action)
    }

    fn perform(self: &Rc<Stage>, action: Action, transport: &Rc<dyn Transport>) {
        self.note(Line::Action(self.place.get(), action));
        let before = self.rules.borrow().clone();
        match action {
            Action::WriteSmall => self.write(SMALL, |bytes| transport.write(bytes)),
            Action::WriteOver => self.write(OVER, |bytes| transport.write(bytes)),
            Action::Writelines => self.write(OVER, |bytes| {
                transport.writelines(&[&bytes[..2], &[], &bytes[2..9], &bytes[9..]])
            }),
            Action::WriteEof => {
                transport.write_eof().unwrap();
                let mut rules = self.rules.borrow_mut();
                rules.eof_asked |= rules.life == Life::Open;
            }
            Action::Close => {
                transport.close();
                self.rules.borrow_mut().close(self.seen());
            }
            Action::CloseWithin => {
                transport.close_within(GRACE);
                let mut rules = self.rules.borrow_mut();
                rules.close(self.seen());
                rules.has_deadline |= rules.life == Life::Closing;
            }
            Action::Abort => {
                transport.abort();
                self.rules.borrow_mut().abort();
            }
            Action::PauseReading => {
                transport.pause_reading();
                let mut rules = self.rules.borrow_mut();
                rules.is_paused |= rules.is_reading();
            }
            Action::ResumeReading => {
                transport.resume_reading();
                self.rules.borrow_mut().is_paused = false;
            }
            Action::SetProtocol => self.set_protocol(transport),
            Action::ZeroMarks => self.set_marks(transport, (0, 0)),
            Action::UsualMarks => self.set_marks(transport, MARKS),
            Action::Fail => unreachable!("it is not done with the transport"),
        }
        self.rules.borrow_mut().look(self.seen());
        self.check_state(transport);
        if *self.rules.borrow() == before {
            // Of what could follow, most is done in a run without this.
            self.actions_left.set(self.actions_left.get().min(1));
        }
    }

    fn write(&self, length: usize, write: impl FnOnce(&[u8]) -> Result<(), WriteError>) {
        let begin = self.rules.borrow().accepted;
        let bytes: Vec<u8> = (begin..begin + length).map(byte).collect();
        let (is_over, is_after_eof) = {
            let rules = self.rules.borrow();
            (rules.is_over(), rules.eof_asked)
        };
        let is_taken = !is_over && !is_after_eof;
        if is_taken {
            self.rules.borrow_mut().accepted += length;
        }
        let before = self.seen();
        let outcome = write(&bytes);
        self.sent_at_once.set(self.sent_at_once.get() + self.seen().sent - before.sent);
        let expected = if is_after_eof {
            Err(WriteError::AfterEof)
        } else if is_over || self.seen().failure != before.failure {
            Err(WriteError::Closed)
        } else {
            Ok(())
        };
        if outcome != expected {
            self.check(Err(format!("TR-17, TR-19: write gave {outcome:?}, not {expected:?}")));
        }
        let mut rules = self.rules.borrow_mut();
        if is_taken && outcome.is_err() {
            rules.accepted = begin;
        }
        rules.look(self.seen());
        self.check(rules.mind_the_high_mark(self.place.get() == Place::Outside, self.seen()));
    }

    fn set_marks(&self, transport: &Rc<dyn Transport>, (low, high): (usize, usize)) {
        {
            let mut rules = self.rules.borrow_mut();
            (rules.low, rules.high) = (low, high);
        }
        transport.set_write_buffer_limits(Some(high), Some(low)).unwrap();
        let is_outside = self.place.get() == Place::Outside;
        self.check(self.rules.borrow_mut().mind_the_high_mark(is_outside, self.seen()));
    }

    /// Puts a new protocol of the other kind in the place of the one that is there.
    fn set_protocol(self: &Rc<Stage>, transport: &Rc<dyn Transport>) {
        if self.rules.borrow().life == Life::Lost {
            let (other, _) = AnyProtocol::new(self.player(usize::MAX));
            return transport.set_protocol(other);
        }
        let number = self.rules.borrow().protocol + 1;
        let (protocol, access) = if number % 2 == 1 {
            let (protocol, access) = AnyProtocol::new(Buffered(self.player(number)));
            (protocol, Access::InPlace(access))
        } else {
            let (protocol, access) = AnyProtocol::new(self.player(number));
            (protocol, Access::Chunks(access))
        };
        self.rules.borrow_mut().protocol = number;
        transport.set_protocol(protocol);
        let old = self.current.replace(Some(access));
        drop(old);
    }

    /// What the transport says of itself is what the rules say of it.
    fn check_state(&self, transport: &Rc<dyn Transport>) {
        let rules = self.rules.borrow();
        let expected = (rules.life != Life::Open, rules.is_reading(), rules.buffered(self.seen()));
        let is = (transport.is_closing(), transport.is_reading(), transport.write_buffer_size());
        if is != expected {
            let what = "TR-30, TR-33, FC-06: closing, reading and buffered are";
            self.check(Err(format!("{what} {is:?}, not {expected:?}")));
        }
    }

    /// A callback: it begins, does something, and returns.
    fn play(
        self: &Rc<Stage>,
        callback: Callback,
        number: usize,
        transport: &Rc<dyn Transport>,
    ) -> CallbackResult {
        self.note(Line::Callback(number, callback));
        let outer = self.place.replace(Place::Inside);
        let is_nested = outer == Place::Inside || (outer == Place::Lent && self.lends);
        if is_nested {
            self.check(Err(format!("PR-01: {callback:?} inside of {outer:?}")));
        }
        let entered = self.rules.borrow_mut().enter(callback, number, self.seen());
        self.check(entered);
        self.check_state(transport);
        let may_fail = matches!(callback, Callback::Made | Callback::Data(_) | Callback::Eof);
        let fails = self.act_inside(transport, may_fail);
        self.place.set(outer);
        if fails {
            self.note(Line::Action(Place::Inside, Action::Fail));
            self.failures.set(self.failures.get() + 1);
            self.rules.borrow_mut().leave(Decision::Fail, self.seen());
            return Err("as the test wants".into());
        }
        if callback != Callback::Eof {
            self.rules.borrow_mut().leave(Decision::Nothing, self.seen());
        }
        Ok(())
    }

    fn check_received(&self, data: &[u8]) {
        let begin = self.rules.borrow().received;
        if !self.arrives[begin..].starts_with(data) {
            self.check(Err(format!("TR-42: {data:?} is not what arrived next")));
        }
    }
}

/// A protocol whose every callback may do anything.
pub(super) struct Player {
    stage: Rc<Stage>,
    number: usize,
    buffer: [u8; 4],
    /// A circle, as most protocols make it.
    transport: Option<Rc<dyn Transport>>,
}

impl Player {
    fn play(&self, callback: Callback, transport: &Rc<dyn Transport>) {
        self.stage.play(callback, self.number, transport).expect("this one cannot fail");
    }
}

impl BaseProtocol for Player {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.transport = Some(Rc::clone(transport));
        self.stage.play(Callback::Made, self.number, transport)
    }

    fn connection_lost(&mut self, transport: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        let cause = match &error {
            None => Cause::InOrder,
            Some(ConnectionError::Io(error)) => Cause::Network(error.kind()),
            Some(ConnectionError::Protocol(_)) => Cause::Protocol,
            // No test wants this.
            Some(ConnectionError::Panicked(_)) => Cause::Network(ErrorKind::Other),
        };
        self.play(Callback::Lost(cause), transport);
    }

    fn pause_writing(&mut self, transport: &Rc<dyn Transport>) {
        self.play(Callback::Pause, transport);
    }

    fn resume_writing(&mut self, transport: &Rc<dyn Transport>) {
        self.play(Callback::Resume, transport);
    }

    fn eof_received(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        self.stage.play(Callback::Eof, self.number, transport)?;
        let is_kept = self.stage.choices.borrow_mut().choose(2) == 1;
        self.stage.note(Line::KeepsOpen(is_kept));
        let decision = if is_kept { Decision::Nothing } else { Decision::Close };
        self.stage.rules.borrow_mut().leave(decision, self.stage.seen());
        Ok(if is_kept { AfterEof::KeepOpen } else { AfterEof::Close })
    }
}

impl Protocol for Player {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.stage.check_received(data);
        self.stage.play(Callback::Data(data.len()), self.number, transport)
    }
}

/// Its buffer is smaller than what arrives.
impl BufferedProtocol for Player {
    fn get_buffer(&mut self, _: usize) -> &mut [u8] {
        &mut self.buffer
    }

    fn buffer_updated(&mut self, transport: &Rc<dyn Transport>, count: usize) -> CallbackResult {
        self.stage.check_received(&self.buffer[..count]);
        self.stage.play(Callback::Data(count), self.number, transport)
    }
}
