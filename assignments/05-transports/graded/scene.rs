//! A connection without a kernel, pass by pass, and a protocol that notes what it is told.

use chapter_03::fake::Call;
use chapter_03::{Interest, Mode, Readiness};
use chapter_04::fake::FakeLoop;
use chapter_05::fake::{FakeStream, connect};
use chapter_05::{
    AfterEof, BaseProtocol, CallbackResult, ConnectionError, Protocol, ProtocolRef, Transport,
};
use grading::{Notes, Trial, Verdict, shown};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

pub(crate) const NONE: Readiness = Readiness::NONE;
pub(crate) const READABLE: Readiness = Readiness::READABLE;
pub(crate) const WRITABLE: Readiness = Readiness::WRITABLE;

/// More passes than any scene needs.
const PASSES_MAX: usize = 100;

/// What a protocol is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told<'a> {
    Made,
    Data(&'a [u8]),
    Eof,
    Pause,
    Resume,
    Lost,
}

/// What a check wants done inside of a callback.
type Act = Box<dyn FnMut(Told<'_>, &Rc<dyn Transport>) -> CallbackResult>;

/// What the protocol of a scene was told, in words, and what it has received.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    lines: Rc<RefCell<Vec<String>>>,
    received: Rc<RefCell<Vec<u8>>>,
}

impl Record {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.lines.borrow_mut().push(line.into());
    }

    /// How often there is this line.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.lines.borrow().iter().filter(|other| other.starts_with(line)).count()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    pub(crate) fn received(&self) -> Vec<u8> {
        self.received.borrow().clone()
    }
}

/// A protocol that notes what it is told, and then does what the check wants.
pub(crate) struct Actor {
    record: Record,
    notes: Notes,
    act: Act,
    after_eof: AfterEof,
    /// Its owners are this and the check, which sees by it whether the protocol is let go.
    _alive: Rc<()>,
}

impl Actor {
    fn told(&mut self, told: Told<'_>, transport: &Rc<dyn Transport>) -> CallbackResult {
        let line = match told {
            Told::Made => "connection_made".to_owned(),
            Told::Data(data) => {
                self.record.received.borrow_mut().extend_from_slice(data);
                format!("data_received, {}", shown(data))
            }
            Told::Eof => "eof_received".to_owned(),
            Told::Pause => "pause_writing".to_owned(),
            Told::Resume => "resume_writing".to_owned(),
            Told::Lost => "connection_lost".to_owned(),
        };
        self.notes.saw(format_args!("the protocol is told: {line}"));
        self.record.add(line);
        (self.act)(told, transport)
    }
}

impl BaseProtocol for Actor {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.told(Told::Made, transport)
    }

    fn connection_lost(&mut self, transport: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        if let Some(error) = &error {
            let kind = error.io().map(std::io::Error::kind);
            self.record.add(format!("the error {kind:?}"));
        }
        // Nobody asks how it ends.
        let _ = self.told(Told::Lost, transport);
    }

    fn pause_writing(&mut self, transport: &Rc<dyn Transport>) {
        let _ = self.told(Told::Pause, transport);
    }

    fn resume_writing(&mut self, transport: &Rc<dyn Transport>) {
        let _ = self.told(Told::Resume, transport);
    }

    fn eof_received(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        self.told(Told::Eof, transport)?;
        Ok(self.after_eof)
    }
}

impl Protocol for Actor {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.told(Told::Data(data), transport)
    }
}

/// A connection, its loop, and what was noted of it.
pub(crate) struct Scene {
    pub(crate) fake: FakeLoop,
    pub(crate) stream: FakeStream,
    pub(crate) transport: Rc<dyn Transport>,
    pub(crate) record: Record,
    /// Whether somebody has the protocol still.
    pub(crate) alive: Rc<()>,
    notes: Notes,
    /// What the back end was asked to watch for last.
    watched: Cell<Option<Interest>>,
    /// The creator's access.
    protocol: Option<ProtocolRef<Actor>>,
}

/// A stream of which the first sends take so much each, before everything is taken.
pub(crate) fn takes(trial: &Trial, script: &[Option<usize>]) -> FakeStream {
    let sends = ["first", "second", "third"];
    let words = script.iter().zip(sends).map(|(takes, send)| match takes {
        None => format!("nothing of the {send} send"),
        Some(1) => format!("1 byte of the {send} send"),
        Some(count) => format!("{count} bytes of the {send} send"),
    });
    trial.did(format!("the kernel will take {}", words.collect::<Vec<_>>().join(", ")));
    FakeStream::new().takes(script.iter().map(|takes| Ok(*takes)))
}

/// How the kernel of the scene reports: as that of the selector does which is chosen.
pub(crate) fn mode(trial: &Trial) -> Mode {
    if trial.selector() == "mio" { Mode::Edge } else { Mode::Level }
}

impl Scene {
    /// A connection that is not made yet: the first pass makes it, the second begins to read.
    pub(crate) fn new(trial: &Trial, stream: FakeStream) -> Scene {
        Scene::acting(trial, stream, AfterEof::Close, |_, _| Ok(()))
    }

    /// The same, whose protocol does something in its callbacks, and answers this to an end of file.
    pub(crate) fn acting(
        trial: &Trial,
        stream: FakeStream,
        after_eof: AfterEof,
        act: impl FnMut(Told<'_>, &Rc<dyn Transport>) -> CallbackResult + 'static,
    ) -> Scene {
        let (fake, record, alive) = (FakeLoop::new(mode(trial)), Record::default(), Rc::new(()));
        let actor = Actor {
            record: record.clone(),
            notes: trial.notes(),
            act: Box::new(act),
            after_eof,
            _alive: Rc::clone(&alive),
        };
        let (transport, protocol) =
            connect(&fake, stream.clone(), actor).expect("a fake back end takes everything");
        trial.notes().saw("a connection is opened");
        let (notes, watched) = (trial.notes(), Cell::new(None));
        Scene { fake, stream, transport, record, alive, notes, watched, protocol: Some(protocol) }
    }

    /// Has it made and read.
    pub(crate) fn begun(mut self) -> Scene {
        self.pass(NONE);
        self.pass(NONE);
        self.notes.did("the connection is made");
        self
    }

    /// One pass of the loop, in which the kernel reports this of the socket.
    pub(crate) fn pass(&mut self, readiness: Readiness) {
        self.fake.backend.report([(0, readiness)]);
        self.fake.event_loop.stop();
        self.fake.event_loop.run_forever().expect("the loop is open");
    }

    /// As [`pass`](Scene::pass), and notes it.
    pub(crate) fn reports(&mut self, readiness: Readiness) {
        self.notes.did(match readiness {
            READABLE => "the kernel reports that there is something to receive",
            WRITABLE => "the kernel reports that there is room",
            _ => "a pass of the loop",
        });
        self.pass(readiness);
    }

    /// Passes without news, until nothing is to run any more; or rather many, if it does not come
    /// to rest.
    pub(crate) fn rest(&mut self) {
        for _ in 0..PASSES_MAX {
            if self.rests() {
                break;
            }
            self.pass(NONE);
        }
    }

    /// Whether nothing is to run.
    pub(crate) fn rests(&self) -> bool {
        self.fake.event_loop.census().ready == 0
    }

    /// What the kernel watches the socket for.
    pub(crate) fn interest(&self) -> Interest {
        for call in self.fake.backend.take_calls() {
            match call {
                Call::Add(_, interest) | Call::Modify(_, interest) => {
                    self.watched.set(Some(interest));
                }
                Call::Remove => self.watched.set(None),
                Call::Wait(_) => {}
            }
        }
        self.watched.get().unwrap_or(Interest::NONE)
    }

    /// Whether the kernel watches for what comes, and says so as long as it is there.
    pub(crate) fn is_told_of_data(&self, trial: &Trial) -> bool {
        let watched = self.interest();
        mode(trial) == Mode::Level && !matches!(watched, Interest::NONE | Interest::WRITE)
    }

    /// Writes, and notes it.
    pub(crate) fn write(&self, trial: &Trial, data: &[u8]) -> Verdict {
        trial.did(format!("write({})", shown(data)));
        match self.transport.write(data) {
            Ok(()) => Ok(()),
            Err(error) => trial.fail(
                "write() takes the bytes",
                format!("the error `{error}`"),
                "While a connection is open, whatever is written is sent or kept.",
            ),
        }
    }

    /// Lets go of the protocol, as a program does that has no use for it.
    pub(crate) fn forget_protocol(&mut self) {
        self.protocol = None;
    }
}
