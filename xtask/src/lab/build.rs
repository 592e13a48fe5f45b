//! Lets cargo build the graded tests of a package, and says what came of it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;

use crate::say;

/// The most processor time and memory of each process of a build. The longest chapter takes a few seconds, and some hundred MiB.
const CPU_SECONDS_MAX: u64 = 120;
const MEMORY_BYTES_MAX: u64 = 4 << 30;

/// The longest file that a build writes, in bytes, and the most that is read of what it says.
const FILE_BYTES_MAX: u64 = 1 << 30;
const SAID_BYTES_MAX: u64 = 8 << 20;

/// What the compiler made of a package.
pub(super) enum Built<P> {
    /// The program of the graded tests, and the compiler's warnings.
    Program { program: P, warnings: Vec<String> },
    /// The compiler's errors, as it writes them.
    Errors(String),
}

impl<P> Built<P> {
    /// The same with `change`, what is made of the program.
    pub(super) fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Built<Q> {
        match self {
            Self::Program { program, warnings } => {
                Built::Program { program: change(program), warnings }
            }
            Self::Errors(errors) => Built::Errors(errors),
        }
    }
}

/// Builds the package in `dir`; `is_shown`: and shows what is compiled of what it stands on. Nothing is asked of the network,
/// unless something was never downloaded, as in a fresh copy.
///
/// # Errors
/// If cargo cannot be run, or fails in another way than by the compiler's errors.
pub(super) fn compile(dir: &Path, target: &Path, is_shown: bool) -> Result<Built<PathBuf>> {
    let mut output = cargo_test(dir, target, is_shown)?;
    let is_missing =
        |output: &Said| !output.status.success() && output.stderr.contains("--offline");
    if is_missing(&output) {
        say::note("downloading what the chapter stands on …\n");
        cargo(dir).arg("fetch").status().context("cargo cannot be run")?;
        output = cargo_test(dir, target, is_shown)?;
    }
    built(&output)
}

fn cargo_test(dir: &Path, target: &Path, is_shown: bool) -> Result<Said> {
    let mut command = cargo(dir);
    command
        .args(["test", "--no-run", "--test", "graded", "--offline"])
        .args(["--message-format", "json", "--target-dir"])
        .arg(target)
        .env("CARGO_TERM_COLOR", "never")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().context("cargo cannot be run")?;
    // The compiler inherits it: what it evaluates at compile time may have no end.
    for (resource, most) in [
        (Resource::Cpu, CPU_SECONDS_MAX),
        (Resource::Data, MEMORY_BYTES_MAX),
        (Resource::Fsize, FILE_BYTES_MAX),
    ] {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        prlimit(Some(Pid::from_child(&child)), resource, limit)
            .context("cargo cannot be limited")?;
    }
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let stderr = thread::spawn(move || complaints(stderr, is_shown));
    let stdout = beginning(stdout);
    let stderr = stderr.join().unwrap_or_default();
    let status = child.wait().context("cargo cannot be run")?;
    Ok(Said { status, stdout: String::from_utf8_lossy(&stdout).into_owned(), stderr })
}

/// The first [`SAID_BYTES_MAX`] of what `source` says: a line of 100 KB with 10,000 errors is shown 10,000 times. Who is not
/// read from any more ends.
fn beginning(source: Option<impl Read>) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(source) = source {
        // What was read before an error is said as well.
        let _ = source.take(SAID_BYTES_MAX).read_to_end(&mut said);
    }
    said
}

/// As [`beginning`], without what cargo says that it is doing, which is shown at once or not at all.
fn complaints(source: Option<impl Read>, is_shown: bool) -> String {
    let mut said = String::new();
    let lines = source.map(|source| BufReader::new(source.take(SAID_BYTES_MAX)).split(b'\n'));
    for line in lines.into_iter().flatten() {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line);
        match status(&line) {
            None => said.push_str(&format!("{line}\n")),
            Some(status) if is_shown && is_worth_showing(status) => {
                say::note(&format!("{line}\n"));
            }
            Some(_) => {}
        }
    }
    said
}

/// What cargo has said, without what it was doing.
struct Said {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// What a line of cargo's says that it is doing: `Compiling mio v1.2.3`. The verb ends in the twelfth column.
fn status(line: &str) -> Option<&str> {
    let (verb, rest) = (line.get(..12)?.trim_start(), line.get(12..)?);
    let is_verb = verb.starts_with(|c: char| c.is_ascii_uppercase())
        && verb.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_verb && rest.starts_with(' ')).then(|| line.trim_start())
}

/// A learner sees what others have written being compiled, and that cargo waits for another one; our own packages, which come
/// with a path, are compiled each time and fast.
fn is_worth_showing(status: &str) -> bool {
    status.starts_with("Blocking") || (status.starts_with("Compiling") && !status.contains(" ("))
}

/// What came of a build.
fn built(output: &Said) -> Result<Built<PathBuf>> {
    let messages: Vec<Value> =
        output.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let said = |level: &str| -> Vec<String> {
        let of_level = messages.iter().filter(|message| message["message"]["level"] == level);
        of_level
            .filter_map(|message| message["message"]["rendered"].as_str())
            .map(str::to_owned)
            .collect()
    };
    if !output.status.success() {
        let errors = said("error");
        let cargo_said = &output.stderr;
        if errors.is_empty() && cargo_said.contains("(signal: ") {
            // It was ended by a limit, or by its own stack's.
            return Ok(Built::Errors(format!("the compiler gives up: {}\n", cargo_said.trim())));
        }
        if errors.is_empty() {
            bail!("cargo: {}", cargo_said.trim());
        }
        return Ok(Built::Errors(errors.concat()));
    }
    let program = messages.iter().rev().find_map(|message| {
        (message["target"]["name"] == "graded").then(|| message["executable"].as_str())?
    });
    let program = program.context("cargo has built no graded tests")?.into();
    Ok(Built::Program { program, warnings: said("warning") })
}

fn cargo(dir: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dir).stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_is_doing_is_told_from_what_it_complains_of() {
        let shown = |line| status(line).filter(|status| is_worth_showing(status));
        assert_eq!(shown("   Compiling mio v1.2.3"), Some("Compiling mio v1.2.3"));
        let waits = "    Blocking waiting for file lock on build directory";
        assert_eq!(shown(waits), Some(waits.trim()));
        assert!(status("   Compiling chapter-01 v0.1.0 (/a b/01)").is_some());
        assert_eq!(shown("   Compiling chapter-01 v0.1.0 (/a b/01)"), None);
        assert_eq!(shown("    Finished `dev` profile in 0.1s"), None);
        for complaint in [
            "error: could not compile `chapter-01`",
            "Caused by:",
            "  process didn't exit successfully: `rustc` (signal: 24)",
            "",
        ] {
            assert_eq!(status(complaint), None, "{complaint}");
        }
    }

    #[test]
    fn what_has_no_end_is_read_from_its_beginning() {
        assert_eq!(beginning(Some(std::io::repeat(b'x'))).len() as u64, SAID_BYTES_MAX);
    }
}
