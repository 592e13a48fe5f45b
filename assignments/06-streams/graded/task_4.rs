//! Task 6.4: `readuntil`.

use crate::reading::{Ask, Said};
use crate::scene::Scene;
use chapter_06::StreamLimits;
use grading::{Trial, Verdict, processor_time};
use std::io::ErrorKind;
use std::time::Duration;

/// A scene whose limit is so many bytes.
fn limited(trial: &Trial, limit: usize) -> &'static mut Scene {
    trial.did(format!("the limit is {limit}"));
    Scene::begin(trial, StreamLimits::new(limit).expect("it is not zero"))
}

pub(crate) fn a_separator_is_found_in_whichever_pieces_it_comes(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A separator of several bytes may come in several pieces: the last bytes of \
                       what was searched may be the beginning of one.";
    for longest in [1, 2, 3, 5, 40] {
        let separator = *trial.random().choice(&["\r\n\r\n", "--=>", "\n", "\r\n"]);
        // One that begins, and is none, just before the one that is.
        let begun = &separator[..separator.len() - 1];
        let text =
            format!("{}{begun}{}{begun}", trial.random().word(1, 5), trial.random().word(1, 5));
        let rest = trial.random().word(1, 5);
        let bytes = format!("{text}{separator}{rest}");
        let end = text.len() + separator.len();
        let scene = Scene::begin(trial, StreamLimits::default());
        let reading = scene.reads(Ask::until(separator.as_bytes()));
        let mut come = 0;
        for piece in trial.random().pieces(bytes.as_bytes(), longest) {
            let was_there = come >= end;
            scene.comes(piece);
            come += piece.len();
            if come < end {
                reading.says(trial, &Said::NotYet, WHY)?;
            } else if !was_there {
                reading.says(trial, &Said::bytes(&bytes[..end]), WHY)?;
            }
        }
        scene.reads(Ask::Read(99)).says(
            trial,
            &Said::bytes(&rest),
            "What is behind stays there.",
        )?;
    }
    Ok(())
}

pub(crate) fn of_several_separators_the_one_that_ends_first_counts(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Of several separators the one that ends first counts, wherever it stands in \
                       the list and wherever it begins: so it does not matter in which pieces the \
                       bytes come.";
    const SHORTEST: &str = "Of those that end together the shortest counts: all that stands before \
                            it is before the separator.";
    let word = trial.random().word(3, 6);
    let several = |trial: &mut Trial, separators: &[&str]| {
        let mut several: Vec<Vec<u8>> =
            separators.iter().map(|separator| separator.as_bytes().to_vec()).collect();
        trial.random().shuffle(&mut several);
        Ask::ReadUntil(several)
    };
    let scene = Scene::begin(trial, StreamLimits::default());
    scene.reads(several(trial, &["\n", ""])).says(
        trial,
        &Said::EmptySeparator,
        "One without a byte would be found everywhere.",
    )?;
    for (separators, bytes, end) in [
        (&["\n", ";"][..], format!("{word};{word}\n"), word.len() + 1),
        (&[",-,-", "-"], format!("{word},-,-{word}"), word.len() + 2),
        (&["\r\n\r\n", "\n\n", "\r\n"], format!("{word}\r\n\r\n"), word.len() + 2),
    ] {
        for _ in 0..2 {
            let scene = Scene::begin(trial, StreamLimits::default());
            let ask = several(trial, separators);
            scene.comes(bytes.as_bytes());
            scene.reads(ask).says(trial, &Said::bytes(&bytes[..end]), WHY)?;
        }
    }
    let scene = limited(trial, word.len());
    scene.comes(format!("{word}\r\n").as_bytes());
    let overrun = Said::Overrun { consumed: word.len() + 1, found: true };
    for _ in 0..2 {
        let ask = several(trial, &["\r\n", "\n"]);
        scene.reads(ask).says(trial, &overrun, SHORTEST)?;
    }
    Ok(())
}

pub(crate) fn the_limit_is_for_what_stands_before_the_separator(trial: &mut Trial) -> Verdict {
    const WHY: &str = "The limit counts the bytes before the separator, and is itself allowed.";
    const STAYS: &str =
        "What to do with what is too long is the caller's business: nothing of it is taken.";
    let limit = trial.random().between(4, 30);
    let scene = limited(trial, limit);
    let fits = trial.random().word(limit, limit);
    for cut in 0..=2 {
        let line = format!("{fits}\r\n");
        let (early, late) = line.as_bytes().split_at(limit + cut);
        let reading = scene.reads(Ask::until(b"\r\n"));
        scene.comes(early);
        if !late.is_empty() {
            reading.says(trial, &Said::NotYet, WHY)?;
            scene.comes(late);
        }
        reading.says(trial, &Said::bytes(&line), WHY)?;
    }
    scene.comes(format!("{fits}x\r\nnext").as_bytes());
    for _ in 0..2 {
        let overrun = Said::Overrun { consumed: limit + 1, found: true };
        scene.reads(Ask::until(b"\r\n")).says(trial, &overrun, WHY)?;
    }
    scene.reads(Ask::Read(limit + 1)).says(trial, &Said::bytes(format!("{fits}x")), STAYS)?;
    scene.reads(Ask::until(b"\r\n")).says(trial, &Said::bytes(b"\r\n"), STAYS)
}

pub(crate) fn a_separator_that_does_not_come_is_given_up_at_the_limit(
    trial: &mut Trial,
) -> Verdict {
    const WHY: &str = "Who looks at the limit when a separator is found keeps everything of a peer \
                       that never sends one.";
    const SAFE: &str = "So many bytes can be read without missing a separator: the last ones may \
                        be the beginning of one.";
    let limit = trial.random().between(4, 30);
    let scene = limited(trial, limit);
    let separator = *trial.random().choice(&["\r\n", "<=>"]);
    let (begun, last) = separator.split_at(separator.len() - 1);
    let word = trial.random().word(limit + 1, limit + 1);
    let reading = scene.reads(Ask::until(separator.as_bytes()));
    let (early, late) = word.split_at(trial.random().between(1, limit - 1));
    scene.comes(early.as_bytes());
    reading.says(trial, &Said::NotYet, "The limit is not reached.")?;
    scene.comes(format!("{late}{begun}").as_bytes());
    let overrun = Said::Overrun { consumed: limit + 1, found: false };
    let came = reading.said();
    let why = if came == Said::NotYet { WHY } else { SAFE };
    trial.ensure(came == overrun, format!("{}: {overrun}", reading.ask), &came, why)?;
    trial.did(format!("{} fails: {overrun}", reading.ask));
    scene.reads(Ask::Read(limit + 1)).says(trial, &Said::bytes(&word), SAFE)?;
    scene.comes(last.as_bytes());
    scene.reads(Ask::until(separator.as_bytes())).says(trial, &Said::bytes(separator), SAFE)
}

pub(crate) fn what_was_searched_is_not_searched_again(trial: &mut Trial) -> Verdict {
    const PIECE: usize = 512;
    const SHORT: usize = 12;
    const LONG: usize = 240;
    /// How much dearer a piece of the long line may be than one of the short lines. Who begins at
    /// the front each time is at some eight.
    const DEARER_MAX: u32 = 3;
    let limits = StreamLimits::new(2 * PIECE * LONG).expect("it is not zero");
    let piece = trial.random().word(PIECE, PIECE).into_bytes();
    let scene = Scene::begin(trial, limits);
    let mut cost = |pieces: usize| {
        let mut once = || {
            let began = processor_time();
            for _ in 0..LONG / pieces {
                let reading = scene.reads_quietly(Ask::until(b"\r\n"));
                (0..pieces).for_each(|_| scene.comes_quietly(&piece));
                scene.comes_quietly(b"\r\n");
                scene.rest();
                let came = reading.said();
                assert!(matches!(came, Said::Bytes(_)), "a line with its end: {came}");
            }
            processor_time() - began
        };
        // What disturbs a measure makes it longer.
        (0..3).map(|_| once()).min().unwrap_or(Duration::ZERO)
    };
    let (many, one) = (cost(SHORT), cost(LONG));
    trial.did(format!("lines of {SHORT} pieces came, {LONG} pieces in all"));
    trial.did(format!("one line of {LONG} pieces came"));
    trial.ensure(
        one < many * DEARER_MAX,
        "a piece costs the same in a long line as in a short one",
        "the longer the line, the dearer the piece",
        "Of a line of a megabyte that comes in a thousand pieces, who begins at the front with \
         each of them looks at five hundred megabytes; a peer can make you do it.",
    )
}

pub(crate) fn a_separator_that_never_comes_gives_what_there_was(trial: &mut Trial) -> Verdict {
    const WHY: &str = "What has no separator is no answer: who reads until the end would take the \
                       rest for a whole one, and then nothing for one after the other, for ever.";
    const LOST: &str =
        "After a loss the bytes stay where they are, for those for whom they are enough.";
    let (word, rest) = (trial.random().word(1, 9), trial.random().word(1, 9));
    let line = Said::bytes(format!("{word};"));
    let scene = Scene::begin(trial, StreamLimits::default());
    let reading = scene.reads(Ask::until(b";"));
    scene.comes(format!("{word};{rest}").as_bytes());
    reading.says(trial, &line, WHY)?;
    let reading = scene.reads(Ask::until(b";"));
    scene.finishes();
    reading.says(trial, &Said::Incomplete(rest.clone().into_bytes(), None), WHY)?;
    scene.reads(Ask::until(b";")).says(trial, &Said::Incomplete(Vec::new(), None), WHY)?;

    trial.did("another connection");
    let scene = Scene::begin(trial, StreamLimits::default());
    scene.comes(format!("{word};{rest}").as_bytes());
    scene.breaks();
    scene.reads(Ask::until(b";")).says(trial, &line, LOST)?;
    for _ in 0..2 {
        let lost = Said::Lost(ErrorKind::ConnectionReset);
        scene.reads(Ask::until(b";")).says(trial, &lost, LOST)?;
    }
    scene.reads(Ask::Read(99)).says(trial, &Said::bytes(&rest), LOST)
}
