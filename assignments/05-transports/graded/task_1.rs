//! Task 5.1: the way of a byte into the kernel, or behind those that wait.

use crate::scene::{NONE, Scene, Told, takes};
use chapter_05::fake::{Call, FakeStream};
use chapter_05::{AfterEof, Transport, WaterMarks};
use grading::{Trial, Verdict, shown};
use std::rc::Rc;

pub(crate) fn what_the_kernel_takes_is_gone_and_the_rest_is_kept(trial: &mut Trial) -> Verdict {
    const AT_ONCE: &str = "The kernel mostly has room: what it takes at once is gone when write \
                           returns, and needs no turn and no copy.";
    const REST: &str = "A send may take a part: what it has not taken is kept, and from then on \
                        everything goes behind it, for bytes stay in order.";
    let words: Vec<Vec<u8>> = (0..3).map(|_| trial.random().word(4, 20).into_bytes()).collect();
    let taken = trial.random().between(1, words[1].len() - 1);
    let stream = takes(trial, &[Some(words[0].len()), Some(taken)]);
    let first = Scene::new(trial, stream);
    first.write(trial, &words[0])?;
    trial.expect_bytes("sent", &words[0], &first.stream.sent(), AT_ONCE)?;
    trial.expect("write_buffer_size()", &0, &first.transport.write_buffer_size(), AT_ONCE)?;
    first.write(trial, b"")?;
    trial.expect(
        "calls of send",
        &1,
        &first.stream.calls().len(),
        "Of nothing, nothing is sent.",
    )?;
    first.write(trial, &words[1])?;
    let sent = [&words[0][..], &words[1][..taken]].concat();
    trial.expect_bytes("sent", &sent, &first.stream.sent(), REST)?;
    let kept = words[1].len() - taken;
    trial.expect("write_buffer_size()", &kept, &first.transport.write_buffer_size(), REST)?;
    first.write(trial, &words[2])?;
    let kept = kept + words[2].len();
    trial.expect_bytes("sent", &sent, &first.stream.sent(), REST)?;
    trial.expect("write_buffer_size()", &kept, &first.transport.write_buffer_size(), REST)?;
    trial.expect("calls of send", &2, &first.stream.calls().len(), REST)?;

    // Several pieces, one of them empty, of which the kernel takes the first and a part of the third.
    let taken = words[0].len() + trial.random().between(1, words[1].len() - 1);
    let second = Scene::new(trial, takes(trial, &[Some(taken)]));
    let pieces: [&[u8]; 4] = [&words[0], b"", &words[1], &words[2]];
    trial.did(format!("writelines({})", pieces.map(shown).join(", ")));
    if let Err(error) = second.transport.writelines(&pieces) {
        return trial.fail("writelines() takes the pieces", error, REST);
    }
    let whole = pieces.concat();
    trial.expect_bytes("sent", &whole[..taken], &second.stream.sent(), REST)?;
    trial.expect(
        "write_buffer_size()",
        &(whole.len() - taken),
        &second.transport.write_buffer_size(),
        REST,
    )?;
    let lengths = words.iter().map(Vec::len).collect();
    let came = second.stream.calls();
    trial.expect(
        "what was asked of the kernel",
        &vec![Call::SendVectored(lengths)],
        &came,
        "One call takes many pieces.",
    )?;

    let count = trial.random().between(1030, 1100);
    trial.did(format!("writelines() with {count} pieces of a byte, of which one call takes 1024"));
    let third = Scene::new(trial, FakeStream::new());
    let written = third.transport.writelines(&vec![&b"x"[..]; count]);
    trial.expect("writelines()", &Ok(()), &written, REST)?;
    trial.expect("write_buffer_size()", &(count - 1024), &third.transport.write_buffer_size(), REST)
}

pub(crate) fn above_the_high_mark_the_protocol_is_paused_once(trial: &mut Trial) -> Verdict {
    const NOT_AT_IT: &str = "The mark itself is allowed: the protocol is paused when more is kept.";
    const ABOVE: &str = "A transport never lets a writer wait, so it keeps what he writes. Who is \
                         not told to pause writes until the memory is full.";
    const ONCE: &str = "pause_writing and resume_writing come in turn: who was told to pause, and \
                        writes on, is not told again.";
    let high = trial.random().between(10, 40);
    let marked = |trial: &Trial, high: usize| {
        let scene = Scene::new(trial, takes(trial, &[None]));
        trial.did(format!("set_write_buffer_limits(Some({high}), None)"));
        scene.transport.set_write_buffer_limits(Some(high), None).expect("a low mark is not given");
        scene
    };
    let pauses = |scene: &Scene| scene.record.count("pause_writing");
    let first = marked(trial, high);
    first.write(trial, &vec![b'x'; high])?;
    trial.expect("calls of pause_writing", &0, &pauses(&first), NOT_AT_IT)?;
    first.write(trial, b"y")?;
    trial.expect("calls of pause_writing, when write has returned", &1, &pauses(&first), ABOVE)?;
    for _ in 0..trial.random().between(2, 5) {
        first.write(trial, b"z")?;
    }
    trial.expect("calls of pause_writing", &1, &pauses(&first), ONCE)?;

    let second = marked(trial, 0);
    second.write(trial, b"x")?;
    trial.expect(
        "calls of pause_writing",
        &1,
        &pauses(&second),
        "With a high mark of 0, any byte that is kept pauses.",
    )?;

    let third = marked(trial, high);
    third.write(trial, &vec![b'x'; high])?;
    trial.did(format!("set_write_buffer_limits(Some({}), None)", high - 1));
    third.transport.set_write_buffer_limits(Some(high - 1), None).expect("a low mark is not given");
    trial.expect(
        "calls of pause_writing",
        &1,
        &pauses(&third),
        "A mark that moves below what is kept is crossed.",
    )?;

    // Inside of a callback the protocol is in use: it is told when that has returned.
    trial.did("another protocol writes in its connection_made, of which nothing is taken");
    let stream = FakeStream::new().takes([Ok(None)]);
    let writes = |told: Told<'_>, transport: &Rc<dyn Transport>| {
        if told == Told::Made {
            transport.write(&vec![b'x'; WaterMarks::HIGH + 1])?;
        }
        Ok(())
    };
    let mut last = Scene::acting(trial, stream, AfterEof::Close, writes);
    last.pass(NONE);
    let expected = ["connection_made", "pause_writing"].map(str::to_owned).to_vec();
    trial.expect("what the protocol is told", &expected, &last.record.lines(), ABOVE)
}

pub(crate) fn marks_that_are_left_out_follow_from_the_others(trial: &mut Trial) -> Verdict {
    const WHY: &str = "The marks are apart, so that the protocol is not told at every byte; and never \
                       the other way round, or it would be told to go on where it is told to pause.";
    let number = trial.random().between(2, 10_000);
    let less = trial.random().between(1, number - 1);
    let cases = [
        (None, None, Some((16_384, 65_536))),
        (Some(number), None, Some((number / 4, number))),
        (None, Some(number), Some((number, 4 * number))),
        (Some(number), Some(less), Some((less, number))),
        (Some(number), Some(number), Some((number, number))),
        (Some(0), None, Some((0, 0))),
        (None, Some(0), Some((0, 0))),
        (Some(less), Some(number), None),
        (Some(0), Some(1), None),
        (None, Some(usize::MAX), Some((usize::MAX, usize::MAX))),
    ];
    for (high, low, expected) in cases {
        trial.did(format!("WaterMarks::new({high:?}, {low:?})"));
        let came = WaterMarks::new(high, low).ok().map(|marks| (marks.low(), marks.high()));
        let said = |marks: Option<(usize, usize)>| match marks {
            Some((low, high)) => format!("low {low}, high {high}"),
            None => "the error LimitsError".to_owned(),
        };
        trial.ensure(expected == came, said(expected), said(came), WHY)?;
    }
    Ok(())
}
