//! How many bytes a connection has lost, as its transport counts them: those that it took and the
//! kernel did not.

use crate::meet::{receive_all, tcp, unix};
use crate::net::{both, event_loop, register, reset};
use crate::scene::{NONE, READABLE, Scene, WRITABLE};
use crate::stack::{STACKS, Stack};
use crate::witness::{Story, Told, Witness};
use chapter_05::fake::FakeStream;
use chapter_05::{AnyProtocol, Transport, WriteError, connect_accepted_socket};
use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

/// A connection without a kernel, with the transport that its protocol sees, and what that counts in
/// its last callback.
struct Counted {
    scene: Scene<AnyProtocol>,
    above: Rc<dyn Transport>,
    at_the_end: Rc<RefCell<Option<usize>>>,
}

impl Counted {
    fn new(stack: Stack, stream: FakeStream) -> Counted {
        let (place, at_the_end) =
            (Rc::<RefCell<Option<Rc<dyn Transport>>>>::default(), Rc::default());
        let (put, end) = (Rc::clone(&place), Rc::<RefCell<Option<usize>>>::clone(&at_the_end));
        let witness = Witness::new(&Story::default()).acts(move |told, transport| {
            match told {
                Told::Made => *put.borrow_mut() = Some(Rc::clone(transport)),
                Told::Lost => *end.borrow_mut() = Some(transport.unsent()),
                _ => assert_eq!(transport.unsent(), 0),
            }
            Ok(())
        });
        let (protocol, _) = AnyProtocol::new(witness);
        let scene = Scene::begun(stream, stack.below(protocol));
        let above = place.take().unwrap();
        Counted { scene, above, at_the_end }
    }

    /// The end comes, and the count is that, in the last callback and after it, at each level.
    #[track_caller]
    fn ends_with(mut self, unsent: usize) {
        self.scene.rest();
        assert_eq!(*self.at_the_end.borrow(), Some(unsent));
        assert_eq!((self.above.unsent(), self.scene.transport.unsent()), (unsent, unsent));
        assert_eq!(self.above.write_buffer_size(), 0);
        // It is over: nothing counts any more.
        assert_eq!(self.above.write(b"late"), Err(WriteError::Closed));
        self.above.abort();
        self.scene.rest();
        assert_eq!(self.above.unsent(), unsent);
    }
}

/// D-21: nothing is lost before something is lost, however much waits, nor where everything was sent.
#[test]
fn nothing_is_unsent_before_the_end_and_after_a_close_in_order() {
    for stack in STACKS {
        let stream = FakeStream::new().takes([Ok(Some(10)), Ok(None)]);
        let mut counted = Counted::new(stack, stream);
        counted.above.write(&[0; 100_000]).unwrap();
        counted.above.close();
        counted.scene.pass(WRITABLE);
        assert_eq!((counted.above.unsent(), counted.above.write_buffer_size()), (0, 99_990));
        counted.scene.pass(WRITABLE);
        counted.ends_with(0);
    }
}

/// D-21: an abort loses what the kernel has not taken, in however many writes it came.
#[test]
fn an_abort_counts_what_the_kernel_has_not_taken() {
    for stack in STACKS {
        let counted = Counted::new(stack, FakeStream::new().takes([Ok(Some(10)), Ok(None)]));
        counted.above.write(&[0; 100_000]).unwrap();
        counted.above.writelines(&[&[0; 500], b"", &[0; 50]]).unwrap();
        counted.above.abort();
        // The count is there before the last callback.
        assert_eq!(counted.above.unsent(), 100_540);
        counted.ends_with(100_540);
        Counted::new(stack, FakeStream::new()).ends_after_abort_with_nothing_kept();
    }
}

impl Counted {
    fn ends_after_abort_with_nothing_kept(self) {
        self.above.write(b"all of this is sent").unwrap();
        self.above.abort();
        self.ends_with(0);
    }
}

/// D-21: so does a reset, whether it is read or written into; a write that is refused has not been
/// taken, and does not count.
#[test]
fn a_reset_counts_what_the_kernel_has_not_taken() {
    for stack in STACKS {
        let receives = [Err::<&str, _>(ErrorKind::ConnectionReset)];
        let stream = FakeStream::new().receives(receives).takes([Ok(Some(1)), Ok(None)]);
        let mut counted = Counted::new(stack, stream);
        counted.above.write(b"four").unwrap();
        counted.scene.pass(READABLE);
        counted.ends_with(3);

        let takes = [Ok(None), Ok(Some(1)), Err(ErrorKind::BrokenPipe)];
        let mut counted = Counted::new(stack, FakeStream::new().takes(takes));
        counted.above.write(b"four").unwrap();
        counted.scene.pass(WRITABLE);
        counted.scene.pass(WRITABLE);
        counted.ends_with(3);

        let takes = [Err(ErrorKind::BrokenPipe)];
        let counted = Counted::new(stack, FakeStream::new().takes(takes));
        assert_eq!(counted.above.write(b"refused"), Err(WriteError::Closed));
        counted.ends_with(0);
    }
}

/// D-13 and D-21: and so does the end of a limit. What was written behind the close counts as well.
#[test]
fn d_13_a_close_out_of_time_counts_what_the_kernel_has_not_taken() {
    const LIMIT: Duration = Duration::from_secs(1);
    for stack in STACKS {
        let mut counted = Counted::new(stack, FakeStream::new().takes([Ok(Some(1)), Ok(None)]));
        counted.above.write(b"four").unwrap();
        counted.above.close_within(LIMIT);
        counted.above.write(b" and more").unwrap();
        counted.scene.fake.clock.advance(LIMIT);
        counted.scene.pass(NONE);
        counted.ends_with(12);
    }
}

/// A failure of the protocol throws away what is kept, like every other one.
#[test]
fn a_protocol_that_fails_loses_what_was_kept() {
    for stack in STACKS {
        let story = Story::default();
        let witness = Witness::new(&story).acts(|told, transport| match told {
            Told::Data(_) => {
                transport.write(b"kept")?;
                Err("it fails".into())
            }
            _ => Ok(()),
        });
        let stream = FakeStream::new().receives([Ok("x")]).takes([Ok(None)]);
        let mut scene = Scene::begun(stream, stack.below(AnyProtocol::new(witness).0));
        scene.fake.event_loop.set_exception_handler(|_, _| ());
        scene.pass(READABLE);
        scene.rest();
        assert_eq!(scene.transport.unsent(), 4);
    }
}

/// A loop that is closed loses it, too.
#[test]
fn a_closed_loop_counts_what_was_kept() {
    let mut counted = Counted::new(Stack::Cipher, FakeStream::new().takes([Ok(None)]));
    counted.scene.fake.event_loop.set_exception_handler(|_, _| ());
    counted.above.write(b"kept").unwrap();
    counted.scene.fake.event_loop.close();
    assert_eq!((counted.above.unsent(), counted.scene.transport.unsent()), (4, 4));
}

/// D-21 over the real kernel: what was written is what the peer gets and what is counted.
#[test]
fn what_was_written_is_what_the_peer_gets_and_what_is_counted() {
    both(|_| async {
        const WRITTEN: usize = 20_000_000;
        for (near, far) in [tcp(), unix()] {
            let story = Story::default();
            let (transport, _) =
                connect_accepted_socket(|| Witness::new(&story), near).await.unwrap();
            transport.write(&vec![0; WRITTEN]).unwrap();
            transport.abort();
            let received = receive_all(&register(far)).await.len();
            assert!(transport.unsent() > 0 && received > 0);
            assert_eq!(received + transport.unsent(), WRITTEN);
            story.until("lost").await;
        }
    });
}

/// D-21 over the real kernel: after a reset, what the kernel has taken may be lost as well; what is
/// counted is what it has not.
#[test]
fn after_a_reset_what_was_kept_is_counted() {
    both(|_| async {
        event_loop().set_exception_handler(|_, context| panic!("{context}"));
        let (near, far) = tcp();
        let story = Story::default();
        let (transport, _) = connect_accepted_socket(|| Witness::new(&story), near).await.unwrap();
        transport.write(&vec![0; 20_000_000]).unwrap();
        let kept = transport.write_buffer_size();
        assert!(kept > 0 && transport.unsent() == 0);
        reset(far);
        story.until("lost: ").await;
        assert_eq!(transport.unsent(), kept);
    });
}
