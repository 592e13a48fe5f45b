//! A lane: a folder in which one submission after the other is built, so that cargo only does what has changed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;

use super::cargo_toml::{self, Copy};
use super::carry;
use super::files::Files;
use super::manifest::Assignment;
use crate::say;
use crate::workspace::Workspace;

/// The most processor time and memory of each process of a build. The longest chapter takes a few seconds, and some hundred MiB.
const CPU_SECONDS_MAX: u64 = 120;
const MEMORY_BYTES_MAX: u64 = 4 << 30;

/// Where submissions of one assignment are built, one at a time.
pub(crate) struct Lane {
    /// The folder of the copy.
    dir: PathBuf,
    /// Cargo's target folder.
    target: PathBuf,
    /// The learner's folder, if the chapter is to stand on what is carried in it.
    carried: Option<PathBuf>,
    /// Whether somebody waits for it and is shown what cargo compiles.
    is_shown: bool,
}

/// What the compiler made of a submission.
pub(crate) enum Built {
    /// The program of the graded tests, which the lane's next build replaces, and the compiler's warnings.
    Program { path: PathBuf, warnings: Vec<String> },
    /// The compiler's errors, as it writes them.
    Errors(String),
}

/// The folder of the lane `number` in the workspace's target folder.
fn folder(target: &Path, number: usize) -> PathBuf {
    target.join("lab").join(format!("lane-{number}"))
}

/// The target folder of the lane in which a learner's folder is graded: who builds there finds what grading has compiled.
pub(crate) fn shared_target(target: &Path) -> PathBuf {
    folder(target, 0).join("target")
}

impl Lane {
    /// The lane `number` of `assignment`.
    ///
    /// # Errors
    /// If its folders cannot be made.
    pub(crate) fn open(
        workspace: &Workspace,
        assignment: &Assignment,
        number: usize,
    ) -> Result<Self> {
        let root = folder(&workspace.target, number);
        let lane = Self {
            dir: root.join(&assignment.name),
            target: root.join("target"),
            carried: None,
            is_shown: false,
        };
        fs::create_dir_all(&lane.dir)
            .with_context(|| format!("{} cannot be made", lane.dir.display()))?;
        Ok(lane)
    }

    /// Lets the chapter stand on what is carried in a learner's folder.
    pub(crate) fn carry(&mut self, learner: &Path) {
        self.carried = Some(learner.to_path_buf());
    }

    /// Lets cargo show what it compiles of what the chapter stands on: this takes a while, the first time.
    pub(crate) fn show(&mut self) {
        self.is_shown = true;
    }

    /// Whether nothing was built in it yet, for any assignment.
    pub(crate) fn is_new(&self) -> bool {
        !self.target.exists()
    }

    /// Builds `sources` with the assignment's graded tests.
    ///
    /// # Errors
    /// If cargo cannot be run, or fails in another way than by the compiler's errors.
    pub(crate) fn build(
        &mut self,
        workspace: &Workspace,
        assignment: &Assignment,
        sources: &Files,
        unfinished: bool,
    ) -> Result<Built> {
        let package = |path: &str| {
            let carried = self.carried.as_deref().and_then(|dir| carry::place(dir, path));
            carried.unwrap_or_else(|| workspace.root.join(path)).display().to_string()
        };
        let copy = Copy { package: &package, unfinished, program: false, graded: true, lane: true };
        let mut files = sources.clone();
        files.remove("src/main.rs");
        files.extend(Files::under(&assignment.dir, "graded")?);
        files.set("Cargo.toml", cargo_toml::of_chapter(workspace, assignment, &copy)?);
        files.write(&self.dir)?;
        let lock = self.dir.join("Cargo.lock");
        if !lock.exists() {
            fs::copy(workspace.root.join("Cargo.lock"), lock)
                .context("Cargo.lock cannot be copied")?;
        }
        self.compile()
    }

    /// Lets cargo build the graded tests. Nothing is asked of the network, unless something was never downloaded, as in a fresh copy.
    fn compile(&self) -> Result<Built> {
        let mut output = self.cargo_test()?;
        let is_missing =
            |output: &Said| !output.status.success() && output.stderr.contains("--offline");
        if is_missing(&output) {
            say::note("downloading what the chapter stands on …\n");
            cargo(&self.dir).arg("fetch").status().context("cargo cannot be run")?;
            output = self.cargo_test()?;
        }
        built(&output)
    }

    fn cargo_test(&self) -> Result<Said> {
        let mut command = cargo(&self.dir);
        command
            .args(["test", "--no-run", "--test", "graded", "--offline"])
            .args(["--message-format", "json", "--target-dir"])
            .arg(&self.target)
            .env("CARGO_TERM_COLOR", "never")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().context("cargo cannot be run")?;
        // The compiler inherits it: what it evaluates at compile time may have no end.
        for (resource, most) in
            [(Resource::Cpu, CPU_SECONDS_MAX), (Resource::Data, MEMORY_BYTES_MAX)]
        {
            let limit = Rlimit { current: Some(most), maximum: Some(most) };
            prlimit(Some(Pid::from_child(&child)), resource, limit)
                .context("cargo cannot be limited")?;
        }
        let stderr = child.stderr.take();
        let is_shown = self.is_shown;
        let reader = thread::spawn(move || {
            let mut said = String::new();
            for line in stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).split(b'\n')) {
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
        });
        let output = child.wait_with_output().context("cargo cannot be run")?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Said { status: output.status, stdout, stderr: reader.join().unwrap_or_default() })
    }
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
fn built(output: &Said) -> Result<Built> {
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
            return Ok(Built::Errors(format!("the compiler gives up:\n{}\n", cargo_said.trim())));
        }
        if errors.is_empty() {
            bail!("cargo: {}", cargo_said.trim());
        }
        return Ok(Built::Errors(errors.concat()));
    }
    let program = messages.iter().rev().find_map(|message| {
        (message["target"]["name"] == "graded").then(|| message["executable"].as_str())?
    });
    let path = program.context("cargo has built no graded tests")?.into();
    Ok(Built::Program { path, warnings: said("warning") })
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
}
