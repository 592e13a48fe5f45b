//! Each program of the texts that this project was made from also exists in plain Python. Under the
//! same script it does and says the same as the Rust example.

use anyhow::{Context, Result, ensure};
use conformance::{SCENES, TEST_MAX, within};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The scenes that are played, but for the one where a server leaves the client at its keyboard: a
/// Python program does not end before the thread that reads its input.
const SCENES_OF_TWINS: [&str; 14] = [
    "example-accept-once",
    "example-echo-one-client",
    "example-list-of-clients",
    "example-dies-of-would-block",
    "example-busy-poll",
    "example-one-second",
    "example-ten-futures",
    "example-listen-for-connections",
    "example-boom",
    "example-boom-tracked",
    "example-got-message",
    "example-got-message-end-of-input",
    "example-echo-protocol",
    "example-tcp-echo",
];

/// What failed, in words that both languages have: each puts its own before them, Rust as the
/// program's error or as the loop's report, Python as an exception.
const FAILURES: [&str; 2] = ["Resource temporarily unavailable", "Unexpected network error"];

#[test]
fn a_twin_s_transcript_equals_that_of_the_rust_example() -> Result<()> {
    if !has_python() {
        return Ok(());
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in SCENES_OF_TWINS {
        let scene = SCENES.iter().find(|scene| scene.name == name).context(name)?;
        let twins = tests.join("twins");
        let python = within(TEST_MAX, name, || scene.play_twin("python3", &twins)).context(name)?;
        let snapshot =
            fs::read_to_string(tests.join("snapshots").join(scene.name).with_extension("snap"))?;
        let (_, rust) = snapshot.split_once("\n---\n").context("a snapshot has a header")?;
        ensure!(common(&python) == common(rust), "{name} in Python:\n{python}\nin Rust:\n{rust}");
    }
    Ok(())
}

/// The form that both languages have.
fn common(transcript: &str) -> String {
    // A line that was too wide for a page is made whole first.
    let whole = transcript.trim_end().replace("\n         |    ", " ");
    let line = |line: &str| match FAILURES.iter().find(|failure| line.contains(*failure)) {
        Some(failure) => format!("server   | {failure}"),
        None => line.to_owned(),
    };
    whole.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// D-22 (SA-22): asyncio takes the bytes from the kernel before the task has its turn. If the task
/// is cancelled in between, they are gone; the Rust example of the same name keeps them.
#[test]
fn asyncio_loses_the_bytes_of_a_cancelled_receive() -> Result<()> {
    if !has_python() {
        return Ok(());
    }
    let twins = Path::new(env!("CARGO_MANIFEST_DIR")).join("twins");
    let mut command = Command::new("python3");
    let output = command.arg("-B").arg(twins.join("cancel_loses_bytes.py")).output()?;
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let output = String::from_utf8_lossy(&output.stdout);
    settings.bind(|| insta::assert_snapshot!("twin-cancel-loses-bytes", output));
    Ok(())
}

fn has_python() -> bool {
    let version = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    let has_python = version.is_ok_and(|status| status.success());
    if !has_python {
        println!("not tested: there is no python3");
    }
    has_python
}
