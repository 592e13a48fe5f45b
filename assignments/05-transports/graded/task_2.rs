//! Task 5.2: the way of those that waited.

use crate::scene::{NONE, READABLE, Scene, Told, WRITABLE, mode};
use chapter_03::{Interest, Mode};
use chapter_05::fake::FakeStream;
use chapter_05::{AfterEof, Transport};
use grading::{Trial, Verdict};
use std::cell::Cell;
use std::rc::Rc;

pub(crate) fn what_was_kept_is_sent_as_there_is_room(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A byte leaves the buffer when the kernel has taken it: not before, for the \
                       kernel may take a part, or nothing; and not later.";
    const ONCE: &str = "In one turn a connection sends once: everybody else has a turn, too.";
    let length = trial.random().between(150_000, 250_000);
    let bytes = trial.random().word(length, length).into_bytes();
    let mut takes = vec![None];
    for _ in 0..8 {
        takes.push(Some(trial.random().between(1, 15_000)));
        takes.extend([None].repeat(trial.random().between(0, 1)));
    }
    takes.push(Some(1));
    let script = takes.iter().map(|takes| Ok(*takes));
    let mut scene = Scene::new(trial, FakeStream::new().takes(script)).begun();
    for piece in bytes.chunks(trial.random().between(40_000, 70_000)) {
        scene.write(trial, piece)?;
    }
    let mut sent = 0;
    for count in takes.iter().skip(1).copied().chain([Some(length)]) {
        trial.did(match count {
            Some(count) if count < length => {
                format!("the kernel reports room, and takes {count} bytes")
            }
            Some(_) => "the kernel reports room, and takes everything".to_owned(),
            None => "the kernel reports room, and takes nothing".to_owned(),
        });
        let before = scene.stream.calls().len();
        scene.pass(WRITABLE);
        sent = length.min(sent + count.unwrap_or(0));
        trial.expect_bytes("sent so far", &bytes[..sent], &scene.stream.sent(), WHY)?;
        trial.expect(
            "write_buffer_size()",
            &(length - sent),
            &scene.transport.write_buffer_size(),
            WHY,
        )?;
        trial.expect(
            "calls of send in this turn",
            &1,
            &(scene.stream.calls().len() - before),
            ONCE,
        )?;
    }

    let count = trial.random().between(1030, 1100);
    trial.did(format!("writelines() with {count} pieces, of which one call takes 1024"));
    let mut scene = Scene::new(trial, FakeStream::new()).begun();
    let pieces: Vec<&[u8]> = bytes[..count].chunks(1).collect();
    let written = scene.transport.writelines(&pieces);
    trial.expect("writelines()", &Ok(()), &written, WHY)?;
    scene.rest();
    let room = "The kernel has taken all that it was offered, so it will not report that it has room: \
                it always had.";
    trial.expect_bytes("sent", &bytes[..count], &scene.stream.sent(), room)
}

pub(crate) fn room_is_asked_for_only_while_something_is_kept(trial: &mut Trial) -> Verdict {
    const ASKED: &str = "What is kept goes when the kernel says that there is room, which it says \
                         only to those who ask.";
    const RESTS: &str = "Without room there is nothing to do: to try again is to try in vain.";
    const WITHDRAWN: &str = "There is nearly always room. Who asks for it without having anything to \
                             send is told at once, again and again.";
    let is_level = mode(trial) == Mode::Level;
    let writes = |interest: Interest| !matches!(interest, Interest::NONE | Interest::READ);
    let said = |writes: bool| match writes {
        true => "the kernel watches for room",
        false => "the kernel does not watch for room",
    };
    let most = trial.random().between(1, 5);
    let mut scene = Scene::new(trial, FakeStream::new().takes([Ok(None), Ok(Some(most))])).begun();
    let check = |trial: &Trial, scene: &Scene, expected: bool, why: &str| {
        // Over edges it watches for both, once and for all.
        let came = if is_level { writes(scene.interest()) } else { expected };
        trial.ensure(came == expected, said(expected), said(came), why)
    };
    check(trial, &scene, false, WITHDRAWN)?;
    trial.did("the kernel has no room");
    let word = trial.random().word(6, 20);
    scene.write(trial, word.as_bytes())?;
    check(trial, &scene, true, ASKED)?;
    let calls = scene.stream.calls().len();
    scene.reports(NONE);
    trial.ensure(
        scene.rests() && scene.stream.calls().len() == calls,
        "the connection rests until it hears of room",
        "it has another turn, or sends again",
        RESTS,
    )?;
    scene.reports(READABLE);
    trial.ensure(
        scene.stream.calls().len() == calls,
        "nothing is sent, for it is not known that there is room",
        "a send, which the kernel refuses",
        RESTS,
    )?;
    trial.did(format!("the kernel reports room, and takes {most} of the bytes"));
    scene.pass(WRITABLE);
    trial.ensure(
        scene.rests(),
        "the connection rests until it hears of room",
        "it has another turn",
        RESTS,
    )?;
    check(trial, &scene, true, ASKED)?;
    scene.reports(WRITABLE);
    trial.expect_bytes("sent", word.as_bytes(), &scene.stream.sent(), ASKED)?;
    // A level is reported once more: this is when it is known not to be wanted.
    scene.reports(WRITABLE);
    check(trial, &scene, false, WITHDRAWN)?;
    trial.ensure(scene.rests(), "the connection rests", "it has another turn", RESTS)
}

pub(crate) fn at_the_low_mark_the_protocol_goes_on_and_not_before(trial: &mut Trial) -> Verdict {
    const NOT_BEFORE: &str = "Between the marks nothing is said, so that the protocol is not told to \
                              pause and to go on at every few bytes.";
    const AT_IT: &str = "At the low mark the protocol is told to go on: who waits for less may wait \
                         for ever, for the mark may be 0.";
    const ONCE: &str = "pause_writing and resume_writing come in turn, each once.";
    const BEHIND: &str = "Who writes too much in resume_writing is told right behind it, and not when \
                          something else has happened.";
    let low = trial.random().between(2, 9);
    let high = low + trial.random().between(3, 20);
    for low in [low, 0] {
        let steps = [high - low, 1, low.saturating_sub(1)];
        let script = [Ok(None)].into_iter().chain(steps.iter().map(|count| Ok(Some(*count))));
        let mut scene = Scene::new(trial, FakeStream::new().takes(script)).begun();
        trial.did(format!("set_write_buffer_limits(Some({high}), Some({low}))"));
        scene.transport.set_write_buffer_limits(Some(high), Some(low)).expect("high is above low");
        let resumes = |scene: &Scene| scene.record.count("resume_writing");
        // One more than the high mark: the protocol is paused.
        scene.write(trial, &vec![b'x'; high + 1])?;
        scene.reports(WRITABLE);
        trial.did(format!("{} bytes are kept", low + 1));
        trial.expect("calls of resume_writing", &0, &resumes(&scene), NOT_BEFORE)?;
        scene.reports(WRITABLE);
        trial.did(format!("{low} bytes are kept"));
        trial.expect("calls of resume_writing", &1, &resumes(&scene), AT_IT)?;
        scene.reports(WRITABLE);
        scene.reports(WRITABLE);
        trial.expect("calls of resume_writing", &1, &resumes(&scene), ONCE)?;
        // Below the high mark it begins anew, and nothing is told.
        scene.write(trial, b"x")?;
        trial.expect("calls of pause_writing", &1, &scene.record.count("pause_writing"), ONCE)?;
    }

    trial.did("another protocol writes in each resume_writing, more than the high mark");
    let rounds = trial.random().between(2, 4);
    let left = Rc::new(Cell::new(rounds));
    let more = move |told: Told<'_>, transport: &Rc<dyn Transport>| {
        if told == Told::Resume && left.get() > 0 {
            left.set(left.get() - 1);
            transport.write(&vec![b'0' + left.get() as u8; high + 1])?;
        }
        Ok(())
    };
    let script = [Ok(None)].into_iter().chain([Ok(Some(high)), Ok(Some(1)), Ok(None)].repeat(9));
    let mut scene =
        Scene::acting(trial, FakeStream::new().takes(script), AfterEof::Close, more).begun();
    scene.transport.set_write_buffer_limits(Some(high), Some(0)).expect("high is above low");
    scene.write(trial, &vec![b'x'; high + 1])?;
    for _ in 0..4 * rounds + 8 {
        scene.pass(WRITABLE);
        let [paused, resumed] =
            ["pause_writing", "resume_writing"].map(|line| scene.record.count(line));
        trial.expect(
            "calls of pause_writing so far",
            &(rounds + 1).min(resumed + 1),
            &paused,
            BEHIND,
        )?;
    }
    let mut expected = vec!["connection_made".to_owned()];
    for _ in 0..=rounds {
        expected.extend(["pause_writing", "resume_writing"].map(str::to_owned));
    }
    trial.expect("what the protocol is told", &expected, &scene.record.lines(), ONCE)
}
