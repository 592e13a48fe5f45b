//! Task 6.3: `readexactly`.

use crate::reading::{Ask, Said};
use crate::scene::Scene;
use chapter_06::StreamLimits;
use grading::{Trial, Verdict};
use std::io::ErrorKind;

pub(crate) fn exactly_so_many_bytes_come_in_however_many_pieces(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A read by number waits until so many have come, also far above the limits, \
                       and takes so many and no more.";
    let limits = StreamLimits::new(trial.random().between(1, 50)).expect("it is not zero");
    let scene = Scene::begin(trial, limits);
    scene.reads(Ask::ReadExactly(0)).says(
        trial,
        &Said::bytes(b""),
        "No byte has to come for none.",
    )?;
    for _ in 0..3 {
        let count = trial.random().between(200, 900);
        let more = trial.random().between(1, 9);
        let bytes = trial.random().word(count + more, count + more).into_bytes();
        let (wanted, behind) = bytes.split_at(count);
        let reading = scene.reads(Ask::ReadExactly(count));
        let last = trial.random().between(1, 100);
        let (most, last) = wanted.split_at(count - last);
        for piece in trial.random().pieces(most, 150) {
            scene.comes(piece);
            reading.says(trial, &Said::NotYet, WHY)?;
        }
        scene.comes(&[last, behind].concat());
        reading.says(trial, &Said::bytes(wanted), WHY)?;
        scene.reads(Ask::Read(99)).says(trial, &Said::bytes(behind), WHY)?;
    }
    Ok(())
}

pub(crate) fn a_number_that_is_not_reached_gives_what_there_was(trial: &mut Trial) -> Verdict {
    const WHY: &str = "The peer has ended in the middle: what it did send is in the error, for \
                       nowhere else is it to be had.";
    const LOST: &str =
        "After a loss the bytes stay where they are, for those for whom they are enough.";
    let word = trial.random().word(3, 9);
    let (early, late) = word.split_at(trial.random().between(1, 2));
    let count = word.len() + trial.random().between(1, 9);
    let scene = Scene::begin(trial, StreamLimits::default());
    let reading = scene.reads(Ask::ReadExactly(count));
    scene.comes(early.as_bytes());
    scene.comes(late.as_bytes());
    scene.finishes();
    let partial = Said::Incomplete(word.clone().into_bytes(), Some(count));
    reading.says(trial, &partial, WHY)?;
    let nothing = Said::Incomplete(Vec::new(), Some(1));
    scene.reads(Ask::ReadExactly(1)).says(trial, &nothing, "It was taken with the error.")?;

    trial.did("another connection");
    let scene = Scene::begin(trial, StreamLimits::default());
    scene.comes(word.as_bytes());
    scene.breaks();
    let lost = Said::Lost(ErrorKind::ConnectionReset);
    for _ in 0..2 {
        scene.reads(Ask::ReadExactly(count)).says(trial, &lost, LOST)?;
    }
    let first = &word[..2];
    scene.reads(Ask::ReadExactly(2)).says(trial, &Said::bytes(first), LOST)?;
    scene.reads(Ask::Read(99)).says(trial, &Said::bytes(&word[2..]), LOST)
}

pub(crate) fn a_read_that_is_given_up_has_taken_nothing(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A future that is dropped takes with it what it has. Bytes may leave the \
                       reader only in the poll that returns them.";
    let scene = Scene::begin(trial, StreamLimits::default());
    let word = trial.random().word(8, 16);
    let pieces: Vec<String> = trial
        .random()
        .pieces(word.as_bytes(), 4)
        .into_iter()
        .map(|piece| String::from_utf8_lossy(piece).into_owned())
        .collect();
    for piece in &pieces {
        let count = trial.random().between(word.len() + 1, 30);
        let reading = scene.reads(Ask::ReadExactly(count));
        scene.comes(piece.as_bytes());
        reading.says(trial, &Said::NotYet, "There are not so many.")?;
        reading.is_given_up(trial);
    }
    scene.reads(Ask::ReadExactly(word.len())).says(trial, &Said::bytes(&word), WHY)
}
