//! Task 1.1: `LineBuffer`.

use chapter_01::LineBuffer;
use grading::{Trial, Verdict, measure, processor_time, shown};

/// Longer than any line here that is not about the limit.
const LINE_MAX: usize = 1024;

/// What `next_line` gives.
#[derive(PartialEq)]
enum Next {
    Line(Vec<u8>),
    NotYet,
    TooLong,
}

impl Next {
    fn of(buffer: &mut LineBuffer) -> Next {
        match buffer.next_line() {
            Ok(Some(line)) => Next::Line(line.to_vec()),
            Ok(None) => Next::NotYet,
            Err(_) => Next::TooLong,
        }
    }

    fn describe(&self) -> String {
        match self {
            Next::Line(line) => format!("the line of {}", shown(line)),
            Next::NotYet => "no line yet".to_owned(),
            Next::TooLong => "the error LineTooLong".to_owned(),
        }
    }
}

fn line(text: impl AsRef<[u8]>) -> Next {
    Next::Line([text.as_ref(), b"\r\n"].concat())
}

fn push(trial: &Trial, buffer: &mut LineBuffer, piece: &[u8]) {
    trial.did(format!("push({})", shown(piece)));
    buffer.push(piece);
}

/// The next call of `next_line` gives `expected`.
fn gives(trial: &Trial, buffer: &mut LineBuffer, expected: &Next, why: &str) -> Verdict {
    let came = Next::of(buffer);
    let says = |next: &Next| format!("next_line() gives {}", next.describe());
    trial.ensure(came == *expected, says(expected), came.describe(), why)?;
    trial.did(says(expected));
    Ok(())
}

pub(crate) fn a_line_comes_whole_however_it_is_cut(trial: &mut Trial) -> Verdict {
    const WHY: &str = "TCP knows no lines: a read may end anywhere, also between \\r and \\n.";
    let mut buffer = LineBuffer::new(LINE_MAX);
    let word = trial.random().word(1, 9);
    push(trial, &mut buffer, format!("{word}\r").as_bytes());
    gives(trial, &mut buffer, &Next::NotYet, WHY)?;
    push(trial, &mut buffer, b"\n");
    gives(trial, &mut buffer, &line(&word), WHY)?;
    for longest in [1, 2, 3, 7] {
        let words: Vec<String> = (0..3).map(|_| trial.random().word(0, 9)).collect();
        let text = words.iter().map(|word| format!("{word}\r\n")).collect::<String>();
        let mut expected = words.iter();
        for piece in trial.random().pieces(text.as_bytes(), longest) {
            push(trial, &mut buffer, piece);
            for _ in 0..piece.iter().filter(|&&byte| byte == b'\n').count() {
                let word = expected.next().expect("there are as many words as line ends");
                gives(trial, &mut buffer, &line(word), WHY)?;
            }
            gives(trial, &mut buffer, &Next::NotYet, WHY)?;
        }
    }
    Ok(())
}

pub(crate) fn many_lines_in_one_piece_come_one_by_one(trial: &mut Trial) -> Verdict {
    const WHY: &str = "One read may bring many lines, and the beginning of the next.";
    let mut buffer = LineBuffer::new(LINE_MAX);
    for _ in 0..3 {
        let words: Vec<String> =
            (0..trial.random().between(2, 5)).map(|_| trial.random().word(0, 9)).collect();
        let rest = trial.random().word(1, 9);
        let text = words.iter().map(|word| format!("{word}\r\n")).collect::<String>() + &rest;
        push(trial, &mut buffer, text.as_bytes());
        for word in &words {
            gives(trial, &mut buffer, &line(word), WHY)?;
        }
        gives(trial, &mut buffer, &Next::NotYet, WHY)?;
        trial.expect("len()", &rest.len(), &buffer.len(), WHY)?;
        push(trial, &mut buffer, b"\r\n");
        gives(trial, &mut buffer, &line(rest), WHY)?;
    }
    Ok(())
}

pub(crate) fn a_lone_cr_or_lf_ends_no_line(trial: &mut Trial) -> Verdict {
    const WHY: &str =
        "A line ends with \\r\\n, both and in this order; either alone is part of it.";
    let word = trial.random().word(1, 9);
    for text in [
        format!("{word}\n"),
        format!("{word}\r"),
        format!("{word}\n\r"),
        format!("{word}\r\r"),
        format!("\n{word}\r{word}"),
    ] {
        let mut buffer = LineBuffer::new(LINE_MAX);
        push(trial, &mut buffer, text.as_bytes());
        gives(trial, &mut buffer, &Next::NotYet, WHY)?;
        push(trial, &mut buffer, b".\r\n");
        gives(trial, &mut buffer, &line(format!("{text}.")), WHY)?;
    }
    Ok(())
}

pub(crate) fn a_line_of_the_limit_passes_and_one_byte_more_does_not(trial: &mut Trial) -> Verdict {
    const WHY: &str = "The limit counts the whole line, \\r\\n included, and is itself allowed.";
    let limit = trial.random().between(8, 40);
    trial.did(format!("LineBuffer::new({limit})"));
    let mut buffer = LineBuffer::new(limit);
    let longest = trial.random().word(limit - 2, limit - 2);
    push(trial, &mut buffer, format!("{longest}\r\n{longest}x\r\n").as_bytes());
    gives(trial, &mut buffer, &line(longest), WHY)?;
    gives(trial, &mut buffer, &Next::TooLong, WHY)
}

pub(crate) fn a_line_without_an_end_is_refused_at_the_limit(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Who waits for the end of a line before looking at its length waits for ever, \
                       and keeps everything.";
    let limit = trial.random().between(8, 40);
    trial.did(format!("LineBuffer::new({limit})"));
    let mut buffer = LineBuffer::new(limit);
    let full = trial.random().word(limit, limit);
    push(trial, &mut buffer, full.as_bytes());
    gives(trial, &mut buffer, &Next::NotYet, WHY)?;
    push(trial, &mut buffer, b"x");
    gives(trial, &mut buffer, &Next::TooLong, WHY)
}

pub(crate) fn what_was_given_out_takes_no_room(trial: &mut Trial) -> Verdict {
    const LINES: usize = 8 * 1024;
    const MAY_GROW: u64 = 2 * 1024 * 1024;
    let mut buffer = LineBuffer::new(LINE_MAX);
    let text = trial.random().word(1020, 1020) + "\r\n";
    let pid = rustix::process::getpid();
    let before = measure::resident(pid);
    for _ in 0..LINES {
        buffer.push(text.as_bytes());
        trial.ensure(
            Next::of(&mut buffer) == Next::Line(text.as_bytes().to_vec()),
            "each line comes back",
            "another one",
            "A line that was pushed is given out.",
        )?;
    }
    trial.did(format!("pushed and took {LINES} lines of {} bytes", text.len()));
    let grown = before.zip(measure::resident(pid)).map_or(0, |(from, to)| to.saturating_sub(from));
    trial.ensure(
        grown < MAY_GROW,
        "the memory of one line",
        "a buffer that has kept most of them",
        "A connection may last for weeks. What was given out has to make room.",
    )
}

pub(crate) fn a_long_line_is_searched_once(trial: &mut Trial) -> Verdict {
    const SHORT: usize = 200;
    const SHORT_LINES: usize = 20;
    /// How much dearer a byte of the long line may be than one of the short lines. Who begins at
    /// the front each time is at some twenty.
    const DEARER_MAX: u32 = 5;
    let bytes = SHORT * SHORT_LINES;
    let cost = |lines: usize| {
        let once = || {
            let began = processor_time();
            let mut buffer = LineBuffer::new(2 * bytes);
            for _ in 0..lines {
                for _ in 0..bytes / lines {
                    buffer.push(b"x");
                    assert!(Next::of(&mut buffer) == Next::NotYet, "a line without its end");
                }
                buffer.push(b"\r\n");
                assert!(matches!(Next::of(&mut buffer), Next::Line(_)), "no line with its end");
            }
            processor_time() - began
        };
        // What disturbs a measure makes it longer.
        (0..3).map(|_| once()).min().unwrap_or_default()
    };
    let (many, one) = (cost(SHORT_LINES), cost(1));
    trial.did(format!("pushed {SHORT_LINES} lines of {SHORT} bytes, byte by byte"));
    trial.did(format!("pushed one line of {bytes} bytes, byte by byte"));
    trial.ensure(
        one < many * DEARER_MAX,
        "a byte costs the same in a long line as in a short one",
        "the longer the line, the dearer the byte",
        "What was searched once need not be searched again; a client can make you do it.",
    )
}
