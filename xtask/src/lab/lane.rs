//! A lane: a folder in which one submission after the other is built, so that cargo only does what has changed.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;

use super::cargo_toml::{self, Copy};
use super::carry;
use super::files::{self, Files};
use super::manifest::Assignment;
use crate::workspace::Workspace;

/// The most processor time and memory of each process of a build. The longest chapter takes a few seconds, and some hundred MiB.
const CPU_SECONDS_MAX: u64 = 120;
const MEMORY_BYTES_MAX: u64 = 4 << 30;

/// The longest file that a build writes, in bytes, and the most that is read of what it says.
const FILE_BYTES_MAX: u64 = 1 << 30;
const SAID_BYTES_MAX: u64 = 8 << 20;

/// Where submissions of one assignment are built, one at a time.
pub(crate) struct Lane {
    /// The folder of the copy.
    dir: PathBuf,
    /// Cargo's target folder.
    target: PathBuf,
    /// Locked by whoever uses the folder.
    lock: PathBuf,
    /// The learner's folder, if the chapter is to stand on what is carried in it.
    carried: Option<PathBuf>,
}

/// What the compiler made of a submission.
pub(crate) enum Built {
    /// The program of the graded tests, and the compiler's warnings.
    Program { program: Program, warnings: Vec<String> },
    /// The compiler's errors, as it writes them.
    Errors(String),
}

/// A program of graded tests. The lane's next build would replace it, and so has to wait for as long as this is there.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    _lock: Arc<File>,
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
        let root = workspace.target.join("lab").join(format!("lane-{number}"));
        let lane = Self {
            dir: root.join(&assignment.name),
            target: root.join("target"),
            lock: root.join(format!("{}.lock", assignment.name)),
            carried: None,
        };
        fs::create_dir_all(&lane.dir)
            .with_context(|| format!("{} cannot be made", lane.dir.display()))?;
        Ok(lane)
    }

    /// Lets the chapter stand on what is carried in a learner's folder.
    pub(crate) fn carry(&mut self, learner: &Path) {
        self.carried = Some(learner.to_path_buf());
    }

    /// Builds `sources` with the assignment's graded tests, as soon as nobody else uses the lane.
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
        let copy = Copy { package: &package, unfinished, program: false, graded: true };
        let mut files = sources.clone();
        files.remove("src/main.rs");
        files.extend(Files::under(&assignment.dir, "graded")?);
        files.set("Cargo.toml", cargo_toml::of_chapter(workspace, assignment, &copy)?);
        let lock = Arc::new(locked(&self.lock)?);
        files.write(&self.dir)?;
        let lock_file = self.dir.join("Cargo.lock");
        if !lock_file.exists() {
            let text =
                fs::read(workspace.root.join("Cargo.lock")).context("Cargo.lock cannot be read")?;
            files::replace(&lock_file, &text)?;
        }
        Ok(match compile(&self.dir, &self.target)? {
            Compiled::Program { path, warnings } => {
                Built::Program { program: Program { path, _lock: lock }, warnings }
            }
            Compiled::Errors(errors) => Built::Errors(errors),
        })
    }
}

/// `file`, locked: two grades at once would build in one folder, and one would run what the other one has built.
fn locked(file: &Path) -> Result<File> {
    let about = || format!("{} cannot be locked", file.display());
    let lock = File::create(file).with_context(about)?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        eprintln!("another grade of this assignment is at work; waiting for its end …");
        flock(&lock, FlockOperation::LockExclusive).with_context(about)?;
    }
    Ok(lock)
}

/// What the compiler made of the package.
enum Compiled {
    Program { path: PathBuf, warnings: Vec<String> },
    Errors(String),
}

/// Lets cargo build the graded tests of the package in `dir`. Nothing is asked of the network, unless something was never downloaded,
/// as in a fresh copy.
fn compile(dir: &Path, target: &Path) -> Result<Compiled> {
    let mut output = build(dir, target)?;
    let is_missing = |output: &Output| {
        !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("--offline")
    };
    if is_missing(&output) {
        eprintln!("downloading what the chapter stands on …");
        cargo(dir).arg("fetch").status().context("cargo cannot be run")?;
        output = build(dir, target)?;
    }
    let messages: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let said = |level: &str| -> Vec<String> {
        let of_level = messages.iter().filter(|message| message["message"]["level"] == level);
        of_level
            .filter_map(|message| message["message"]["rendered"].as_str())
            .map(str::to_owned)
            .collect()
    };
    if !output.status.success() {
        let errors = said("error");
        let cargo_said = String::from_utf8_lossy(&output.stderr);
        if errors.is_empty() && cargo_said.contains("(signal: ") {
            // It was ended by a limit, or by its own stack's.
            return Ok(Compiled::Errors(format!("the compiler gives up: {}\n", cargo_said.trim())));
        }
        if errors.is_empty() {
            bail!("cargo: {}", cargo_said.trim());
        }
        return Ok(Compiled::Errors(errors.concat()));
    }
    let program = messages.iter().rev().find_map(|message| {
        (message["target"]["name"] == "graded").then(|| message["executable"].as_str())?
    });
    let path = program.context("cargo has built no graded tests")?.into();
    Ok(Compiled::Program { path, warnings: said("warning") })
}

fn build(dir: &Path, target: &Path) -> Result<Output> {
    let mut command = cargo(dir);
    command
        .args(["test", "--no-run", "--test", "graded", "--offline", "--quiet"])
        .args(["--message-format", "json", "--target-dir"])
        .arg(target)
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
    // A line of 100 KB with 10,000 errors is shown 10,000 times. Who is not read from any more ends.
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let stderr = thread::spawn(move || beginning(stderr));
    let stdout = beginning(stdout);
    let stderr = stderr.join().unwrap_or_default();
    let status = child.wait().context("cargo cannot be run")?;
    Ok(Output { status, stdout, stderr })
}

/// The first [`SAID_BYTES_MAX`] of what `source` says.
fn beginning(source: Option<impl Read>) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(source) = source {
        // What was read before an error is said as well.
        let _ = source.take(SAID_BYTES_MAX).read_to_end(&mut said);
    }
    said
}

fn cargo(dir: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dir).stdin(Stdio::null());
    command
}

#[cfg(all(test, feature = "author"))]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_has_no_end_is_read_from_its_beginning() {
        assert_eq!(beginning(Some(std::io::repeat(b'x'))).len() as u64, SAID_BYTES_MAX);
    }

    #[test]
    fn a_lane_has_one_user_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lock");
        let first = Arc::new(locked(&file).unwrap());
        let program = Program { path: PathBuf::new(), _lock: Arc::clone(&first) };
        drop(first);
        let (sender, receiver) = channel();
        let second = thread::spawn(move || sender.send(locked(&file).is_ok()));
        let soon = receiver.recv_timeout(Duration::from_millis(100));
        assert_eq!(soon, Err(RecvTimeoutError::Timeout));
        drop(program);
        assert_eq!(receiver.recv(), Ok(true));
        second.join().unwrap().unwrap();
    }
}
