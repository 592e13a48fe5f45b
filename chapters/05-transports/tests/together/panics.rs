//! Code of others where one does not think of it: the destructor of a protocol or of an error, the
//! text of an error, the answer to `above`. What fails there ends at most its own connection. And
//! two more ways to misuse a connection: to pause and resume it for ever, and to adopt one that is
//! over.

use crate::guests::{self, address, connect, is_over, ping};
use crate::meet::{meet, tcp};
use crate::net::{both, event_loop, reset};
use crate::scene::{NONE, NOTHING, READABLE, Scene, WRITABLE};
use crate::watch::{OnDrop, reports};
use crate::witness::{Story, Told, Witness};
use chapter_03::Mode;
use chapter_04::{TURN_MAX, yield_now};
use chapter_05::fake::FakeStream;
use chapter_05::{
    AnyProtocol, BaseProtocol, Buffered, CallbackResult, ConnectionError, Protocol, Transport,
    connect_accepted_socket, create_server,
};
use std::error::Error;
use std::fmt;
use std::io::ErrorKind;
use std::mem::discriminant;
use std::net::Shutdown;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

/// More than the kernel takes at once, so that the high mark is crossed.
const MUCH: usize = 8_000_000;

/// Panics when it is asked what is above it, which it is when it has written much.
struct Unasked {
    story: Story,
    writes_when: Told<'static>,
}

impl Unasked {
    fn told(&self, told: Told<'_>, transport: &Rc<dyn Transport>) -> CallbackResult {
        if discriminant(&told) == discriminant(&self.writes_when) {
            transport.write(&vec![0; MUCH])?;
        }
        Ok(())
    }
}

impl BaseProtocol for Unasked {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.told(Told::Made, transport)
    }

    fn connection_lost(&mut self, _: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        assert!(error.is_none(), "{error:?}");
        self.story.add("lost");
    }

    fn pause_writing(&mut self, _: &Rc<dyn Transport>) {
        self.story.add("pause");
    }

    fn above(&self) -> Option<AnyProtocol> {
        panic!("as the test wants")
    }
}

impl Protocol for Unasked {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.told(Told::Data(data), transport)
    }
}

/// TR-03, CC-05: who writes much while the connection is made, and panics when it is asked what is
/// above it, is told of the high mark all the same, and its creator goes on.
#[test]
fn a_creator_is_told_although_above_panics() {
    both(|_| async {
        let story = Story::default();
        let (near, far) = tcp();
        let protocol = Unasked { story: story.clone(), writes_when: Told::Made };
        let (transport, _) = connect_accepted_socket(|| protocol, near).await.unwrap();
        assert_eq!(story.take(), ["pause"]);
        transport.abort();
        story.until("lost").await;
        assert_eq!((story.take(), event_loop().census().sources), (vec!["lost".to_owned()], 0));
        drop(far);
    });
}

/// TR-03, SV-10: nor does it keep its connection from its end, for which a server waits.
#[test]
fn a_server_shuts_down_although_above_panics() {
    both(|_| async {
        let story = Story::default();
        let protocols = story.clone();
        let factory = move || Unasked { story: protocols.clone(), writes_when: Told::Data(b"") };
        let server = create_server(factory, ("127.0.0.1", 0)).await.unwrap();
        let client = connect(address(&server)).await;
        client.send_all(b"x").await.unwrap();
        story.until("pause").await;
        server.shutdown(Duration::ZERO).await;
        assert_eq!((story.take(), server.connection_count()), (strings(&["pause", "lost"]), 0));
    });
}

fn strings(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// A protocol that puts another one in place when it is told this, whose destructor panics then.
/// Nobody else has it.
fn replaced(at: Told<'static>, old: &Story, new: &Story) -> Witness {
    let new = new.clone();
    // If a test has failed already, its loop is dropped while it panics.
    let bomb = OnDrop(|| assert!(thread::panicking(), "as the test wants"));
    Witness::new(old).acts(move |told, transport| {
        let _owned = &bomb;
        if discriminant(&told) == discriminant(&at) {
            transport.set_protocol(AnyProtocol::new(Witness::new(&new)).0);
        }
        Ok(())
    })
}

/// A protocol of either kind.
const KINDS: [fn(Witness) -> AnyProtocol; 2] =
    [|witness| AnyProtocol::new(witness).0, |witness| AnyProtocol::new(Buffered(witness)).0];

/// TR-38: a protocol that was replaced is none of the connection's any more. If its destructor
/// panics, this is reported, and the connection goes on.
#[test]
fn the_destructor_of_a_replaced_protocol_ends_nothing() {
    both(|_| async {
        let echoes = Witness::new(&Story::default()).acts(|told, transport| match told {
            Told::Data(data) => Ok(transport.write(data)?),
            _ => Ok(()),
        });
        let (_connection, other) = meet(echoes).await;
        for at in [Told::Made, Told::Data(b""), Told::Eof] {
            for kind in KINDS {
                go_on_by_replacing(at, kind).await;
                ping(&other).await;
            }
        }
        assert_eq!(event_loop().census().sources, 2);
    });
}

async fn go_on_by_replacing(at: Told<'static>, kind: fn(Witness) -> AnyProtocol) {
    let (old, new) = (Story::default(), Story::default());
    let (first, second) = (old.clone(), new.clone());
    let factory = move || kind(replaced(at, &first, &second));
    let reports = reports(&event_loop());
    let server = create_server(factory, ("127.0.0.1", 0)).await.unwrap();
    let client = connect(address(&server)).await;
    if at != Told::Made {
        client.send_all(b"x").await.unwrap();
        old.until_received(1).await;
    }
    if at != Told::Eof {
        client.send_all(b"y").await.unwrap();
        new.until_received(1).await;
    }
    client.as_socket().shutdown(Shutdown::Write).unwrap();
    assert!(is_over(&client).await, "{at:?}");
    server.shutdown(Duration::ZERO).await;
    assert!(!old.lines().contains(&"lost".to_owned()), "{old:?}");
    assert_eq!(new.lines().last().map(String::as_str), Some("lost"), "{at:?}");
    let reports = reports.borrow();
    let report = (reports[0].message, reports[0].error.as_deref());
    let expected = ("a protocol's destructor failed", Some("as the test wants"));
    assert_eq!((reports.len(), report), (1, expected), "{at:?}");
}

/// A scene in which nobody but the transport has the protocol.
fn alone(stream: FakeStream, protocol: Witness) -> Scene<Witness> {
    let mut scene = Scene::begun(stream, protocol);
    let (_, another) = AnyProtocol::new(Witness::new(&Story::default()));
    scene.protocol = another;
    scene
}

/// FC-09, TR-38: where it is replaced by a callback of the flow control, it is reported, and the
/// connection goes on with the new protocol.
#[test]
fn the_destructor_of_a_protocol_replaced_by_flow_control_ends_nothing() {
    for (at, told) in [(Told::Pause, vec!["resume at 0", "data x"]), (Told::Resume, vec!["data x"])]
    {
        let (old, new) = (Story::default(), Story::default());
        let stream = FakeStream::new().takes([Ok(None)]).receives([Ok("x")]);
        let mut scene = alone(stream, replaced(at, &old, &new));
        let reports = reports(&scene.fake.event_loop);
        scene.transport.write(&[0; 70_000]).unwrap();
        scene.pass(WRITABLE);
        scene.pass(READABLE);
        assert_eq!((new.take(), scene.stream.sent().len()), (strings(&told), 70_000));
        let reports = reports.borrow();
        let report = reports[0].message;
        assert_eq!((reports.len(), report), (1, "a protocol's destructor failed"));
        assert!(!scene.transport.is_closing());
    }
}

/// TR-13: a callback that replaces its protocol and panics, and then the destructor panics as well:
/// two reports, one lost connection, and no end of the process.
#[test]
fn a_callback_and_a_destructor_that_panic_are_two_reports() {
    let (old, new) = (Story::default(), Story::default());
    let bomb = OnDrop(|| panic!("in the destructor"));
    let second = new.clone();
    let protocol = Witness::new(&old).acts(move |told, transport| {
        let _owned = &bomb;
        if let Told::Data(_) = told {
            transport.set_protocol(AnyProtocol::new(Witness::new(&second)).0);
            panic!("in the callback");
        }
        Ok(())
    });
    let mut scene = alone(FakeStream::new().receives([Ok("x")]), protocol);
    let reports = reports(&scene.fake.event_loop);
    scene.pass(READABLE);
    scene.rest();
    assert_eq!(new.take(), ["lost: the protocol panicked: in the callback"]);
    let messages: Vec<_> = reports.borrow().iter().map(|report| report.message).collect();
    assert_eq!(messages, ["a protocol's destructor failed", "a callback of a protocol failed"]);
}

/// FC-09, TR-27: nor does it keep back what follows `resume_writing` in the same flush: the end of
/// the connection, or the end of file.
#[test]
fn a_flush_is_finished_although_the_destructor_of_a_replaced_protocol_panics() {
    type End = fn(&Rc<dyn Transport>);
    let ends: [(End, bool, &[&str]); 2] = [
        (|transport| transport.close(), false, &["lost"]),
        (|transport| transport.write_eof().unwrap(), true, &[]),
    ];
    for (end, is_shut_down, told) in ends {
        let (old, new) = (Story::default(), Story::default());
        let stream = FakeStream::new().takes([Ok(None)]);
        let mut scene = alone(stream, replaced(Told::Resume, &old, &new));
        let reports = reports(&scene.fake.event_loop);
        scene.transport.write(&[0; 70_000]).unwrap();
        end(&scene.transport);
        scene.pass(WRITABLE);
        scene.rest();
        assert_eq!(old.take(), ["made", "pause at 70000", "resume at 0"]);
        assert_eq!((new.take(), scene.stream.is_shut_down()), (strings(told), is_shut_down));
        assert_eq!((reports.borrow().len(), scene.stream.sent().len()), (1, 70_000));
    }
}

/// An error that cannot say what it is.
#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("it has no words")
    }
}

impl Error for Unspeakable {}

/// An error that cannot be dropped.
#[derive(Debug)]
struct Undroppable;

impl fmt::Display for Undroppable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it cannot be dropped")
    }
}

impl Error for Undroppable {}

impl Drop for Undroppable {
    fn drop(&mut self) {
        assert!(thread::panicking(), "as the test wants");
    }
}

/// Fails when its connection is made, and tells only that it is lost: nobody may ask for the error's
/// text.
struct Refuses {
    story: Story,
    refuse: fn(&Rc<dyn Transport>) -> CallbackResult,
}

impl BaseProtocol for Refuses {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        (self.refuse)(transport)
    }

    fn connection_lost(&mut self, _: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        self.story.add(if error.is_some() { "lost with an error" } else { "lost" });
    }
}

impl Protocol for Refuses {}

/// D-07 (TR-14): a creator gets the error of a `connection_made` that fails, of whatever type it is:
/// also if it cannot say what it is, and if it cannot be dropped, where nobody wants it, for the
/// connection was aborted before.
#[test]
fn d_07_a_creator_gets_the_error_although_its_text_or_destructor_panics() {
    type Refusal = fn(&Rc<dyn Transport>) -> CallbackResult;
    let aborts: Refusal = |transport| {
        transport.abort();
        Err(Box::new(Undroppable))
    };
    let refusals: [(Refusal, &str, &str); 2] = [
        (
            |_| Err(Box::new(Unspeakable)),
            "its text panicked: it has no words",
            "lost with an error",
        ),
        (aborts, "it cannot be dropped", "lost"),
    ];
    both(move |_| async move {
        for (refuse, text, end) in refusals {
            let story = Story::default();
            let (near, _far) = tcp();
            let reports = reports(&event_loop());
            let protocol = Refuses { story: story.clone(), refuse };
            let refused = connect_accepted_socket(|| protocol, near).await.map(drop).unwrap_err();
            assert_eq!(refused.to_string(), format!("connection_made failed: {text}"));
            story.until("lost").await;
            assert_eq!((story.take(), event_loop().census().sources), (strings(&[end]), 0));
            assert_eq!(
                (reports.borrow().len(), reports.borrow()[0].error.as_deref()),
                (1, Some(text))
            );
        }
    });
}

/// TR-13: an error that comes when the connection is over already is reported once, and what its
/// destructor does is nobody's concern.
#[test]
fn an_error_that_comes_too_late_may_panic_when_it_is_dropped() {
    for kind in KINDS {
        let story = Story::default();
        let witness = Witness::new(&story).acts(|told, transport| match told {
            Told::Data(_) => {
                transport.abort();
                Err(Box::new(Undroppable))
            }
            _ => Ok(()),
        });
        let mut scene = Scene::begun(FakeStream::new().receives([Ok("x")]), kind(witness));
        let reports = reports(&scene.fake.event_loop);
        scene.pass(READABLE);
        scene.rest();
        assert_eq!(story.take(), ["made", "data x", "lost"]);
        let reports = reports.borrow();
        assert_eq!((reports.len(), reports[0].message), (1, "a callback of a protocol failed"));
        assert_eq!(scene.fake.event_loop.census(), NOTHING);
    }
}

/// TR-06: to pause and to resume in each callback is no way to have more than one receive in a pass,
/// whatever the kernel's mode, and whichever kind the protocol is.
#[test]
fn who_pauses_and_resumes_in_each_callback_receives_once_a_pass() {
    for mode in [Mode::Edge, Mode::Level, Mode::Oneshot] {
        for kind in KINDS {
            let story = Story::default();
            let witness = Witness::new(&story).with_buffer(TURN_MAX).acts(|told, transport| {
                if let Told::Data(_) = told {
                    transport.pause_reading();
                    transport.resume_reading();
                }
                Ok(())
            });
            // Each receive is a full one, which says that there is more.
            let stream = FakeStream::new().receives([Ok(vec![b'x'; 4 * TURN_MAX])]);
            let mut scene = Scene::over(mode, stream.clone(), kind(witness));
            (0..2).for_each(|_| scene.pass(NONE));
            scene.pass(READABLE);
            assert_eq!(story.received().len(), TURN_MAX);
            // Who yields goes on in the next pass: a pass that has no end of rounds is seen by it.
            let main = async move {
                for passes in 0..4 {
                    assert_eq!(stream.left_to_receive(), (3 - passes) * TURN_MAX, "{mode:?}");
                    yield_now().await;
                }
            };
            scene.fake.event_loop.run_until_complete(main).unwrap();
            assert_eq!(story.take().len(), 5);
        }
    }
}

/// TR-36, CC-09: a socket whose peer has reset it before it is adopted had a peer: the error is the
/// reset, and no advice to connect it first.
#[test]
fn a_socket_that_was_reset_is_not_called_unconnected() {
    both(|_| async {
        let (near, far) = tcp();
        reset(far);
        // The kernel knows of no peer any more.
        guests::until(|| near.peer_addr().is_err()).await;
        let story = Story::default();
        let adopted = connect_accepted_socket(|| Witness::new(&story), near).await;
        assert_eq!(adopted.map(drop).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!((story.take().len(), event_loop().census().sources), (0, 0));
    });
}
