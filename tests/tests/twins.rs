//! Each program of the texts that this project was made from also exists in plain Python. Under the
//! same script it does and says the same as the Rust example.

use anyhow::{Context, Result, ensure};
use conformance::{SCENES, TEST_MAX, within};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The kernel's own words for "not yet".
const NOT_YET: &str = "Resource temporarily unavailable";

#[test]
fn a_twin_s_transcript_equals_that_of_the_rust_example() -> Result<()> {
    let version = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        println!("not tested: there is no python3");
        return Ok(());
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    for twin in [
        "accept_once",
        "echo_one_client",
        "list_of_clients",
        "dies_of_would_block",
        "busy_poll",
        "one_second",
    ] {
        let scene = SCENES.iter().find(|scene| scene.example == Some(twin)).context(twin)?;
        let path = tests.join("twins").join(twin).with_extension("py");
        let python = within(TEST_MAX, twin, || scene.play_twin("python3", &path)).context(twin)?;
        let snapshot =
            fs::read_to_string(tests.join("snapshots").join(scene.name).with_extension("snap"))?;
        let (_, rust) = snapshot.split_once("\n---\n").context("a snapshot has a header")?;
        ensure!(common(&python) == common(rust), "{twin} in Python:\n{python}\nin Rust:\n{rust}");
    }
    Ok(())
}

/// The form that both languages have: each dresses the kernel's words in its own way, Rust as the
/// program's error, Python as an exception.
fn common(transcript: &str) -> String {
    // A line that was too wide for a page is made whole first.
    let whole = transcript.trim_end().replace("\n         |    ", " ");
    let line = |line: &str| {
        if line.contains(NOT_YET) { format!("server   | {NOT_YET}") } else { line.to_owned() }
    };
    whole.lines().map(line).collect::<Vec<_>>().join("\n")
}
