//! What a protocol gets: its defaults, its own buffer, the place of another one.

use crate::meet::{meet, pattern, receive_all};
use crate::net::both;
use crate::scene::{NONE, NOTHING, READABLE, Scene};
use crate::watch::{OnDrop, reports};
use crate::witness::{Story, Told, Witness};
use chapter_04::TURN_MAX;
use chapter_05::fake::FakeStream;
use chapter_05::{
    AnyProtocol, BaseProtocol, Buffered, BufferedProtocol, CallbackResult, EmptyBuffer, InUse,
    Protocol, Transport,
};
use std::cell::{Cell, RefCell};
use std::net::Shutdown;
use std::rc::Rc;

/// PR-02: a protocol that wants nothing of all this says nothing, and the end of file closes.
#[test]
fn a_protocol_without_methods_works() {
    struct Silent;
    impl BaseProtocol for Silent {}
    impl Protocol for Silent {}
    both(|_| async {
        let ((transport, _), far) = meet(Silent).await;
        far.send_all(b"is anybody there?").await.unwrap();
        transport.set_write_buffer_limits(Some(0), None).unwrap();
        transport.write(&pattern(5_000_000)).unwrap();
        far.as_socket().shutdown(Shutdown::Write).unwrap();
        assert!(receive_all(&far).await == pattern(5_000_000));
    });
}

/// PR-03: an orderly end, whoever makes it, has no error.
#[test]
fn an_orderly_end_has_no_error() {
    let ends: [fn(&Rc<dyn Transport>); 3] =
        [|transport| transport.close(), |transport| transport.abort(), |_| ()];
    for end in ends {
        let story = Story::default();
        let stream = FakeStream::new().receives([Ok("")]);
        let mut scene = Scene::begun(stream, Witness::new(&story));
        end(&scene.transport);
        scene.pass(READABLE);
        scene.rest();
        assert_eq!(story.take().last().unwrap(), "lost");
    }
}

/// PR-01: all callbacks come on the thread of the loop, none inside of another: a callback that does
/// what calls others finds the protocol in use, and they come behind it.
#[test]
fn no_callback_comes_inside_of_another() {
    let story = Story::default();
    let notes = story.clone();
    let thread = std::thread::current().id();
    let own = Rc::<RefCell<Option<chapter_05::ProtocolRef<Witness>>>>::default();
    let access = Rc::clone(&own);
    let witness = Witness::new(&story).acts(move |told, transport| {
        assert_eq!(std::thread::current().id(), thread);
        let access = access.borrow().clone().unwrap();
        assert_eq!(access.with(|_| ()), Err(InUse));
        if let Told::Data(_) = told {
            transport.write(&[0; 70_000])?;
            transport.pause_reading();
            transport.resume_reading();
            transport.abort();
        }
        notes.add("returns");
        Ok(())
    });
    let stream = FakeStream::new().receives([Ok("x")]).takes([Ok(None)]);
    let mut scene = Scene::new(stream, witness);
    *own.borrow_mut() = Some(scene.protocol.clone());
    (0..4).for_each(|_| scene.pass(READABLE));
    own.take();
    let expected =
        ["made", "returns", "data x", "returns", "pause at 0", "returns", "lost", "returns"];
    assert_eq!(story.take(), expected);
}

/// Receives in place, and notes what it is asked and told.
struct InPlace {
    buffer: Vec<u8>,
    notes: Rc<RefCell<Vec<(usize, usize)>>>,
    hint: usize,
}

impl BaseProtocol for InPlace {}

impl BufferedProtocol for InPlace {
    fn get_buffer(&mut self, size_hint: usize) -> &mut [u8] {
        self.hint = size_hint;
        &mut self.buffer
    }

    fn buffer_updated(&mut self, _: &Rc<dyn Transport>, count: usize) -> CallbackResult {
        self.notes.borrow_mut().push((self.hint, count));
        Ok(())
    }
}

/// PR-04 and PR-06: the bytes are in the protocol's own buffer; one that is too small means more
/// rounds. asyncio's hint is -1, for "nothing is known"; here it is the most that one receive brings.
#[test]
fn a_buffered_protocol_is_received_in_place() {
    let notes = Rc::<RefCell<Vec<(usize, usize)>>>::default();
    let protocol = InPlace { buffer: vec![0; 4], notes: Rc::clone(&notes), hint: 0 };
    let stream = FakeStream::new().receives([Ok("0123456789")]);
    let mut scene = Scene::begun(stream, Buffered(protocol));
    scene.pass(READABLE);
    assert_eq!(scene.protocol.with(|protocol| protocol.0.buffer.clone()).unwrap(), b"0123");
    assert_eq!(scene.stream.left_to_receive(), 6, "one receive a turn");
    scene.rest();
    assert_eq!(notes.take(), [(TURN_MAX, 4), (TURN_MAX, 4), (TURN_MAX, 2)]);
    assert_eq!(scene.protocol.with(|protocol| protocol.0.buffer.clone()).unwrap(), b"8967");
}

/// PR-04 and PR-06 over the real kernel: megabytes through a buffer of a hundred bytes, which ends
/// the stream as any other.
#[test]
fn megabytes_go_through_a_small_buffer() {
    both(|_| async {
        let bytes = pattern(300_000);
        let story = Story::default();
        let (_connection, far) = meet(Buffered(Witness::new(&story).with_buffer(100))).await;
        far.send_all(&bytes).await.unwrap();
        far.as_socket().shutdown(Shutdown::Write).unwrap();
        story.until("lost").await;
        assert!(story.received() == bytes);
        let lines = story.take();
        assert!(lines.len() >= 3000 && lines[lines.len() - 2] == "eof");
    });
}

/// PR-04: a report without bytes is no round; the buffer may have been asked for.
#[test]
fn a_buffered_protocol_is_not_told_of_no_bytes() {
    let notes = Rc::<RefCell<Vec<(usize, usize)>>>::default();
    let protocol = InPlace { buffer: vec![0; 4], notes: Rc::clone(&notes), hint: 0 };
    let mut scene = Scene::begun(FakeStream::new(), Buffered(protocol));
    scene.pass(READABLE);
    assert_eq!((notes.take(), scene.transport.is_closing()), (vec![], false));
}

/// PR-05.
#[test]
fn an_empty_buffer_ends_the_connection() {
    let story = Story::default();
    let stream = FakeStream::new().receives([Ok("x")]);
    let mut scene = Scene::begun(stream, Buffered(Witness::new(&story).with_buffer(0)));
    let reports = reports(&scene.fake.event_loop);
    scene.pass(READABLE);
    scene.rest();
    assert_eq!(story.take(), ["made".to_owned(), format!("lost: {EmptyBuffer}")]);
    assert_eq!(reports.borrow()[0].error, Some(EmptyBuffer.to_string()));
    assert_eq!((reports.borrow().len(), scene.fake.event_loop.census()), (1, NOTHING));
}

/// TR-26 and TR-33: a buffered protocol may also close or pause when it is asked for its buffer; then
/// nothing is received into it.
#[test]
fn a_protocol_that_stops_when_asked_for_its_buffer_is_told_nothing_more() {
    struct Stops {
        transport: Rc<RefCell<Option<Rc<dyn Transport>>>>,
        stop: fn(&Rc<dyn Transport>),
        buffer: Vec<u8>,
    }
    impl BaseProtocol for Stops {}
    impl BufferedProtocol for Stops {
        fn get_buffer(&mut self, _: usize) -> &mut [u8] {
            (self.stop)(self.transport.borrow().as_ref().unwrap());
            &mut self.buffer
        }

        fn buffer_updated(&mut self, _: &Rc<dyn Transport>, count: usize) -> CallbackResult {
            panic!("{count} bytes are received");
        }
    }
    let stops: [fn(&Rc<dyn Transport>); 3] = [
        |transport| transport.close(),
        |transport| transport.abort(),
        |transport| transport.pause_reading(),
    ];
    for stop in stops {
        for room in [0, 4] {
            let transport = Rc::<RefCell<Option<Rc<dyn Transport>>>>::default();
            let protocol = Stops { transport: Rc::clone(&transport), stop, buffer: vec![0; room] };
            let stream = FakeStream::new().receives([Ok("x")]);
            let mut scene = Scene::begun(stream, Buffered(protocol));
            let reports = reports(&scene.fake.event_loop);
            *transport.borrow_mut() = Some(Rc::clone(&scene.transport));
            scene.pass(READABLE);
            scene.rest();
            assert!(!scene.transport.is_reading());
            assert_eq!((scene.stream.left_to_receive(), reports.borrow().len()), (1, 0));
        }
    }
}

/// TR-38: the next event goes to the new protocol, which is not told that the connection is made.
/// The old one is dropped behind its callback.
#[test]
fn another_protocol_gets_what_comes_next() {
    let (old, new) = (Story::default(), Story::default());
    let is_dropped = Rc::<Cell<bool>>::default();
    let (seen, notes, story) = (Rc::clone(&is_dropped), old.clone(), new.clone());
    let on_drop = OnDrop(move || seen.set(true));
    let was_dropped = Rc::clone(&is_dropped);
    let witness = Witness::new(&old).acts(move |told, transport| {
        let _owned = &on_drop;
        if let Told::Data(_) = told {
            let (protocol, _) = AnyProtocol::new(Witness::new(&story));
            transport.set_protocol(protocol);
            assert!(!was_dropped.get());
            notes.add("still here");
        }
        Ok(())
    });
    let stream = FakeStream::new().receives([Ok("one"), Ok("two"), Ok("")]);
    let fake = chapter_04::fake::FakeLoop::new(chapter_03::Mode::Edge);
    let (transport, access) = chapter_05::fake::connect(&fake, stream.clone(), witness).unwrap();
    drop(access);
    // Another handle of nothing: the scene wants one.
    let (_, protocol) = AnyProtocol::new(Witness::new(&Story::default()));
    let mut scene = Scene { fake, stream, transport, protocol };
    scene.pass(NONE);
    scene.pass(NONE);
    scene.pass(READABLE);
    assert!(is_dropped.get());
    scene.pass(READABLE);
    scene.pass(READABLE);
    scene.rest();
    assert_eq!(old.take(), ["made", "data one", "still here"]);
    assert_eq!(new.take(), ["data two", "eof", "lost"]);
}

/// TR-38: what is there can be asked, and after the end nothing is.
#[test]
fn the_protocol_of_a_transport_can_be_asked_for() {
    let story = Story::default();
    let mut scene = Scene::begun(FakeStream::new(), Witness::new(&story));
    assert!(matches!(scene.transport.protocol(), Some(AnyProtocol::Chunks(_))));
    let (other, access) = AnyProtocol::new(Buffered(Witness::new(&story)));
    scene.transport.set_protocol(other);
    assert!(matches!(scene.transport.protocol(), Some(AnyProtocol::InPlace(_))));
    scene.transport.set_protocol(access.erased());
    scene.transport.set_protocol(scene.protocol.erased());
    assert!(matches!(scene.transport.protocol(), Some(AnyProtocol::Chunks(_))));
    scene.transport.abort();
    assert!(scene.transport.protocol().is_some());
    scene.rest();
    assert!(scene.transport.protocol().is_none());
    scene.transport.set_protocol(access.erased());
    assert!(scene.transport.protocol().is_none(), "it would never be let go");
    assert_eq!(story.take(), ["made", "lost"]);
}

/// PR-07: there and back, in the middle of a stream.
#[test]
fn the_kind_of_a_protocol_can_change_in_the_middle_of_a_stream() {
    both(|_| async {
        let bytes = Rc::new(pattern(40));
        let story = Story::default();
        let ((transport, chunks), far) = meet(Witness::new(&story)).await;
        let (_, in_place) = AnyProtocol::new(Buffered(Witness::new(&story)));
        for (number, part) in bytes.chunks(10).enumerate() {
            let is_in_place = number % 2 == 1;
            transport.set_protocol(if is_in_place { in_place.erased() } else { chunks.erased() });
            story.take();
            far.send_all(part).await.unwrap();
            story.until_received(10 * (number + 1)).await;
            // Four bytes at a time, or all of them.
            assert_eq!(story.lines().len(), if is_in_place { 3 } else { 1 });
        }
        transport.abort();
        story.until("lost").await;
        assert!(story.received() == *bytes);
    });
}
