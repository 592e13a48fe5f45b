//! Task 6.2: how a read waits, and when the transport is paused.

use crate::reading::{Ask, Said};
use crate::scene::Scene;
use crate::server::{KINDS, connections};
use chapter_04::OPERATIONS_MAX;
use chapter_06::{StreamLimits, StreamReader, StreamWriter};
use grading::{Trial, Verdict};
use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::rc::Rc;

pub(crate) fn a_read_is_woken_by_what_comes_and_by_nothing_else(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A callback puts the bytes where the task will look, and wakes it.";
    const RESTS: &str = "A task that waits is polled when it was woken, and it is woken when \
                         something has come. Who wakes itself asks again in each pass, and the \
                         loop never rests.";
    let scene = Scene::begin(trial, StreamLimits::default());
    for _ in 0..3 {
        let word = trial.random().word(1, 9);
        let reading = scene.reads(Ask::Read(99));
        scene.rest();
        trial.expect("polls while nothing comes", &1, &reading.task.polls(), RESTS)?;
        scene.comes(word.as_bytes());
        let polls = reading.task.polls();
        reading.says(trial, &Said::bytes(&word), WHY)?;
        trial.expect("polls in all", &2, &polls, RESTS)?;
        // What is there needs no waiting, and comes in the pieces that are asked for.
        let word = trial.random().word(4, 9);
        scene.comes(word.as_bytes());
        let (first, rest) = word.split_at(trial.random().between(1, 3));
        scene.reads(Ask::Read(first.len())).says(trial, &Said::bytes(first), WHY)?;
        scene.reads(Ask::Read(99)).says(trial, &Said::bytes(rest), WHY)?;
    }
    Ok(())
}

pub(crate) fn reading_pauses_above_the_mark_and_goes_on_at_half_of_it(
    trial: &mut Trial,
) -> Verdict {
    const PAUSES: &str = "What nobody reads is kept up to the mark, and no further: what is above \
                          stays in the kernel, and the peer feels that nobody reads.";
    const GOES_ON: &str = "At half of the mark there is room again. Who goes on earlier pauses and \
                           resumes for every few bytes; who goes on later has the reader wait for \
                           the peer.";
    let half = trial.random().between(10, 500);
    let mark = 2 * half;
    let limits = StreamLimits::default().with_kept_max(mark).expect("it is not zero");
    let scene = Scene::begin(trial, limits);
    let is_reading = |trial: &Trial, scene: &Scene, expected: bool, kept: usize, why: &str| {
        let text = |is: bool| if is { "the transport reads" } else { "it is paused" };
        let came = scene.transport.is_reading();
        let says = format!("with {kept} bytes of {mark} kept: {}", text(expected));
        trial.ensure(came == expected, &says, text(came), why)?;
        trial.did(says);
        Ok::<(), Box<grading::Story>>(())
    };
    // Twice, for what was resumed is paused again.
    for _ in 0..2 {
        let bytes = trial.random().word(mark, mark).into_bytes();
        scene.comes(&bytes);
        is_reading(trial, scene, true, mark, PAUSES)?;
        scene.comes(b"x");
        is_reading(trial, scene, false, mark + 1, PAUSES)?;
        scene.reads(Ask::Read(half)).says(trial, &Said::bytes(&bytes[..half]), GOES_ON)?;
        is_reading(trial, scene, false, half + 1, GOES_ON)?;
        scene.reads(Ask::Read(1)).says(trial, &Said::bytes(&bytes[half..=half]), GOES_ON)?;
        is_reading(trial, scene, true, half, GOES_ON)?;
        let rest = [&bytes[half + 1..], b"x"].concat();
        scene.reads(Ask::Read(mark)).says(trial, &Said::bytes(rest), GOES_ON)?;
    }
    Ok(())
}

pub(crate) fn who_waits_for_more_lifts_the_pause(trial: &mut Trial) -> Verdict {
    const WHY: &str = "The transport waits until the reader takes something, and the reader until \
                       the transport brings something: neither ever goes on. Who waits for more \
                       takes the pause back.";
    let mark = trial.random().between(10, 100);
    let limits = StreamLimits::default().with_kept_max(mark).expect("it is not zero");
    let scene = Scene::begin(trial, limits);
    trial.did(format!("reading pauses above {mark} bytes"));
    let bytes = trial.random().word(5 * mark, 5 * mark).into_bytes();
    let (early, late) = bytes.split_at(2 * mark);
    // Once the pause is there before the read, and once it comes while it waits.
    scene.comes(early);
    let reading = scene.reads(Ask::ReadToEnd);
    for piece in late.chunks(mark) {
        scene.comes(piece);
        trial.expect("bytes left with the peer", &0, &scene.left_with_the_peer(), WHY)?;
    }
    scene.finishes();
    reading.says(trial, &Said::Bytes(bytes), WHY)
}

pub(crate) fn what_has_come_is_read_before_the_end_is_told(trial: &mut Trial) -> Verdict {
    const WHY: &str = "What has come has come, whatever became of the connection afterwards. The \
                       end is told when there is nothing else to give, and each time that it is \
                       asked for.";
    for breaks in [false, true] {
        let scene = Scene::begin(trial, StreamLimits::default());
        let word = trial.random().word(4, 9);
        let (first, rest) = word.split_at(trial.random().between(1, 3));
        let (early, late) = word.split_at(trial.random().between(1, 3));
        scene.comes(early.as_bytes());
        scene.comes(late.as_bytes());
        let end = if breaks {
            scene.breaks();
            Said::Lost(ErrorKind::ConnectionReset)
        } else {
            scene.finishes();
            Said::bytes(b"")
        };
        scene.reads(Ask::Read(first.len())).says(trial, &Said::bytes(first), WHY)?;
        scene.reads(Ask::Read(99)).says(trial, &Said::bytes(rest), WHY)?;
        for _ in 0..2 {
            scene.reads(Ask::Read(99)).says(trial, &end, WHY)?;
        }
    }
    // Who waits when it comes is told as well.
    let scene = Scene::begin(trial, StreamLimits::default());
    let reading = scene.reads(Ask::Read(99));
    scene.breaks();
    reading.says(trial, &Said::Lost(ErrorKind::ConnectionReset), WHY)
}

pub(crate) fn who_reads_without_rest_leaves_the_others_their_turn(trial: &mut Trial) -> Verdict {
    let scene = Scene::begin(trial, StreamLimits::default());
    let bytes = trial.random().word(300, 300).into_bytes();
    scene.comes(&bytes);
    let taken = Rc::new(Cell::new(0));
    trial.did("a task reads them, one at a time");
    scene.reads_one_by_one(Rc::clone(&taken));
    trial.ensure(
        taken.get() <= OPERATIONS_MAX,
        format!("after {OPERATIONS_MAX} reads the others have their turn"),
        format!("it has read {} times in one turn", taken.get()),
        "Who finds something each time never waits, and to await what is there gives nobody else a \
         turn: the loop has to be asked, by `may_go_on`.",
    )?;
    (0..2).for_each(|_| scene.rest());
    trial.expect("reads in the end", &300, &taken.get(), "Who gave way goes on in the next pass.")
}

async fn echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        let data = reader.read(10_000).await?;
        if data.is_empty() {
            return Ok(writer.close().await?);
        }
        writer.write(&data)?;
        writer.drain().await?;
    }
}

pub(crate) fn a_long_stream_over_a_real_socket_loses_nothing(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A stream may be paused and resumed as often as it takes: each byte comes \
                       once, in its order, and at last the end of file.";
    let limits = StreamLimits::new(trial.random().between(100, 5000)).expect("it is not zero");
    for kind in KINDS {
        let (address, _serving) = connections(trial, kind, limits, echo);
        let mut client = trial.client(address)?;
        let bytes = trial.random().word(300_000, 400_000).into_bytes();
        client.send_and_receive(&bytes, &bytes, WHY)?;
        client.finish()?;
        client.receive_end(WHY)?;
    }
    Ok(())
}
