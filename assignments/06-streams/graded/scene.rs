//! A stream without a kernel: the loop makes a pass when a check says so, and nothing happens in
//! between.

use crate::reading::{Ask, Reading};
use chapter_03::{Mode, Readiness};
use chapter_04::fake::FakeLoop;
use chapter_04::{JoinHandle, LoopHandle, Outcome};
use chapter_05::fake::{FakeStream, connect};
use chapter_05::{CallbackResult, Transport};
use chapter_06::{StreamLimits, StreamProtocol, StreamReader, StreamWriter, Streams};
use grading::{Notes, Trial, shown};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// What the kernel takes in one send of those that take anything.
pub(crate) const EVERYTHING: usize = usize::MAX;

/// Passes enough for whatever a wake-up has others do.
const A_FEW: usize = 4;

/// A connection that is made and reads, its two ends, and the other side.
pub(crate) struct Scene {
    fake: FakeLoop,
    wire: FakeStream,
    pub(crate) transport: Rc<dyn Transport>,
    reader: Rc<RefCell<StreamReader>>,
    pub(crate) writer: Rc<StreamWriter>,
    notes: Notes,
}

impl Scene {
    /// It is never dropped: how a stream ends is not what every check is about.
    pub(crate) fn begin(trial: &Trial, limits: StreamLimits) -> &'static mut Scene {
        let fake = FakeLoop::new(Mode::Edge);
        let notes = trial.notes();
        let saw = notes.clone();
        fake.event_loop.set_exception_handler(move |_, context| {
            let error = context.error.as_deref().unwrap_or("no error is named");
            saw.saw(format_args!("the loop reports: {}: {error}", context.message));
        });
        let wire = FakeStream::new();
        let place = Rc::<Cell<Option<Streams>>>::default();
        let put = Rc::clone(&place);
        let protocol = StreamProtocol::new(limits, move |reader, writer| -> CallbackResult {
            put.set(Some((reader, writer)));
            Ok(())
        });
        let (transport, _) =
            connect(&fake, wire.clone(), protocol).expect("the fake was not told to fail");
        // The first pass makes the connection, the second begins to read.
        let mut fake = fake;
        pass(&mut fake, Readiness::NONE);
        pass(&mut fake, Readiness::NONE);
        let (reader, writer) = place.take().expect("a connection that is made has its two ends");
        let (reader, writer) = (Rc::new(RefCell::new(reader)), Rc::new(writer));
        Box::leak(Box::new(Scene { fake, wire, transport, reader, writer, notes }))
    }

    pub(crate) fn event_loop(&self) -> LoopHandle {
        self.fake.event_loop.clone()
    }

    /// One pass of the loop. The kernel reports this of the stream.
    pub(crate) fn pass(&mut self, readiness: Readiness) {
        pass(&mut self.fake, readiness);
    }

    /// Some passes in which nothing comes.
    pub(crate) fn rest(&mut self) {
        (0..A_FEW).for_each(|_| self.pass(Readiness::NONE));
    }

    /// The peer sends these bytes, and the transport receives them if it is not paused.
    pub(crate) fn comes(&mut self, bytes: &[u8]) {
        let come = if bytes.len() == 1 { "comes" } else { "come" };
        self.notes.did(format_args!("{} {come}", shown(bytes)));
        self.arrives(Ok(bytes));
    }

    /// As [`comes`](Scene::comes), in the one pass that it takes, and no story tells.
    pub(crate) fn comes_quietly(&mut self, bytes: &[u8]) {
        let _ = self.wire.clone().receives([Ok(bytes)]);
        self.pass(Readiness::READABLE);
    }

    /// The peer sends no more.
    pub(crate) fn finishes(&mut self) {
        self.notes.did("the end of file comes");
        self.arrives(Ok(b""));
    }

    /// The connection breaks while the transport reads.
    pub(crate) fn breaks(&mut self) {
        self.notes.did("the connection breaks: it was reset");
        self.arrives(Err(ErrorKind::ConnectionReset));
    }

    fn arrives(&mut self, what: Result<&[u8], ErrorKind>) {
        let _ = self.wire.clone().receives([what]);
        self.pass(Readiness::READABLE);
        self.rest();
    }

    /// How many bytes the peer has sent and the transport has not received.
    pub(crate) fn left_with_the_peer(&self) -> usize {
        self.wire.left_to_receive()
    }

    /// Writes so many bytes, of which the kernel takes none: they are kept.
    pub(crate) fn keeps(&mut self, count: usize) {
        if self.transport.write_buffer_size() == 0 {
            let _ = self.wire.clone().takes([Ok(None)]);
        }
        self.writer.write(&vec![b'x'; count]).expect("the connection is open");
        let kept = self.transport.write_buffer_size();
        self.notes.did(format_args!("write() of {count} bytes: the transport keeps {kept}"));
    }

    /// The kernel takes so many of the bytes that are kept.
    pub(crate) fn takes(&mut self, count: usize) {
        let _ = self.wire.clone().takes([Ok(Some(count))]);
        self.pass(Readiness::WRITABLE);
        self.rest();
        let kept = self.transport.write_buffer_size();
        self.notes.did(format_args!("the kernel takes bytes, and {kept} are kept"));
    }

    /// The connection breaks when the transport sends.
    pub(crate) fn breaks_at_a_send(&mut self) {
        self.notes.did("the connection breaks: it was reset");
        let _ = self.wire.clone().takes([Err(ErrorKind::ConnectionReset)]);
        self.pass(Readiness::WRITABLE);
        self.rest();
    }

    /// What is kept is thrown away.
    pub(crate) fn aborts(&mut self) {
        self.notes.did("abort()");
        self.transport.abort();
        self.rest();
    }

    /// Has a task run, up to where it waits.
    pub(crate) fn task<T: Outcome + 'static>(
        &mut self,
        future: impl Future<Output = T> + 'static,
    ) -> Task<T> {
        let polls = Rc::<Cell<u32>>::default();
        let polled = Polled { future: Box::pin(future), polls: Rc::clone(&polls) };
        let handle = self.fake.event_loop.spawn(polled).expect("the loop is open");
        self.rest();
        Task { handle, polls }
    }

    /// Has a task of its own begin a read.
    pub(crate) fn reads(&mut self, ask: Ask) -> Reading {
        self.notes.did(format_args!("{ask} is awaited"));
        self.reads_quietly(ask)
    }

    /// As [`reads`](Scene::reads), and no story tells.
    pub(crate) fn reads_quietly(&mut self, ask: Ask) -> Reading {
        let reader = Rc::clone(&self.reader);
        let asked = ask.clone();
        Reading { ask, task: self.task(async move { asked.of(&mut reader.borrow_mut()).await }) }
    }

    /// Has a task read byte after byte, and count them; one pass of it.
    pub(crate) fn reads_one_by_one(&mut self, taken: Rc<Cell<u32>>) {
        let reader = Rc::clone(&self.reader);
        let reading = async move {
            let mut reader = reader.borrow_mut();
            while let Ok(byte) = reader.read(1).await {
                taken.set(taken.get() + byte.len() as u32);
            }
        };
        self.fake.event_loop.spawn(reading).expect("the loop is open").detach();
        self.pass(Readiness::NONE);
    }
}

fn pass(fake: &mut FakeLoop, readiness: Readiness) {
    fake.backend.report([(0, readiness)]);
    // A run that is stopped before it begins is one pass.
    fake.event_loop.stop();
    fake.event_loop.run_forever().expect("the fake was not told to fail");
}

/// A task, and how often it was polled.
pub(crate) struct Task<T: Outcome> {
    pub(crate) handle: JoinHandle<T>,
    polls: Rc<Cell<u32>>,
}

impl<T: Outcome> Task<T> {
    pub(crate) fn polls(&self) -> u32 {
        self.polls.get()
    }

    /// What it has come to, once; `None` while it waits, and if it has panicked.
    pub(crate) fn outcome(&self) -> Option<T> {
        self.handle.take_outcome()?.ok()
    }
}

/// A future that counts its polls.
struct Polled<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    polls: Rc<Cell<u32>>,
}

impl<T> Future for Polled<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.polls.set(self.polls.get() + 1);
        self.future.as_mut().poll(context)
    }
}
