//! Task 1.3: `Reply` for `EchoLines`.

use chapter_01::{EchoLines, LINE_MAX, LineTooLong, Reply};
use grading::{Trial, Verdict, shown};

/// Gives `received` to the reply, and the answer back.
fn reply(trial: &Trial, lines: &mut EchoLines, received: &[u8]) -> Result<Vec<u8>, LineTooLong> {
    trial.did(format!("reply() takes {}", shown(received)));
    let mut space = Vec::new();
    lines.reply(received, &mut space).map(<[u8]>::to_vec)
}

/// The answer to `received` is `expected`.
fn answers(
    trial: &Trial,
    lines: &mut EchoLines,
    received: &[u8],
    expected: &[u8],
    why: &str,
) -> Verdict {
    match reply(trial, lines, received) {
        Ok(came) => {
            trial.expect_bytes("the answer", expected, &came, why)?;
            trial.did(format!("and answers {}", shown(expected)));
            Ok(())
        }
        Err(error) => trial.fail(format!("the answer: {}", shown(expected)), error, why),
    }
}

/// `bytes` as a line, and its answer.
fn line_and_answer(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let line = [bytes, b"\r\n"].concat();
    let answer = [b"Buffer: ", &line[..]].concat();
    (line, answer)
}

pub(crate) fn each_line_gets_its_answer_when_it_is_whole(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A line is bytes, of any value, and there is no answer to half of one.";
    let mut lines = EchoLines::default();
    for _ in 0..3 {
        let mut bytes = trial.random().bytes(12);
        bytes.retain(|byte| !b"\r\n".contains(byte));
        // No text in UTF-8 has this byte.
        bytes.push(0xff);
        let (line, answer) = line_and_answer(&bytes);
        let (first, second) = line.split_at(trial.random().between(1, line.len() - 1));
        answers(trial, &mut lines, first, b"", WHY)?;
        answers(trial, &mut lines, second, &answer, WHY)?;
    }
    Ok(())
}

pub(crate) fn two_lines_in_one_piece_get_two_answers(trial: &mut Trial) -> Verdict {
    const WHY: &str = "One read may bring two lines, and nothing may come after it to ask again.";
    let mut lines = EchoLines::default();
    let words = [trial.random().word(1, 9), trial.random().word(1, 9)];
    let pairs = words.map(|word| line_and_answer(word.as_bytes()));
    let received = [&pairs[0].0[..], &pairs[1].0].concat();
    let expected = [&pairs[0].1[..], &pairs[1].1].concat();
    answers(trial, &mut lines, &received, &expected, WHY)
}

pub(crate) fn what_came_before_a_line_too_long_is_answered(trial: &mut Trial) -> Verdict {
    const WHY: &str = "What is in `space` when an error is returned is still sent.";
    let mut lines = EchoLines::default();
    let (line, answer) = line_and_answer(trial.random().word(1, 9).as_bytes());
    let mut received = line;
    received.resize(received.len() + LINE_MAX + 1, b'x');
    trial.did(format!("reply() takes {}", shown(&received)));
    let mut space = Vec::new();
    let is_refused = lines.reply(&received, &mut space).is_err();
    trial.ensure(is_refused, "the error LineTooLong", "an answer", WHY)?;
    trial.expect_bytes("in `space`", &answer, &space, WHY)
}

pub(crate) fn what_makes_no_whole_line_is_counted(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A client that goes in mid-line has sent something that nobody answers.";
    let mut lines = EchoLines::default();
    trial.expect("unanswered() of a new one", &0, &lines.unanswered(), WHY)?;
    let (line, answer) = line_and_answer(trial.random().word(1, 9).as_bytes());
    let rest = trial.random().word(1, 9);
    let received = [&line[..], rest.as_bytes()].concat();
    answers(trial, &mut lines, &received, &answer, WHY)?;
    trial.expect("unanswered()", &rest.len(), &lines.unanswered(), WHY)
}
