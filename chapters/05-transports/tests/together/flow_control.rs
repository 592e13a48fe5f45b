//! How a protocol learns that it writes faster than the kernel sends.

use crate::meet::{meet, pattern, receive_all};
use crate::net::both;
use crate::scene::{self, NONE, NOTHING, Scene, WRITABLE};
use crate::watch::reports;
use crate::witness::{Story, Told, Witness};
use chapter_05::Transport;
use chapter_05::fake::FakeStream;
use std::cell::Cell;
use std::rc::Rc;

/// A connection whose marks are 4 and 10 bytes. The kernel takes nothing at first, then so much at
/// each report, then everything.
fn marked(takes: &[usize]) -> (Scene<Witness>, Story) {
    let story = Story::default();
    let takes = takes.iter().map(|count| Ok(Some(*count)));
    let stream = FakeStream::new().takes([Ok(None)]).takes(takes);
    let scene = Scene::begun(stream, Witness::new(&story));
    scene.transport.set_write_buffer_limits(Some(10), Some(4)).unwrap();
    story.take();
    (scene, story)
}

fn limits(transport: &Rc<dyn Transport>) -> (usize, usize) {
    let marks = transport.write_buffer_limits();
    (marks.low(), marks.high())
}

/// FC-01 and FC-02.
#[test]
fn marks_that_make_no_sense_change_nothing() {
    let scene = Scene::begun(FakeStream::new(), Witness::new(&Story::default()));
    assert_eq!(limits(&scene.transport), (16_384, 65_536));
    scene.transport.set_write_buffer_limits(None, Some(100)).unwrap();
    assert_eq!(limits(&scene.transport), (100, 400));
    let refused = scene.transport.set_write_buffer_limits(Some(9), Some(10)).unwrap_err();
    assert!(refused.to_string().contains("high (9)"), "{refused}");
    assert_eq!(limits(&scene.transport), (100, 400));
    scene.transport.set_write_buffer_limits(None, None).unwrap();
    assert_eq!(limits(&scene.transport), (16_384, 65_536));
}

/// FC-03: at the high mark nothing is said; one byte above it, inside of that write.
#[test]
fn a_pause_is_told_above_the_high_mark_and_not_at_it() {
    let (scene, story) = marked(&[]);
    scene.transport.write(b"0123456789").unwrap();
    assert_eq!((story.take(), scene.transport.write_buffer_size()), (vec![], 10));
    scene.transport.write(b"!").unwrap();
    assert_eq!(story.take(), ["pause at 11"]);
}

/// FC-03: inside of a callback it is told as soon as that has returned, before anything else.
#[test]
fn a_pause_for_a_write_in_a_callback_is_told_behind_it() {
    let story = Story::default();
    let notes = story.clone();
    let witness = Witness::new(&story).acts(move |told, transport| {
        if let Told::Data(_) = told {
            transport.write(&[0; 70_000])?;
            notes.add("written");
            transport.close();
        }
        Ok(())
    });
    let stream = FakeStream::new().takes([Ok(None)]).receives([Ok("x")]);
    let mut scene = Scene::begun(stream, witness);
    scene.pass(scene::READABLE);
    assert_eq!(story.take(), ["made", "data x", "written", "pause at 70000"]);
    scene.pass(WRITABLE);
    assert_eq!(story.take(), ["resume at 0", "lost"]);
}

/// FC-04: it is told once, and nothing stops whoever goes on.
#[test]
fn who_does_not_pause_is_not_told_again() {
    let (mut scene, story) = marked(&[]);
    (0..1000).for_each(|_| scene.transport.write(&[0; 1000]).unwrap());
    assert_eq!(
        (story.take(), scene.transport.write_buffer_size()),
        (vec!["pause at 1000".into()], 1_000_000)
    );
    scene.pass(WRITABLE);
    assert_eq!(story.take(), ["resume at 0"]);
}

/// FC-05 and FC-11: above the low mark nothing is said; at it, once, in the turn that has sent.
#[test]
fn a_resume_is_told_at_the_low_mark_and_not_above_it() {
    let (mut scene, story) = marked(&[6, 1, 1]);
    scene.transport.write(b"0123456789!").unwrap();
    scene.pass(WRITABLE);
    assert_eq!(
        (story.take(), scene.transport.write_buffer_size()),
        (vec!["pause at 11".into()], 5)
    );
    scene.pass(WRITABLE);
    assert_eq!(story.take(), ["resume at 4"]);
    scene.pass(WRITABLE);
    scene.pass(WRITABLE);
    assert_eq!((story.take(), scene.transport.write_buffer_size()), (vec![], 0));
    // Below the high mark it begins anew.
    scene.transport.write(b"0123456789!").unwrap();
    assert_eq!(story.take(), Vec::<String>::new());
}

/// FC-05: before `connection_lost`, also when that comes in the same turn.
#[test]
fn a_resume_comes_before_the_end() {
    let (mut scene, story) = marked(&[]);
    scene.transport.write(b"0123456789!").unwrap();
    scene.transport.close();
    scene.pass(WRITABLE);
    assert_eq!(story.take(), ["pause at 11", "resume at 0", "lost"]);
}

/// FC-06: what the kernel has taken counts no more.
#[test]
fn only_what_is_kept_counts() {
    both(|_| async {
        let story = Story::default();
        let ((transport, _), far) = meet(Witness::new(&story)).await;
        transport.set_write_buffer_limits(Some(0), None).unwrap();
        for _ in 0..100 {
            transport.write(&[7; 100]).unwrap();
        }
        assert_eq!((transport.write_buffer_size(), story.take()), (0, vec!["made".into()]));
        transport.close();
        assert_eq!(receive_all(&far).await, [7; 10_000]);
    });
}

/// FC-07: any byte that is kept pauses, and none resumes.
#[test]
fn marks_of_zero_pause_at_the_first_byte() {
    let (mut scene, story) = marked(&[2]);
    scene.transport.set_write_buffer_limits(Some(0), None).unwrap();
    assert_eq!(limits(&scene.transport), (0, 0));
    scene.transport.write(b"abc").unwrap();
    assert_eq!(story.take(), ["pause at 3"]);
    scene.pass(WRITABLE);
    assert_eq!((story.take(), scene.transport.write_buffer_size()), (vec![], 1));
    scene.pass(WRITABLE);
    assert_eq!(story.take(), ["resume at 0"]);
}

/// FC-08: marks that move below what is kept pause at once; marks that move above it resume with the
/// next send.
#[test]
fn moved_marks_count_from_now_on() {
    let (mut scene, story) = marked(&[1]);
    scene.transport.write(b"01234567").unwrap();
    scene.transport.set_write_buffer_limits(Some(8), Some(1)).unwrap();
    assert_eq!(story.take(), Vec::<String>::new());
    scene.transport.set_write_buffer_limits(Some(7), Some(1)).unwrap();
    assert_eq!(story.take(), ["pause at 8"]);
    scene.transport.set_write_buffer_limits(Some(100), Some(50)).unwrap();
    scene.pass(NONE);
    assert_eq!(story.take(), Vec::<String>::new());
    scene.pass(WRITABLE);
    assert_eq!(story.take(), ["resume at 7"]);
}

/// FC-10 and FC-11: a protocol that writes in `resume_writing`, over the mark again and again.
#[test]
fn a_resume_that_writes_keeps_order_and_turns() {
    let story = Story::default();
    let mut left = 5_u8;
    let witness = Witness::new(&story).acts(move |told, transport| {
        if told == Told::Resume && left > 0 {
            left -= 1;
            transport.write(&[b'5' - left; 12])?;
        }
        Ok(())
    });
    let stream = FakeStream::new().takes([Ok(None)]).takes([Ok(Some(5)); 13]);
    let mut scene = Scene::begun(stream, witness);
    scene.transport.set_write_buffer_limits(Some(10), Some(4)).unwrap();
    scene.transport.write(&[b'0'; 12]).unwrap();
    (0..20).for_each(|_| scene.pass(WRITABLE));
    let sent: Vec<u8> = (b'0'..=b'5').flat_map(|digit| [digit; 12]).collect();
    assert_eq!(scene.stream.sent(), sent);
    let lines = story.take();
    let turns: Vec<bool> = lines[1..].iter().map(|line| line.starts_with("pause")).collect();
    assert!(
        turns.len() >= 8 && turns.iter().enumerate().all(|(n, pause)| *pause == (n % 2 == 0)),
        "{lines:?}"
    );
}

/// FC-09: whatever goes wrong there is reported, and the connection goes on.
#[test]
fn a_failure_while_pausing_or_resuming_is_reported_only() {
    let story = Story::default();
    let witness = Witness::new(&story).acts(|told, _| match told {
        Told::Pause | Told::Resume => Err("as the test wants".into()),
        _ => Ok(()),
    });
    let mut scene = Scene::begun(FakeStream::new().takes([Ok(None)]), witness);
    let reports = reports(&scene.fake.event_loop);
    scene.transport.write(&[1; 70_000]).unwrap();
    scene.pass(WRITABLE);
    scene.transport.write(b"on").unwrap();
    let messages: Vec<_> = reports.borrow().iter().map(|report| report.message).collect();
    assert_eq!(messages, ["pause_writing failed", "resume_writing failed"]);
    assert_eq!((scene.stream.sent().len(), scene.transport.is_closing()), (70_002, false));
}

/// FC-12: a full send keeps nothing, and what the kernel does not take grows by each write. That the
/// size is read and not summed up (D-14), a test of the buffer shows.
#[test]
fn the_size_of_the_buffer_follows_every_write() {
    both(|_| async {
        const WRITES: usize = 10_000;
        let story = Story::default();
        let ((transport, _), far) = meet(Witness::new(&story)).await;
        transport.write(b"x").unwrap();
        assert_eq!(transport.write_buffer_size(), 0);
        transport.write(&vec![b'x'; 8_000_000]).unwrap();
        let kept = transport.write_buffer_size();
        assert!(kept > 0);
        for count in 1..=WRITES {
            transport.write(b"x").unwrap();
            assert_eq!(transport.write_buffer_size(), kept + count);
        }
        transport.close();
        assert_eq!(receive_all(&far).await.len(), 1 + 8_000_000 + WRITES);
    });
}

/// FC-03 and FC-11, where the protocol is lent to whoever writes: it is told when it is free, before
/// the resume and before the end. A turn that is queued already must not bring these first.
#[test]
fn a_pause_of_a_lent_protocol_comes_before_what_follows() {
    for ends in [false, true] {
        let story = Story::default();
        let stream = FakeStream::new().takes([Ok(None)]);
        let mut scene = Scene::begun(stream, Witness::new(&story));
        scene.transport.write(b"kept").unwrap();
        let (transport, protocol) = (Rc::clone(&scene.transport), scene.protocol.clone());
        // It runs before the turn that the report makes, in the same pass.
        let write = move || {
            let lent = protocol.with(|_| {
                transport.write(&[0; 70_000]).unwrap();
                if ends {
                    transport.abort();
                }
            });
            lent.unwrap();
        };
        scene.fake.event_loop.call_soon(write).unwrap();
        assert_eq!(story.take(), ["made"]);
        scene.pass(WRITABLE);
        scene.rest();
        let then = if ends { "lost" } else { "resume at 0" };
        let paused = if ends { "pause at 0" } else { "pause at 70004" };
        assert_eq!(story.take(), [paused, then]);
    }
}

/// The same between two runs of the loop, when no loop runs.
#[test]
fn a_pause_of_a_lent_protocol_is_told_by_the_next_run() {
    let story = Story::default();
    let mut scene = Scene::begun(FakeStream::new().takes([Ok(None)]), Witness::new(&story));
    scene.protocol.with(|_| scene.transport.write(&[0; 70_000])).unwrap().unwrap();
    assert_eq!(story.take(), ["made"]);
    scene.pass(NONE);
    assert_eq!(story.take(), ["pause at 70000"]);
    scene.transport.abort();
    scene.rest();
    assert_eq!(scene.fake.event_loop.census(), NOTHING);
}

/// FC-10 over the real kernel: a protocol that fills up whenever it may, in order to the last byte.
#[test]
fn a_protocol_that_keeps_to_the_marks_sends_everything() {
    both(|_| async {
        let bytes = Rc::new(pattern(10_000_000));
        let (source, sent) = (Rc::clone(&bytes), Rc::<Cell<usize>>::default());
        let story = Story::default();
        let place = Rc::clone(&sent);
        let witness = Witness::new(&story).acts(move |told, transport| {
            while matches!(told, Told::Made | Told::Resume) && place.get() < source.len() {
                let end = source.len().min(place.get() + 10_007);
                transport.write(&source[place.get()..end])?;
                place.set(end);
                if transport.write_buffer_size() > transport.write_buffer_limits().high() {
                    return Ok(());
                }
            }
            Ok(())
        });
        let ((transport, _), far) = meet(witness).await;
        let mut received = Vec::new();
        while received.len() < bytes.len() {
            received.extend_from_slice(&far.recv(100_000).await.unwrap());
        }
        assert!(received == *bytes);
        assert!(story.lines().len() > 3, "it was paused and resumed");
        transport.abort();
    });
}
