//! One direction of a connection ends before the other.

use crate::meet::{meet, pattern, receive_all, tcp, unix};
use crate::net::{both, passes, register};
use crate::scene::{NOTHING, READABLE, Scene, WRITABLE};
use crate::witness::{Story, Told, Witness};
use chapter_03::Readiness;
use chapter_05::fake::{Call, FakeStream};
use chapter_05::{Buffered, Transport, connect_accepted_socket};
use std::io::Write;
use std::net::Shutdown;
use std::rc::Rc;

/// What a kernel reports of data and end of file that came in one burst.
fn at_the_end() -> Readiness {
    READABLE | Readiness::READ_CLOSED
}

/// TR-08: by default the end of file closes the connection, and what is kept is sent first.
#[test]
fn the_end_of_file_closes_and_what_was_written_arrives() {
    both(|_| async {
        let bytes = Rc::new(pattern(5_000_000));
        let (story, answer) = (Story::default(), Rc::clone(&bytes));
        let witness = Witness::new(&story).acts(move |told, transport| {
            if let Told::Data(_) = told {
                transport.write(&answer)?;
            }
            Ok(())
        });
        let ((transport, _), far) = meet(witness).await;
        far.send_all(b"give me everything").await.unwrap();
        far.as_socket().shutdown(Shutdown::Write).unwrap();
        story.until("eof").await;
        assert!(transport.is_closing() && transport.write_buffer_size() > 0);
        assert!(receive_all(&far).await == *bytes);
        story.until("lost").await;
        assert_eq!(story.lines().last().unwrap(), "lost");
    });
}

/// TR-08: a protocol that keeps it open can write until somebody closes.
#[test]
fn a_connection_that_is_kept_open_still_sends() {
    both(|_| async {
        for (near, far) in [tcp(), unix()] {
            let story = Story::default();
            let witness = Witness::new(&story).keeps_open();
            let (transport, _) = connect_accepted_socket(|| witness, near).await.unwrap();
            far.shutdown(Shutdown::Write).unwrap();
            story.until("eof").await;
            passes(3).await;
            assert!(!transport.is_closing());
            transport.write(b"after the end").unwrap();
            transport.close();
            assert_eq!(receive_all(&register(far)).await, b"after the end");
            story.until("lost").await;
            assert_eq!(story.take(), ["made", "eof", "lost"]);
        }
    });
}

/// D-06 (TR-09): after the end of file nothing is read any more, and it is told once, whatever is
/// paused and resumed.
#[test]
fn d_06_the_end_of_file_is_told_once() {
    both(|_| async {
        let story = Story::default();
        let witness = Witness::new(&story).keeps_open();
        let ((transport, _), far) = meet(witness).await;
        far.as_socket().shutdown(Shutdown::Write).unwrap();
        story.until("eof").await;
        for _ in 0..3 {
            assert!(!transport.is_reading());
            transport.pause_reading();
            transport.resume_reading();
            passes(2).await;
        }
        transport.close();
        story.until("lost").await;
        assert_eq!(story.take(), ["made", "eof", "lost"]);
    });
}

/// D-06: nor if it is paused in the callback itself.
#[test]
fn d_06_a_pause_inside_eof_received_does_not_bring_it_again() {
    let story = Story::default();
    let witness = Witness::new(&story).keeps_open().acts(|told, transport| {
        if told == Told::Eof {
            transport.pause_reading();
            transport.resume_reading();
        }
        Ok(())
    });
    let mut scene = Scene::begun(FakeStream::new().receives([Ok(""), Ok("")]), witness);
    (0..3).for_each(|_| scene.pass(at_the_end()));
    assert_eq!(story.take(), ["made", "eof"]);
}

/// TR-25: the end of file goes behind the last byte, once; receiving goes on.
#[test]
fn write_eof_waits_for_what_is_kept_and_reading_goes_on() {
    let story = Story::default();
    let stream = FakeStream::new().receives([Ok("answer")]).takes([Ok(None), Ok(Some(2))]);
    let mut scene = Scene::begun(stream, Witness::new(&story));
    assert!(scene.transport.can_write_eof());
    scene.transport.write(b"kept").unwrap();
    scene.transport.write_eof().unwrap();
    scene.transport.write_eof().unwrap();
    scene.pass(WRITABLE);
    assert!(!scene.stream.is_shut_down());
    scene.pass(WRITABLE);
    let calls = [Call::Send(4), Call::Send(4), Call::Send(2), Call::ShutdownWrite];
    assert_eq!(scene.stream.calls(), calls);
    assert!(scene.transport.is_reading() && !scene.transport.is_closing());
    scene.pass(READABLE);
    scene.transport.write_eof().unwrap();
    assert_eq!(
        (story.take(), scene.stream.calls().len()),
        (vec!["made".into(), "data answer".into()], 4)
    );
}

/// TR-25: behind `close` it does nothing: the end of file comes with the end.
#[test]
fn write_eof_behind_close_does_nothing() {
    let story = Story::default();
    let stream = FakeStream::new().takes([Ok(None)]);
    let mut scene = Scene::begun(stream, Witness::new(&story));
    scene.transport.write(b"kept").unwrap();
    scene.transport.close();
    scene.transport.write_eof().unwrap();
    scene.transport.write(b" and more").unwrap();
    scene.pass(WRITABLE);
    scene.rest();
    assert_eq!(
        (scene.stream.sent(), story.take()),
        (b"kept and more".to_vec(), vec!["made".into(), "lost".into()])
    );
    assert!(!scene.stream.is_shut_down());
    assert_eq!(scene.fake.event_loop.census(), NOTHING);
}

/// TR-25 over the real kernel: a question is ended, then the answer comes.
#[test]
fn a_question_may_end_before_its_answer_begins() {
    both(|_| async {
        for (near, far) in [tcp(), unix()] {
            let bytes = pattern(3_000_000);
            let (story, far) = (Story::default(), register(far));
            let (transport, _) =
                connect_accepted_socket(|| Witness::new(&story), near).await.unwrap();
            transport.write(&bytes).unwrap();
            transport.write_eof().unwrap();
            assert!(receive_all(&far).await == bytes);
            far.send_all(b"answer").await.unwrap();
            story.until("data").await;
            drop(far);
            story.until("lost").await;
            let lines = story.take();
            assert_eq!(lines[lines.len() - 3..], ["data answer", "eof", "lost"]);
        }
    });
}

/// TR-42: all bytes that came with the end of file come before it, to either kind of protocol, also
/// if they are more than fit.
#[test]
fn data_that_came_with_the_end_of_file_comes_first() {
    both(|_| async {
        for length in [1, 4, 10, 100_000] {
            for is_in_place in [false, true] {
                let (near, mut far) = tcp();
                let bytes = pattern(length);
                far.write_all(&bytes).unwrap();
                drop(far);
                let story = Story::default();
                let witness = Witness::new(&story).with_buffer(length.div_ceil(3));
                if is_in_place {
                    connect_accepted_socket(|| Buffered(witness), near).await.unwrap();
                } else {
                    connect_accepted_socket(|| witness, near).await.unwrap();
                }
                story.until("lost").await;
                assert!(story.received() == bytes);
                let lines = story.take();
                assert_eq!(lines[lines.len() - 2..], ["eof", "lost"]);
                assert_eq!(lines.iter().filter(|line| *line == "eof").count(), 1);
            }
        }
    });
}

/// TR-42, told to the byte: one report of both is enough.
#[test]
fn one_report_of_data_and_end_of_file_brings_both() {
    for is_in_place in [false, true] {
        let story = Story::default();
        let stream = FakeStream::new().receives([Ok("burst"), Ok("")]);
        let witness = Witness::new(&story);
        let expected: &[&str] = if is_in_place {
            let mut scene = Scene::begun(stream, Buffered(witness));
            scene.pass(at_the_end());
            scene.rest();
            &["made", "data burs", "data t", "eof", "lost"]
        } else {
            let mut scene = Scene::begun(stream, witness);
            scene.pass(at_the_end());
            scene.rest();
            &["made", "data burst", "eof", "lost"]
        };
        assert_eq!(story.take(), expected);
    }
}

/// TR-33: the end of file waits as data does.
#[test]
fn the_end_of_file_is_not_noticed_while_reading_is_paused() {
    let story = Story::default();
    let mut scene = Scene::begun(FakeStream::new().receives([Ok("")]), Witness::new(&story));
    scene.transport.pause_reading();
    scene.pass(at_the_end());
    scene.pass(at_the_end());
    assert_eq!(story.take(), ["made"]);
    // Nobody reports it a second time.
    scene.transport.resume_reading();
    scene.rest();
    assert_eq!(story.take(), ["eof", "lost"]);
}

/// A protocol that ends its own side when the peer does: both ends of file, one `connection_lost`.
#[test]
fn both_sides_may_end() {
    both(|_| async {
        let story = Story::default();
        let witness =
            Witness::new(&story).keeps_open().acts(|told, transport: &Rc<dyn Transport>| {
                if told == Told::Eof {
                    transport.write(b"bye")?;
                    transport.write_eof()?;
                }
                Ok(())
            });
        let ((transport, _), far) = meet(witness).await;
        far.as_socket().shutdown(Shutdown::Write).unwrap();
        assert_eq!(receive_all(&far).await, b"bye");
        passes(3).await;
        assert!(!transport.is_closing(), "nobody has closed it");
        transport.close();
        story.until("lost").await;
        assert_eq!(story.take(), ["made", "eof", "lost"]);
    });
}
