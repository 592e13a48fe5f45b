//! Random scripts for a reader, played with asyncio's and with ours: bytes come in pieces, and reads
//! of every kind are begun, given up and followed by others. Both say the same, but for three defects of
//! asyncio's. Where these show, ours says what asyncio's reader says when it is kept from them.

mod generator;
mod ours;
mod python;

use anyhow::{Context, Result, ensure};
use conformance::{TEST_MAX, within};
use generator::Generator;
use python::Python;
use serde_json::{Value, json};

const SEED: u64 = 2026;
const COUNT: usize = 4000;

/// RD-01 to RD-09, RD-15, RD-17 and RD-21.
#[test]
fn random_scripts_say_the_same_with_asyncio_s_reader() -> Result<()> {
    let Some(python) = Python::find()? else { return Ok(()) };
    let mut generator = Generator::new(SEED, python.has_several_separators());
    let scripts: Vec<Value> = (0..COUNT).map(|_| generator.script()).collect();
    let played = within(TEST_MAX, "asyncio's reader", || python.play(&scripts))?;
    let mut counts = (0, 0);
    for (script, asyncio) in scripts.iter().zip(&played) {
        let ours = ours::play(script).with_context(|| script.to_string())?;
        let (as_is, mended) = (&asyncio["as_is"], &asyncio["mended"]);
        ensure!(ours == *mended, "{script}\nours:    {ours}\nasyncio: {mended}, as it is: {as_is}");
        ensure!(as_is == mended || may_show_defect(script, mended), "{script} shows a defect");
        counts.0 += usize::from(as_is == mended);
        counts.1 += usize::from(as_is != mended);
    }
    // Else this compares nothing.
    ensure!(counts.0 > COUNT / 4 && counts.1 > COUNT / 20, "same and not the same: {counts:?}");
    Ok(())
}

/// D-20 shows after a loss, D-38 after a line that was too long, and what RD-15 forbids after a read
/// of everything.
fn may_show_defect(script: &Value, said: &Value) -> bool {
    let has = |list: &Value, word: &str| list.to_string().contains(&format!("[\"{word}\"]"));
    let steps = &script["steps"];
    has(steps, "lose") || has(steps, "read_to_end") || has(said, "too_long")
}

/// Plays one script. asyncio's reader gives these answers, and when it is mended the right ones, as
/// ours does.
fn shows(steps: &[Value], wrong: &Value, right: &Value) -> Result<()> {
    let Some(python) = Python::find()? else { return Ok(()) };
    let script = json!({"limit": 4, "steps": steps});
    let ours = ours::play(&script)?;
    let played = python.play(&[script])?;
    let sides =
        [("as_is", wrong), ("mended", right)].map(|(side, answers)| (&played[0][side], answers));
    for (said, expected) in sides.into_iter().chain([(&ours, right)]) {
        let said = said.as_array().context("a list")?.iter().map(|step| step[0].clone());
        let answers: Value = said.filter(|answer| !answer.is_null()).collect();
        ensure!(answers == *expected, "{answers}, and not {expected}");
    }
    Ok(())
}

/// D-20 and RD-16: from a loss on, asyncio's reader says nothing else, whatever had come before it.
#[test]
fn d_20_asyncio_s_reader_keeps_what_came_before_a_loss_to_itself() -> Result<()> {
    let steps = [
        json!(["feed", "ab\ncd"]),
        json!(["lose"]),
        json!(["readline"]),
        json!(["read", 0]),
        json!(["readexactly", 3]),
        json!(["read", 9]),
        json!(["read", 9]),
    ];
    let lost = json!(["lost"]);
    let right = json!([["bytes", "ab\n"], ["bytes", ""], lost, ["bytes", "cd"], lost]);
    let wrong = json!([lost, lost, lost, lost, lost]);
    shows(&steps, &wrong, &right)
}

/// D-38 and RD-07: asyncio's reader takes the end of a line that was too long for the next line.
#[test]
fn d_38_asyncio_s_reader_is_out_of_step_after_a_line_that_was_too_long() -> Result<()> {
    let steps = [
        json!(["feed", "much too "]),
        json!(["readline"]),
        json!(["readline"]),
        json!(["feed", "b"]),
        json!(["feed", "ig\nnext\n"]),
        json!(["readline"]),
        json!(["eof"]),
    ];
    let too_long = json!(["too_long"]);
    let right = json!([too_long, ["bytes", "next\n"], ["bytes", ""]]);
    let wrong = json!([too_long, ["bytes", "big\n"], ["bytes", "next\n"]]);
    shows(&steps, &wrong, &right)
}

/// RD-15 and RD-01: a read of everything takes the bytes from asyncio's reader as they come, so that
/// they are gone when it is given up. Ours takes them at the end, all at once.
#[test]
fn asyncio_s_reader_loses_what_a_read_of_everything_has_taken_when_it_is_given_up() -> Result<()> {
    let steps = [
        json!(["feed", "ab"]),
        json!(["read_to_end"]),
        json!(["feed", "cd"]),
        json!(["give_up"]),
        json!(["feed", "ef"]),
        json!(["read", 9]),
    ];
    let right = json!([["bytes", "abcdef"]]);
    let wrong = json!([["bytes", "ef"]]);
    shows(&steps, &wrong, &right)
}
