//! What goes wrong: the peer, the network, the protocol. Each ends one connection and no other.

use crate::meet::{meet, receive_all, tcp};
use crate::net::{both, event_loop, passes, register, reset};
use crate::scene::{self, NOTHING, READABLE, Scene, WRITABLE};
use crate::watch::{self, OnDrop, reports};
use crate::witness::{Story, Told, Witness};
use chapter_04::{Subject, running_loop};
use chapter_05::fake::FakeStream;
use chapter_05::{
    Buffered, CallbackResult, ProtocolKind, Transport, WriteError, connect_accepted_socket,
};
use std::io::{ErrorKind, Write};
use std::rc::Rc;

/// TR-36 and TR-12: a reset is the end, without an end of file before it, and what is kept is thrown
/// away. It is nobody's mistake, so nobody is told but the protocol.
#[test]
fn a_reset_by_the_peer_is_no_end_of_file() {
    both(|_| async {
        for kept in [0, 8_000_000] {
            let story = Story::default();
            let reports = reports(&event_loop());
            let (near, far) = tcp();
            let (transport, _) =
                connect_accepted_socket(|| Witness::new(&story), near).await.unwrap();
            transport.write(&vec![0; kept]).unwrap();
            assert_eq!(transport.write_buffer_size() > 0, kept > 0);
            reset(far);
            story.until("lost").await;
            assert_eq!(story.take().last().unwrap(), "lost: ConnectionReset");
            assert!(!story.lines().contains(&"eof".to_owned()));
            assert_eq!((transport.write_buffer_size(), transport.is_closing()), (0, true));
            assert_eq!((reports.borrow().len(), event_loop().census().sources), (0, 0));
        }
    });
}

/// TR-37: to a peer that is gone the first write goes well; later the pipe is broken.
#[test]
fn who_writes_on_to_a_peer_that_is_gone_breaks_the_pipe() {
    both(|_| async {
        let (near, far) = tcp();
        let story = Story::default();
        let witness = Witness::new(&story).keeps_open();
        let (transport, _) = connect_accepted_socket(|| witness, near).await.unwrap();
        let reports = reports(&event_loop());
        drop(far);
        story.until("eof").await;
        transport.write(b"hello?").unwrap();
        while transport.write(b"hello?").is_ok() {
            passes(1).await;
        }
        assert_eq!(transport.write(b"hello?"), Err(WriteError::Closed));
        story.until("lost").await;
        assert_eq!(story.take(), ["made", "eof", "lost: BrokenPipe"]);
        assert_eq!(reports.borrow().len(), 0);
    });
}

/// TR-11: an error of a send, in a write or in a flush, ends the connection: what is kept is thrown
/// away, and what has arrived is not received any more.
#[test]
fn an_error_of_a_send_ends_the_connection() {
    for fails_at in 0..3 {
        let story = Story::default();
        let mut takes = vec![Ok(Some(1)); fails_at];
        takes.push(Err(ErrorKind::TimedOut));
        let stream = FakeStream::new().takes(takes).receives([Ok("x")]);
        let mut scene = Scene::begun(stream, Witness::new(&story));
        let written = scene.transport.write(b"abc");
        assert_eq!(written, if fails_at == 0 { Err(WriteError::Closed) } else { Ok(()) });
        (0..2).for_each(|_| scene.pass(WRITABLE));
        assert_eq!((scene.transport.is_closing(), scene.transport.write_buffer_size()), (true, 0));
        scene.pass(READABLE);
        scene.rest();
        assert_eq!(story.take(), ["made", "lost: TimedOut"]);
        assert_eq!((scene.stream.sent().len(), scene.stream.left_to_receive()), (fails_at, 1));
        assert_eq!(scene.fake.event_loop.census(), NOTHING);
    }
}

/// TR-11: so does one of a receive, in either way to receive.
#[test]
fn an_error_of_a_receive_ends_the_connection() {
    fn ends<P: ProtocolKind>(story: &Story, protocol: P) {
        let stream = FakeStream::new().receives([Ok("x"), Err(ErrorKind::TimedOut), Ok("y")]);
        let mut scene = Scene::begun(stream.takes([Ok(None)]), protocol);
        scene.transport.write(b"kept").unwrap();
        (0..3).for_each(|_| scene.pass(READABLE));
        scene.rest();
        assert_eq!(story.take(), ["made", "data x", "lost: TimedOut"]);
        assert_eq!((scene.stream.left_to_receive(), scene.stream.sent().len()), (1, 0));
    }
    let story = Story::default();
    ends(&story, Witness::new(&story));
    ends(&story, Buffered(Witness::new(&story)));
}

/// TR-11: and one of the end of file.
#[test]
fn an_end_of_file_that_cannot_be_sent_ends_the_connection() {
    for is_kept in [false, true] {
        let story = Story::default();
        let stream = FakeStream::new().fails_to_shut_down(ErrorKind::NotConnected);
        let stream = if is_kept { stream.takes([Ok(None)]) } else { stream };
        let mut scene = Scene::begun(stream, Witness::new(&story));
        scene.transport.write(b"x").unwrap();
        scene.transport.write_eof().unwrap();
        scene.pass(WRITABLE);
        scene.rest();
        assert_eq!(story.take(), ["made", "lost: NotConnected"]);
    }
}

/// TR-11: and one of the selector, that has no memory for what is wanted.
#[test]
fn an_interest_that_the_kernel_refuses_ends_the_connection() {
    let story = Story::default();
    let stream = FakeStream::new().takes([Ok(None)]);
    let mut scene = Scene::over(chapter_03::Mode::Level, stream, Witness::new(&story));
    scene.pass(scene::NONE);
    scene.pass(scene::NONE);
    scene.fake.backend.fail_next(ErrorKind::OutOfMemory.into());
    scene.transport.write(b"kept").unwrap();
    assert_eq!((scene.transport.is_closing(), scene.transport.write_buffer_size()), (true, 0));
    scene.rest();
    assert_eq!(story.take(), ["made", "lost: OutOfMemory"]);
    assert_eq!(scene.fake.event_loop.census(), NOTHING);
}

type Failure = fn() -> CallbackResult;

/// How a callback fails, and what is said of it.
const FAILURES: [(Failure, &str); 2] = [
    (|| Err("as the test wants".into()), "as the test wants"),
    (|| panic!("as the test wants"), "the protocol panicked: as the test wants"),
];

/// TR-13 and TR-12: an error or a panic of a callback is reported, with the peer it is about, and
/// ends the connection with this error. What was kept is thrown away.
#[test]
fn a_callback_that_fails_ends_the_connection() {
    fn ends<P: ProtocolKind>(story: &Story, protocol: P, error: &str) {
        let stream = FakeStream::new().receives([Ok("x"), Ok("")]).takes([Ok(None)]);
        let mut scene = Scene::begun(stream, protocol);
        let reports = reports(&scene.fake.event_loop);
        scene.transport.write(b"kept").unwrap();
        (0..3).for_each(|_| scene.pass(READABLE));
        scene.rest();
        assert_eq!(*story.take().last().unwrap(), format!("lost: {error}"));
        let reports = reports.borrow();
        assert_eq!(reports.len(), 1);
        assert_eq!(
            (reports[0].message, reports[0].error.as_deref()),
            ("a callback of a protocol failed", Some(error))
        );
        assert!(matches!(reports[0].subject, Some(Subject::Connection(_))));
        assert_eq!((scene.stream.sent().len(), scene.fake.event_loop.census()), (0, NOTHING));
    }
    for (fail, error) in FAILURES {
        for in_eof in [false, true] {
            let fails = move |told: Told<'_>, _: &Rc<dyn Transport>| match told {
                Told::Data(_) if !in_eof => fail(),
                Told::Eof => fail(),
                _ => Ok(()),
            };
            let story = Story::default();
            ends(&story, Witness::new(&story).acts(fails), error);
            ends(&story, Buffered(Witness::new(&story).acts(fails)), error);
        }
    }
}

/// TR-13: a `get_buffer` that panics is a callback that fails, too.
#[test]
fn a_get_buffer_that_panics_ends_the_connection() {
    use chapter_05::{BaseProtocol, BufferedProtocol, ConnectionError};
    struct Panics(Story);
    impl BaseProtocol for Panics {
        fn connection_lost(&mut self, _: &Rc<dyn Transport>, error: Option<ConnectionError>) {
            self.0.add(error.unwrap().to_string());
        }
    }
    impl BufferedProtocol for Panics {
        fn get_buffer(&mut self, _: usize) -> &mut [u8] {
            panic!("no memory")
        }

        fn buffer_updated(&mut self, _: &Rc<dyn Transport>, _: usize) -> CallbackResult {
            Ok(())
        }
    }
    let story = Story::default();
    let stream = FakeStream::new().receives([Ok("x")]);
    let mut scene = Scene::begun(stream, Buffered(Panics(story.clone())));
    let reports = reports(&scene.fake.event_loop);
    scene.pass(READABLE);
    scene.rest();
    assert_eq!(story.take(), ["the protocol panicked: no memory"]);
    assert_eq!(reports.borrow().len(), 1);
}

/// D-07 (TR-14): a `connection_made` that fails ends the connection: nothing is received by a
/// protocol that is half made, and the creator gets the error. asyncio reports it and goes on.
#[test]
fn d_07_a_connection_made_that_fails_ends_the_connection() {
    both(|_| async {
        for (fail, error) in FAILURES {
            let (near, mut far) = tcp();
            far.write_all(b"early").unwrap();
            let story = Story::default();
            let witness = Witness::new(&story).acts(move |told, _| match told {
                Told::Made => fail(),
                _ => Ok(()),
            });
            let reports = reports(&event_loop());
            let refused = connect_accepted_socket(|| witness, near).await.map(drop).unwrap_err();
            assert!(refused.to_string().contains("as the test wants"), "{refused}");
            story.until("lost").await;
            assert_eq!(story.take(), ["made".to_owned(), format!("lost: {error}")]);
            assert_eq!((reports.borrow().len(), event_loop().census().sources), (1, 0));
        }
    });
}

/// TR-15: a `connection_lost` that panics is reported; the socket is closed nevertheless.
#[test]
fn a_connection_lost_that_panics_leaves_nothing_behind() {
    both(|_| async {
        let story = Story::default();
        let witness = Witness::new(&story).acts(|told, _| match told {
            Told::Lost => panic!("as the test wants"),
            _ => Ok(()),
        });
        let ((transport, _), far) = meet(witness).await;
        let reports = reports(&event_loop());
        transport.close();
        assert_eq!(receive_all(&far).await, b"");
        assert_eq!(reports.borrow()[0].message, "connection_lost failed");
        assert_eq!((reports.borrow().len(), event_loop().census().sources), (1, 1));
        assert!(transport.protocol().is_none());
    });
}

/// TR-15: nor does a protocol whose destructor panics.
#[test]
fn a_protocol_whose_destructor_panics_is_reported() {
    let story = Story::default();
    let fake = chapter_04::fake::FakeLoop::new(chapter_03::Mode::Edge);
    let on_drop = OnDrop(|| panic!("as the test wants"));
    let witness = Witness::new(&story).acts(move |_, _| {
        let _owned = &on_drop;
        Ok(())
    });
    let stream = FakeStream::new();
    let (transport, access) = chapter_05::fake::connect(&fake, stream.clone(), witness).unwrap();
    drop(access);
    let reports = reports(&fake.event_loop);
    let (_, protocol) = chapter_05::AnyProtocol::new(Witness::new(&Story::default()));
    let mut scene = Scene { fake, stream: stream.clone(), transport, protocol };
    scene.transport.abort();
    scene.rest();
    assert_eq!(story.take(), ["made", "lost"]);
    assert_eq!(reports.borrow()[0].message, "a protocol's destructor failed");
    assert_eq!((reports.borrow().len(), scene.fake.event_loop.census()), (1, NOTHING));
}

/// A callback that hands on with `?` that its connection is gone has made no mistake: it is not
/// reported, and the first cause counts.
#[test]
fn a_write_that_finds_the_connection_gone_is_no_failure_of_the_protocol() {
    let story = Story::default();
    let witness = Witness::new(&story).acts(|told, transport| {
        if let Told::Data(_) = told {
            transport.write(b"answer")?;
        }
        Ok(())
    });
    let stream = FakeStream::new().receives([Ok("x")]).takes([Err(ErrorKind::BrokenPipe)]);
    let mut scene = Scene::begun(stream, witness);
    let reports = reports(&scene.fake.event_loop);
    scene.pass(READABLE);
    scene.rest();
    assert_eq!(story.take(), ["made", "data x", "lost: BrokenPipe"]);
    assert_eq!(reports.borrow().len(), 0);

    // After `write_eof` it is one: the connection was not gone.
    let witness = Witness::new(&story).acts(|told, transport| {
        if let Told::Data(_) = told {
            transport.write_eof()?;
            transport.write(b"answer")?;
        }
        Ok(())
    });
    let mut scene = Scene::begun(FakeStream::new().receives([Ok("x")]), witness);
    let reports = watch::reports(&scene.fake.event_loop);
    scene.pass(READABLE);
    scene.rest();
    assert_eq!(story.take().last().unwrap(), &format!("lost: {}", WriteError::AfterEof));
    assert_eq!(reports.borrow().len(), 1);
}

/// TR-13: one connection that fails is one: the other, on the same loop, goes on.
#[test]
fn a_failure_ends_no_other_connection() {
    both(|_| async {
        let (bad, good) = (Story::default(), Story::default());
        running_loop().unwrap().set_exception_handler(|_, _| ());
        let witness = Witness::new(&bad).acts(|told, _| match told {
            Told::Data(_) => panic!("as the test wants"),
            _ => Ok(()),
        });
        let (_connection, first) = meet(witness).await;
        let echoes = Witness::new(&good).acts(|told, transport| {
            if let Told::Data(data) = told {
                transport.write(data)?;
            }
            Ok(())
        });
        let (near, far) = tcp();
        let (transport, _) = connect_accepted_socket(|| echoes, near).await.unwrap();
        let second = register(far);
        first.send_all(b"x").await.unwrap();
        second.send_all(b"still there?").await.unwrap();
        bad.until("lost").await;
        assert_eq!(&*second.recv(100).await.unwrap(), b"still there?");
        assert_eq!(receive_all(&first).await, b"");
        transport.close();
        good.until("lost").await;
    });
}
