//! Streams beyond the tasks and the loop that they were made in, and code of others that comes back
//! in: nobody waits for ever, and nobody's panic is another one's.

use crate::meet::tcp;
use crate::net::{LIMIT, within};
use crate::scene::{NONE, NOTHING, READABLE, Scene, WRITABLE};
use crate::stack::{STACKS, Stack};
use crate::streams::{end, placed, poll_once, staged, stream_of};
use crate::watch::reports;
use chapter_01::Log;
use chapter_03::{Mode, Readiness, SelectorKind};
use chapter_04::fake::FakeLoop;
use chapter_04::{EventLoop, run_with};
use chapter_05::fake::{FakeStream, connect};
use chapter_05::{AnyProtocol, Echo, Transport};
use chapter_06::{ReadError, StreamLimits, StreamProtocol, StreamReader, StreamWriter, Streams};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io::{ErrorKind, Read};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// A stream that outlives its loop, and the peer's end.
fn outlived(stack: Stack, and: impl FnOnce(&mut Streams)) -> (Streams, socket2::Socket) {
    let mut event_loop = EventLoop::new().unwrap();
    let reports = reports(&event_loop);
    let (near, far) = tcp();
    let mut streams =
        event_loop.run_until_complete(async move { stream_of(stack, near).await }).unwrap();
    and(&mut streams);
    event_loop.close();
    let reports: Vec<_> = reports.take().iter().map(|report| report.message).collect();
    assert_eq!(reports, ["a connection was dropped while it was open: its loop is closed"]);
    (streams, far)
}

/// TR-40 and ST-08: a loop that is closed ends its connections, and whoever still has a stream of
/// one is told, on whichever loop he asks.
#[test]
fn a_stream_whose_loop_is_closed_keeps_nobody_waiting() {
    within(LIMIT, "somebody waits for a closed loop", || {
        for stack in STACKS {
            let ((mut reader, writer), mut far) = outlived(stack, |_| ());
            let told = async move {
                let text = writer.drain().await.unwrap_err().to_string();
                assert_eq!(
                    text,
                    "the connection was lost: its loop is closed, or it has another protocol"
                );
                let lost = writer.close().await.unwrap_err();
                assert_eq!(end(Err(lost)), Some((Some(ErrorKind::ConnectionAborted), 0)));
                assert!(writer.write(b"x").is_err() && writer.is_closing());
                for _ in 0..200 {
                    let error = reader.read(1).await.unwrap_err();
                    assert!(matches!(error, ReadError::Lost(_)), "{error}");
                }
            };
            run_with(SelectorKind::Mio, told).unwrap();
            assert_eq!(far.read(&mut [0]).unwrap(), 0);
        }
    });
}

/// D-20 and D-21: also then, what has come can be read, and what was not sent is counted.
#[test]
fn d_21_a_loop_that_is_closed_counts_what_it_has_not_sent() {
    let stream = FakeStream::new().receives([Ok("kept")]).takes([Ok(Some(3)), Ok(None)]);
    let (protocol, place) = placed();
    let mut fake = FakeLoop::new(Mode::Edge);
    let reports = reports(&fake.event_loop);
    connect(&fake, stream, protocol).unwrap();
    for report in [NONE, NONE, READABLE] {
        fake.backend.report([(0, report)]);
        fake.event_loop.stop();
        fake.event_loop.run_forever().unwrap();
    }
    let (mut reader, writer) = place.take().unwrap();
    writer.write(&[0; 100_000]).unwrap();
    let waiting = fake.event_loop.spawn(writer.wait_closed()).unwrap();
    let closed = writer.wait_closed();
    fake.event_loop.close();
    let expected = Some((Some(ErrorKind::ConnectionAborted), 99_997));
    assert_eq!(poll_once(closed).map(end), Poll::Ready(expected));
    let read = |reader: &mut StreamReader| poll_once(reader.read(9));
    assert!(matches!(read(&mut reader), Poll::Ready(Ok(bytes)) if bytes == *b"kept"));
    assert!(matches!(read(&mut reader), Poll::Ready(Err(ReadError::Lost(_)))));
    drop(waiting);
    assert_eq!(reports.borrow().len(), 2, "a task and a connection: {reports:?}");
}

/// ST-08 and TR-38: who puts another protocol in the place of a stream's has ended the stream, not
/// the connection. asyncio leaves its readers waiting.
#[test]
fn a_stream_whose_protocol_is_replaced_keeps_nobody_waiting() {
    let (protocol, place) = placed();
    let mut fake = FakeLoop::new(Mode::Edge);
    let stream = FakeStream::new().takes([Ok(None)]);
    let (transport, shared) = connect(&fake, stream.clone(), protocol).unwrap();
    drop(shared);
    passes_of(&mut fake, [NONE, NONE]);
    let (mut reader, writer) = place.take().unwrap();
    writer.write(&[0; 100_000]).unwrap();
    let closed = fake.event_loop.spawn(writer.wait_closed()).unwrap();
    let draining = fake.event_loop.spawn(async move { (writer.drain().await, writer) }).unwrap();
    let reading = fake.event_loop.spawn(async move { reader.read(1).await }).unwrap();
    passes_of(&mut fake, [NONE]);
    transport.set_protocol(AnyProtocol::new(Echo::new(Log::Quiet)).0);
    passes_of(&mut fake, [NONE]);
    let expected = Some((Some(ErrorKind::ConnectionAborted), 0));
    assert_eq!(closed.take_outcome().unwrap().map(end), Ok(expected));
    let (drained, writer) = draining.take_outcome().unwrap().unwrap();
    assert_eq!(end(drained), expected);
    assert!(matches!(reading.take_outcome(), Some(Ok(Err(ReadError::Lost(_))))));
    assert!(!transport.is_closing(), "the connection is the other protocol's");
    // Dropping the writer closes it all the same.
    drop(writer);
    passes_of(&mut fake, [WRITABLE, NONE]);
    assert_eq!((stream.sent().len(), stream.is_closed_elsewhere()), (100_000, true));
    let left = Rc::downgrade(&transport);
    drop(transport);
    assert!(left.upgrade().is_none());
    assert_eq!(fake.event_loop.census(), NOTHING);
}

/// RD-11 and TR-38: a transport that is paused because nobody reads goes on for the protocol that it
/// gets, and what that one pauses later is not for the old reader to resume.
#[test]
fn a_reader_whose_protocol_is_replaced_has_its_pause_no_more() {
    let (protocol, place) = placed();
    let mut fake = FakeLoop::new(Mode::Edge);
    let stream =
        FakeStream::new().receives([vec![b'x'; 200_000], b"for the other".to_vec()].map(Ok));
    let (transport, shared) = connect(&fake, stream.clone(), protocol).unwrap();
    drop(shared);
    passes_of(&mut fake, [NONE, NONE, READABLE]);
    let (mut reader, _writer) = place.take().unwrap();
    assert!(!transport.is_reading());
    transport.set_protocol(AnyProtocol::new(Echo::new(Log::Quiet)).0);
    assert!(transport.is_reading());
    passes_of(&mut fake, [READABLE]);
    assert_eq!(stream.sent(), b"for the other");
    transport.pause_reading();
    assert!(matches!(poll_once(reader.read(200_000)), Poll::Ready(Ok(_))));
    assert!(matches!(poll_once(reader.read(1)), Poll::Ready(Err(ReadError::Lost(_)))));
    assert!(!transport.is_reading());
    transport.abort();
    passes_of(&mut fake, [NONE]);
}

/// What a protocol says of its failure may panic, and how it is dropped as well: the stream has ended
/// all the same.
#[test]
fn a_stream_that_fails_with_what_cannot_be_told_has_ended() {
    #[derive(Debug)]
    struct Untold;

    impl std::error::Error for Untold {}

    impl std::fmt::Display for Untold {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic_quietly()
        }
    }

    impl Drop for Untold {
        fn drop(&mut self) {
            panic_quietly()
        }
    }

    let place = Rc::<Cell<Option<Streams>>>::default();
    let put = Rc::clone(&place);
    let protocol = StreamProtocol::new(StreamLimits::default(), move |reader, writer| {
        put.set(Some((reader, writer)));
        Err(Untold.into())
    });
    let mut scene = Scene::new(FakeStream::new(), protocol);
    let reports = reports(&scene.fake.event_loop);
    scene.pass(NONE);
    scene.rest();
    let (mut reader, writer) = place.take().unwrap();
    let Poll::Ready(Err(lost)) = poll_once(writer.wait_closed()) else { panic!("it has ended") };
    let text = "the connection was lost: its text panicked: on purpose";
    assert_eq!(lost.to_string(), text);
    assert!(matches!(poll_once(reader.read(1)), Poll::Ready(Err(ReadError::Lost(_)))));
    let messages: Vec<_> = reports.borrow().iter().map(|report| report.message).collect();
    assert_eq!(messages, ["a callback of a protocol failed"]);
}

fn panic_quietly() -> ! {
    std::panic::resume_unwind(Box::new("on purpose"))
}

fn passes_of<const N: usize>(fake: &mut FakeLoop, reports: [Readiness; N]) {
    for report in reports {
        fake.backend.report([(0, report)]);
        fake.event_loop.stop();
        fake.event_loop.run_forever().unwrap();
    }
}

thread_local! {
    /// What a [`Foreign`] waker does in this thread.
    static ACT: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// A waker that is code of others: it does something at once, and where it is called from.
struct Foreign;

impl Wake for Foreign {
    fn wake(self: Arc<Foreign>) {
        let act = ACT.take();
        act.expect("it is cause when the test expects it")();
    }
}

fn poll_foreign<F: Future + ?Sized>(
    future: Pin<&mut F>,
    act: impl FnOnce() + 'static,
) -> Poll<F::Output> {
    ACT.set(Some(Box::new(act)));
    future.poll(&mut Context::from_waker(&Waker::from(Arc::new(Foreign))))
}

/// ST-08: a waker that panics at the end of a connection does not keep it from those behind it.
#[test]
fn a_reader_whose_waker_panics_does_not_keep_the_end_from_the_others() {
    for is_reset in [true, false] {
        let receives = [Err::<&str, _>(ErrorKind::ConnectionReset)];
        let (mut scene, (mut reader, writer)) =
            staged(FakeStream::new().receives(receives).takes([Ok(None)]));
        let reports = reports(&scene.fake.event_loop);
        let mut reading = Box::pin(reader.read(1));
        let act = || std::panic::resume_unwind(Box::new("a waker that panics"));
        assert!(poll_foreign(reading.as_mut(), act).is_pending());
        writer.write(&[0; 100_000]).unwrap();
        let writer = Rc::new(writer);
        let (drains, closed) = (Rc::clone(&writer), writer.wait_closed());
        let draining = scene.fake.event_loop.spawn(async move { drains.drain().await }).unwrap();
        let closed = scene.fake.event_loop.spawn(closed).unwrap();
        scene.pass(NONE);
        if is_reset {
            scene.pass(READABLE);
        } else {
            scene.transport.abort();
        }
        scene.rest();
        let kind = is_reset.then_some(ErrorKind::ConnectionReset);
        for waiting in [draining, closed] {
            assert_eq!(waiting.take_outcome().unwrap().map(end), Ok(Some((kind, 100_000))));
        }
        assert!(reports.borrow().is_empty(), "the panic hook tells of it");
    }
}

/// A waker may come back in at once: it reads, writes, drains and closes from inside the callback
/// that woke it.
#[test]
fn a_waker_may_use_the_stream_that_wakes_it() {
    let stream = FakeStream::new().receives([Ok("one"), Ok("two"), Ok("three")]);
    let (mut scene, (reader, writer)) = staged(stream);
    let (reader, writer) = (Rc::new(RefCell::new(reader)), Rc::new(writer));
    read_again(Rc::clone(&reader), Rc::clone(&writer));
    for _ in 0..3 {
        scene.pass(READABLE);
    }
    // What it was cause for is there at once, and so it has answered within the callback.
    assert_eq!(scene.stream.sent(), b"one, two, three, ");
    assert!(!writer.is_closing());
    drop((reader, writer));
    ACT.take();
    scene.rest();
    assert!(scene.transport.is_closing());
}

/// Waits for the next bytes with a waker that answers them, and waits again.
fn read_again(reader: Rc<RefCell<StreamReader>>, writer: Rc<StreamWriter>) {
    let (again, answering) = (Rc::clone(&reader), Rc::clone(&writer));
    let act = move || {
        let read = poll_once(again.borrow_mut().read(100)).map(Result::unwrap);
        let Poll::Ready(bytes) = read else { panic!("it was cause for bytes") };
        answering.write(&bytes).unwrap();
        answering.writelines(&[b",", b" "]).unwrap();
        assert!(poll_once(answering.drain()).is_ready());
        read_again(again, answering);
    };
    let mut reader = reader.borrow_mut();
    let reading = pin!(reader.read(100));
    assert!(poll_foreign(reading, act).is_pending());
}

/// The destructor of a waker that is replaced by that of the next wait. What it ends is told to the
/// new wait.
#[test]
fn a_waker_that_is_dropped_may_end_the_stream_that_drops_it() {
    struct Ending;

    impl Wake for Ending {
        fn wake(self: Arc<Ending>) {}
    }

    impl Drop for Ending {
        fn drop(&mut self) {
            if let Some(act) = ACT.take() {
                act();
            }
        }
    }

    let (protocol, place) = placed();
    let mut fake = FakeLoop::new(Mode::Edge);
    let (transport, shared) = connect(&fake, FakeStream::new(), protocol).unwrap();
    drop(shared);
    passes_of(&mut fake, [NONE, NONE]);
    let (mut reader, writer) = place.take().unwrap();
    let ending = Waker::from(Arc::new(Ending));
    let first = pin!(reader.read(1)).poll(&mut Context::from_waker(&ending));
    assert!(first.is_pending());
    drop(ending);
    let successor = AnyProtocol::new(Echo::new(Log::Quiet)).0;
    ACT.set(Some(Box::new(move || transport.set_protocol(successor))));
    let reading = fake.event_loop.spawn(async move { reader.read(1).await }).unwrap();
    passes_of(&mut fake, [NONE, NONE]);
    assert!(ACT.take().is_none(), "the first waker was dropped");
    assert!(matches!(reading.take_outcome(), Some(Ok(Err(ReadError::Lost(_))))));
    drop(writer);
    passes_of(&mut fake, [NONE]);
}

/// What a stream wakes somebody for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Data,
    Eof,
    Reset,
    Room,
    End,
}

/// What a waker then does with the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    DropReader,
    DropWriter,
    DropBoth,
    DropBothWriterFirst,
    Abort,
    WriteMuch,
    ReplaceProtocol,
}

/// Dropping reader, writer or both, in each order, and the rest of what one may do, from inside each
/// wake-up: nothing is borrowed there, nobody else is forgotten, and at the end nothing is left.
#[test]
fn whatever_a_waker_does_the_others_are_told_and_nothing_is_left() {
    use Does::*;
    for cause in [Cause::Data, Cause::Eof, Cause::Reset, Cause::Room, Cause::End] {
        for does in [
            DropReader,
            DropWriter,
            DropBoth,
            DropBothWriterFirst,
            Abort,
            WriteMuch,
            ReplaceProtocol,
        ] {
            wake_and_do(cause, does);
        }
    }
}

fn wake_and_do(cause: Cause, does: Does) {
    let stream = match cause {
        Cause::Data => FakeStream::new().receives([Ok("data")]),
        Cause::Eof => FakeStream::new().receives([Ok("")]),
        Cause::Reset => FakeStream::new().receives([Err::<&str, _>(ErrorKind::ConnectionReset)]),
        Cause::Room | Cause::End => FakeStream::new(),
    };
    let (protocol, place) = placed();
    let mut fake = FakeLoop::new(Mode::Edge);
    let reports = reports(&fake.event_loop);
    let stream = stream.takes([Ok(None)]);
    let (transport, shared) = connect(&fake, stream, protocol).unwrap();
    drop(shared);
    passes_of(&mut fake, [NONE, NONE]);
    let (reader, writer) = place.take().unwrap();
    writer.write(&[0; 100_000]).unwrap();
    let closed = fake.event_loop.spawn(writer.wait_closed()).unwrap();
    let writer = Rc::new(writer);
    let mut waiting: Pin<Box<dyn Future<Output = ()>>> = match cause {
        Cause::Room => {
            let writer = Rc::clone(&writer);
            Box::pin(async move { drop(writer.drain().await) })
        }
        Cause::End => {
            let ended = writer.wait_closed();
            Box::pin(async move { drop(ended.await) })
        }
        // A read borrows the reader, which is to be dropped: it is given up, and its waker stays.
        Cause::Data | Cause::Eof | Cause::Reset => Box::pin(pending()),
    };
    let ends = Rc::new((RefCell::new(Some(reader)), RefCell::new(Some(writer))));
    let act = {
        let (ends, transport) = (Rc::clone(&ends), Rc::clone(&transport));
        move || act(does, &ends, &transport)
    };
    if cause == Cause::Room || cause == Cause::End {
        assert!(poll_foreign(waiting.as_mut(), act).is_pending());
    } else {
        let mut reader = ends.0.borrow_mut();
        let reading = pin!(reader.as_mut().unwrap().read(9));
        assert!(poll_foreign(reading, act).is_pending());
    }
    let report = if cause == Cause::Room { WRITABLE } else { READABLE };
    if cause == Cause::End {
        transport.abort();
    }
    passes_of(&mut fake, [report, WRITABLE]);
    assert!(ACT.take().is_none(), "{cause:?}, {does:?}: the waker was called");
    drop((waiting, ends));
    transport.abort();
    passes_of(&mut fake, [NONE, NONE]);
    assert!(closed.take_outcome().is_some(), "{cause:?}, {does:?}: who waits for the end is told");
    let left = Rc::downgrade(&transport);
    drop(transport);
    assert!(left.upgrade().is_none(), "{cause:?}, {does:?}: something is left");
    assert_eq!(fake.event_loop.census(), NOTHING, "{cause:?}, {does:?}");
    assert!(reports.borrow().is_empty(), "{cause:?}, {does:?}: {reports:?}");
}

type Ends = (RefCell<Option<StreamReader>>, RefCell<Option<Rc<StreamWriter>>>);

fn act(does: Does, ends: &Ends, transport: &Rc<dyn Transport>) {
    let (reader, writer) = ends;
    match does {
        Does::DropReader => drop(reader.take()),
        Does::DropWriter => drop(writer.take()),
        Does::DropBoth => drop((reader.take(), writer.take())),
        Does::DropBothWriterFirst => drop((writer.take(), reader.take())),
        Does::Abort => transport.abort(),
        Does::WriteMuch => {
            let _ = transport.write(&[0; 200_000]);
        }
        Does::ReplaceProtocol => {
            transport.set_protocol(AnyProtocol::new(Echo::new(Log::Quiet)).0);
        }
    }
}
