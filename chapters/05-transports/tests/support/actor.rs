//! A protocol that does in each callback what a test has planned, over a stream without a kernel,
//! and writes down what it is told.

use crate::stack::Stack;
use crate::watch::reports;
use chapter_03::{Mode, Readiness};
use chapter_04::fake::FakeLoop;
use chapter_05::fake::{Call, FakeStream, connect};
use chapter_05::{
    AfterEof, AnyProtocol, BaseProtocol, Buffered, BufferedProtocol, CallbackResult,
    ConnectionError, Protocol, Transport,
};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::panic::resume_unwind;
use std::rc::Rc;

/// What is done with a transport, by a callback or from outside.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Write(usize),
    WriteLines(Vec<usize>),
    WriteEof,
    Pause,
    Resume,
    Close,
    Abort,
    Limits(usize, usize),
    /// Puts another protocol in place.
    Swap(Kind),
    /// Answers the end of file so.
    KeepOpen,
    /// The callback fails, or panics; not from outside.
    Fail,
    Panic,
}

/// How a protocol is given bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Kind {
    #[default]
    Chunks,
    /// Into a buffer of this size.
    InPlace(usize),
}

/// One pass of the loop: what the kernel reports, and what somebody else does with the transport,
/// who may have the protocol lent meanwhile.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pass {
    pub(crate) report: Readiness,
    pub(crate) outside: Vec<Action>,
    pub(crate) lent: bool,
}

/// All that happens to one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    pub(crate) first: Kind,
    pub(crate) receives: Vec<Result<Vec<u8>, ErrorKind>>,
    pub(crate) takes: Vec<Result<Option<usize>, ErrorKind>>,
    /// What each callback does, in the order in which they come.
    pub(crate) callbacks: Vec<Vec<Action>>,
    pub(crate) passes: Vec<Pass>,
}

/// What has come of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// By the protocol: what it was told, and what its transport has answered.
    pub(crate) trace: Vec<String>,
    /// What the loop was reported.
    pub(crate) reports: Vec<String>,
    /// How many bytes were offered to the stream in each send; none where its end was sent.
    pub(crate) offered: Vec<Option<usize>>,
    /// What has gone over the wire, deciphered.
    pub(crate) sent: Vec<u8>,
    pub(crate) left_to_receive: usize,
    pub(crate) is_stream_closed: bool,
}

/// Plays a plan with something between the transport and the protocol. At its end the loop is
/// closed, after which nothing of the connection is left.
pub(crate) fn play(plan: &Plan, stack: Stack) -> Seen {
    let mut fake = FakeLoop::new(Mode::Edge);
    let reports = reports(&fake.event_loop);
    let (mut inwards, mut outwards) = (stack.wire(), stack.wire());
    let receives = plan.receives.iter().map(|piece| match piece {
        Ok(bytes) => Ok(inwards.apply(bytes)),
        Err(kind) => Err(*kind),
    });
    let stream = FakeStream::new().receives(receives).takes(plan.takes.iter().copied());
    let stage = Rc::new(Stage::new(plan.callbacks.clone()));
    let protocol = stage.protocol(plan.first);
    connect(&fake, stream.clone(), stack.below(protocol)).unwrap();
    for Pass { report, outside, lent } in plan.passes.clone() {
        let stage = Rc::clone(&stage);
        fake.event_loop.call_soon(move || stage.act_from_outside(&outside, lent)).unwrap();
        fake.backend.report([(0, report)]);
        fake.event_loop.stop();
        fake.event_loop.run_forever().unwrap();
    }
    fake.event_loop.close();
    let trace = stage.trace.take();
    stage.lend.take();
    let left = Rc::downgrade(&stage);
    drop(stage);
    assert!(left.upgrade().is_none(), "{stack:?}: something is left of the connection: {trace:?}");
    Seen {
        trace,
        reports: reports.take().iter().map(|report| format!("{report:?}")).collect(),
        offered: stream.calls().iter().map(offered).collect(),
        sent: outwards.apply(&stream.sent()),
        left_to_receive: stream.left_to_receive(),
        is_stream_closed: stream.is_closed_elsewhere(),
    }
}

fn offered(call: &Call) -> Option<usize> {
    match call {
        Call::Send(length) => Some(*length),
        Call::SendVectored(lengths) => Some(lengths.iter().sum()),
        Call::ShutdownWrite => None,
    }
}

/// What the protocols of a connection share.
struct Stage {
    trace: RefCell<Vec<String>>,
    callbacks: RefCell<VecDeque<Vec<Action>>>,
    transport: RefCell<Option<Rc<dyn Transport>>>,
    /// Lends the protocol of the moment.
    lend: RefCell<Option<Rc<Lend>>>,
    protocols: Cell<usize>,
    /// How many bytes were written: each has its own value, so that none is taken for another.
    written: Cell<usize>,
}

/// Calls something while it lends a protocol.
type Lend = dyn Fn(&mut dyn FnMut());

/// A protocol, of either kind.
struct Actor {
    /// Its number, in the order in which they were made.
    name: usize,
    stage: Rc<Stage>,
    buffer: Vec<u8>,
}

impl Stage {
    fn new(callbacks: Vec<Vec<Action>>) -> Stage {
        Stage {
            trace: RefCell::default(),
            callbacks: RefCell::new(callbacks.into()),
            transport: RefCell::default(),
            lend: RefCell::default(),
            protocols: Cell::new(0),
            written: Cell::new(0),
        }
    }

    fn protocol(self: &Rc<Stage>, kind: Kind) -> AnyProtocol {
        let name = self.protocols.replace(self.protocols.get() + 1);
        let room = if let Kind::InPlace(room) = kind { room } else { 0 };
        let actor = Actor { name, stage: Rc::clone(self), buffer: vec![0; room] };
        let (protocol, lend): (_, Rc<Lend>) = match kind {
            Kind::Chunks => {
                let (protocol, lent) = AnyProtocol::new(actor);
                (protocol, Rc::new(move |act| lent.with(|_| act()).unwrap()))
            }
            Kind::InPlace(_) => {
                let (protocol, lent) = AnyProtocol::new(Buffered(actor));
                (protocol, Rc::new(move |act| lent.with(|_| act()).unwrap()))
            }
        };
        *self.lend.borrow_mut() = Some(lend);
        protocol
    }

    fn note(&self, event: String, transport: &dyn Transport) {
        let (kept, marks) = (transport.write_buffer_size(), transport.write_buffer_limits());
        let (closing, reading) = (transport.is_closing(), transport.is_reading());
        let state =
            format!("{event}: {kept} kept, closing {closing}, reading {reading}, {marks:?}");
        self.trace.borrow_mut().push(state);
    }

    fn act_from_outside(self: &Rc<Stage>, actions: &[Action], lent: bool) {
        let Some(transport) = self.transport.borrow().clone() else { return };
        let lend = self.lend.borrow().clone().filter(|_| lent);
        let mut act = || {
            for action in actions {
                self.act(action, &transport);
            }
        };
        match lend {
            Some(lend) => lend(&mut act),
            None => act(),
        }
    }

    fn act(self: &Rc<Stage>, action: &Action, transport: &Rc<dyn Transport>) {
        let outcome = match action {
            Action::Write(count) => format!("{:?}", transport.write(&self.bytes(*count))),
            Action::WriteLines(counts) => {
                let pieces: Vec<_> = counts.iter().map(|count| self.bytes(*count)).collect();
                let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
                format!("{:?}", transport.writelines(&pieces))
            }
            Action::WriteEof => format!("{:?}", transport.write_eof()),
            Action::Limits(high, low) => {
                format!("{:?}", transport.set_write_buffer_limits(Some(*high), Some(*low)))
            }
            Action::Pause => format!("{:?}", transport.pause_reading()),
            Action::Resume => format!("{:?}", transport.resume_reading()),
            Action::Close => format!("{:?}", transport.close()),
            Action::Abort => format!("{:?}", transport.abort()),
            Action::Swap(kind) => format!("{:?}", transport.set_protocol(self.protocol(*kind))),
            Action::KeepOpen | Action::Fail | Action::Panic => return,
        };
        self.note(format!("{action:?} -> {outcome}"), &**transport);
    }

    fn bytes(&self, count: usize) -> Vec<u8> {
        let first = self.written.replace(self.written.get() + count);
        (first..first + count).map(|number| number.to_le_bytes()[0]).collect()
    }
}

impl Actor {
    /// Does what is planned for the next callback, and gives it back.
    fn called(&self, event: &str, transport: &Rc<dyn Transport>) -> CallbackResult<Vec<Action>> {
        self.stage.note(format!("protocol {} is told {event}", self.name), &**transport);
        let actions = self.stage.callbacks.borrow_mut().pop_front().unwrap_or_default();
        for action in &actions {
            match action {
                Action::Fail => return Err("a planned failure".into()),
                // Past the hook, which would write to standard error.
                Action::Panic => resume_unwind(Box::new("a planned panic")),
                action => self.stage.act(action, transport),
            }
        }
        Ok(actions)
    }
}

impl BaseProtocol for Actor {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        *self.stage.transport.borrow_mut() = Some(Rc::clone(transport));
        self.called("connection_made", transport).map(drop)
    }

    fn connection_lost(&mut self, transport: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        let _ = self.called(&format!("connection_lost {error:?}"), transport);
    }

    fn pause_writing(&mut self, transport: &Rc<dyn Transport>) {
        let _ = self.called("pause_writing", transport);
    }

    fn resume_writing(&mut self, transport: &Rc<dyn Transport>) {
        let _ = self.called("resume_writing", transport);
    }

    fn eof_received(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        let actions = self.called("eof_received", transport)?;
        let keeps_open = actions.iter().any(|action| matches!(action, Action::KeepOpen));
        Ok(if keeps_open { AfterEof::KeepOpen } else { AfterEof::Close })
    }
}

impl Protocol for Actor {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.called(&format!("data_received {data:?}"), transport).map(drop)
    }
}

impl BufferedProtocol for Actor {
    fn get_buffer(&mut self, _: usize) -> &mut [u8] {
        &mut self.buffer
    }

    fn buffer_updated(&mut self, transport: &Rc<dyn Transport>, count: usize) -> CallbackResult {
        let data = &self.buffer[..count];
        self.called(&format!("buffer_updated {data:?}"), transport).map(drop)
    }
}
