//! A scripted learner: follows the commands that the brief itself shows, from `start` to full marks.
//!
//! Each command is run as it is typed, by this program, with folders of its own for what a learner writes; the tasks are filled in
//! from the chapter. So a brief that shows a command that does not exist, or that fails, is found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::brief::{self, Command};
use super::cut::{own_files, starter};
use super::learner::{Learner, Record};
use super::manifest::{Assignment, all};
use super::{export, members};
use crate::say;
use crate::workspace::{LAB_DIR, Workspace};

/// What it is called in messages, and by `--only`.
pub(crate) const NAME: &str = "learner";

/// How much of the way is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Every command of the brief, and a grade after each task.
    Whole,
    /// From the starter to the full solution in one step: a build or two.
    Short,
}

/// What a learner would stumble over: one line for each thing.
///
/// # Errors
/// If an assignment cannot be read.
pub(crate) fn rehearse(
    workspace: &Workspace,
    assignment: &Assignment,
    pace: Pace,
) -> Result<Vec<String>> {
    let mut faults = timed(assignment, "", || plain(workspace, assignment, pace));
    if let Some(former) = former(workspace, assignment)? {
        faults.extend(timed(assignment, ", --carry", || carried(workspace, assignment, &former)));
    }
    faults.extend(timed(assignment, ", exported", || exported(workspace, assignment, pace)));
    Ok(faults)
}

fn timed(
    assignment: &Assignment,
    what: &str,
    script: impl FnOnce() -> Result<Vec<String>>,
) -> Vec<String> {
    let began = Instant::now();
    // What stops a script would stop a learner as well.
    let faults = script().unwrap_or_else(|error| vec![format!("{error:#}")]);
    let mark = if faults.is_empty() { "ok  " } else { "FAIL" };
    let took = began.elapsed().as_secs_f64();
    match say::print(format!("{mark} {took:4.1} s  {}: {NAME}{what}\n", assignment.number)) {
        Ok(_) => faults,
        Err(error) => vec![format!("{error:#}")],
    }
}

/// On the book's chapters.
fn plain(workspace: &Workspace, assignment: &Assignment, pace: Pace) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let mut learner = Script::new(workspace, folder.path())?;
    let commands = brief::commands(&assignment.brief()?);
    let number = &assignment.number;
    let (own, others): (Vec<&Command>, Vec<&Command>) =
        commands.iter().partition(|command| command.number().is_none_or(|of| of == *number));
    for verb in ["start", "grade"] {
        if !own.iter().any(|command| command.verb() == verb && command.number().is_some()) {
            learner.faults.push(format!("the brief never shows `cargo x lab {verb} {number}`"));
        }
    }
    // What asks for a solution, or for one's own chapters, comes when there is one.
    let later = |command: &&&Command| command.verb() == "solution" || command.has("--carry");
    learner.expect(&["start", number], 0, &["read"])?;
    for command in own.iter().filter(|command| !later(command) && command.verb() != "start") {
        match (pace, command.verb()) {
            (Pace::Whole, "grade") => learner.follow(command, 1, "\n0 of ")?,
            (Pace::Short, "grade") => {}
            _ => learner.follow(command, 0, "")?,
        }
    }
    let tasks = &assignment.manifest.tasks;
    if pace == Pace::Whole {
        for (place, task) in tasks.iter().enumerate() {
            learner.write(assignment, place + 1..tasks.len())?;
            learner.expect(
                &["grade", number, "--task", &task.id],
                0,
                &[&format!("{0} of {0} points.", task.points)],
            )?;
        }
    }
    learner.write(assignment, 0..0)?;
    learner.expect(&["grade", number], 0, &[FULL_MARKS])?;
    learner.expect(&["status"], 0, &["100 of 100\n"])?;
    learner.expect(&["diff", number], 0, &["+++ yours/src/"])?;
    learner.expect(&["solution", &tasks[0].id], 0, &[&tasks[0].title])?;
    for command in own.iter().filter(later).filter(|command| !command.has("--carry")) {
        learner.follow(command, 0, "")?;
    }
    for command in others {
        learner.follow(command, 0, "")?;
    }
    Ok(learner.faults)
}

/// What the grader says of all points.
const FULL_MARKS: &str = "\n100 of 100 points.";

/// On the learner's own solution of the assignment before.
fn carried(
    workspace: &Workspace,
    assignment: &Assignment,
    former: &Assignment,
) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let mut learner = Script::new(workspace, folder.path())?;
    learner.expect(&["start", &former.number], 0, &[])?;
    learner.write(former, 0..0)?;
    learner.has_full_marks(former)?;
    let stands = format!("It stands on your own {}", former.name);
    learner.expect(&["start", &assignment.number, "--carry"], 0, &[&stands])?;
    learner.write(assignment, 0..0)?;
    learner.expect(&["grade", &assignment.number], 0, &[FULL_MARKS])?;
    Ok(learner.faults)
}

/// In a student's repository; for the whole way with the grader that is in it, and with hidden checks as well.
fn exported(workspace: &Workspace, assignment: &Assignment, pace: Pace) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let repository = folder.path().join("repository");
    export::into(workspace, assignment, &repository, false)?;
    let mut learner = Script::new(workspace, &repository.join("lab"))?;
    learner.root = repository.clone();
    if pace == Pace::Whole {
        learner.program = build_grader(workspace, &repository)?;
        learner.by_its_alias()?;
        learner.expect(&["solution", "1.1"], 2, &["your teacher has them"])?;
    }
    let number = assignment.number.as_str();
    learner.expect(&["start", number], 2, &["is there already"])?;
    for command in brief::commands(&assignment.brief()?) {
        let is_own = command.number().is_none_or(|of| of == number);
        match command.verb() {
            "grade" if is_own && pace == Pace::Whole => learner.follow(&command, 1, "\n0 of ")?,
            "hint" | "status" | "diff" if is_own => learner.follow(&command, 0, "")?,
            _ => {}
        }
    }
    learner.write(assignment, 0..0)?;
    learner.expect(&["grade", number], 0, &[FULL_MARKS])?;
    if pace == Pace::Whole {
        let repository = folder.path().join("with hidden checks");
        let hidden = export::into(workspace, assignment, &repository, true)?;
        (learner.root, learner.lab) = (repository.clone(), repository.join("lab"));
        learner.write(assignment, 0..0)?;
        let said = format!("{hidden} checks more are with your teacher.\n");
        learner.expect(&["grade", number], 0, &[FULL_MARKS, &said])?;
        // The two are a small class.
        (learner.root, learner.program) = (workspace.root.clone(), std::env::current_exe()?);
        let class = folder.path().display().to_string();
        let each: String =
            assignment.manifest.tasks.iter().map(|task| format!(",{}", task.points)).collect();
        let rows = ["repository", "with hidden checks"]
            .map(|student| format!("\n{student},{},100{each},,,\n", assignment.name));
        learner.expect(&["grade-all", &class, "--jobs", "1"], 0, &[&rows[0], &rows[1]])?;
    }
    Ok(learner.faults)
}

/// Builds the grader of a student's repository, with what is compiled here already.
fn build_grader(workspace: &Workspace, repository: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = process::Command::new(cargo)
        .args(["build", "--quiet", "--offline", "--locked", "--package", members::GRADER])
        .current_dir(repository)
        .env("CARGO_TARGET_DIR", &workspace.target)
        .output()
        .context("cargo cannot be run")?;
    let said = String::from_utf8_lossy(&output.stderr);
    // A warning would be the first thing that a student sees.
    ensure!(output.status.success() && said.is_empty(), "the exported grader:\n{said}");
    Ok(workspace.target.join("debug").join(members::GRADER))
}

/// The assignment before this one.
fn former(workspace: &Workspace, assignment: &Assignment) -> Result<Option<Assignment>> {
    Ok(all(workspace)?.into_iter().rfind(|other| other.number < assignment.number))
}

/// A learner who does as told, and notes what went otherwise.
struct Script<'w> {
    /// Where the solutions are.
    source: &'w Workspace,
    /// The folder in which commands are typed.
    root: PathBuf,
    /// Where the learner's folders are.
    lab: PathBuf,
    program: PathBuf,
    faults: Vec<String>,
}

impl<'w> Script<'w> {
    fn new(source: &'w Workspace, lab: &Path) -> Result<Self> {
        let (root, lab) = (source.root.clone(), lab.to_path_buf());
        Ok(Self { source, root, lab, program: std::env::current_exe()?, faults: Vec::new() })
    }

    /// Runs a command that the brief shows.
    fn follow(&mut self, command: &Command, code: i32, part: &str) -> Result<()> {
        // What watches has no end.
        let words: Vec<&str> =
            command.words.iter().map(String::as_str).filter(|word| *word != "--watch").collect();
        let before = self.faults.len();
        self.expect(&words, code, &[part])?;
        if let Some(fault) = self.faults.get_mut(before) {
            *fault = format!("the brief shows `{}`; {fault}", command.typed());
        }
        Ok(())
    }

    /// Runs one command as it is typed, by way of cargo: all others are run by the program that `cargo x` runs, which must be built as
    /// `cargo x` builds it, or this takes its time.
    fn by_its_alias(&mut self) -> Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let program = std::mem::replace(&mut self.program, cargo.into());
        let arguments = ["x", "lab", "status"];
        let done = self.run(&arguments, "cargo x lab status", 0, &[]);
        self.program = program;
        done
    }

    /// Runs a command, which should end with `code` and say all of `parts`.
    fn expect(&mut self, words: &[&str], code: i32, parts: &[&str]) -> Result<()> {
        let arguments = [&["lab"], words].concat();
        self.run(&arguments, &format!("cargo x lab {}", words.join(" ")), code, parts)
    }

    /// Runs the program; messages say `typed`.
    fn run(&mut self, arguments: &[&str], typed: &str, code: i32, parts: &[&str]) -> Result<()> {
        let output = process::Command::new(&self.program)
            .args(arguments)
            .current_dir(&self.root)
            .env(LAB_DIR, &self.lab)
            // What is compiled here need not be compiled again for a student's repository.
            .env("CARGO_TARGET_DIR", &self.source.target)
            .output()
            .context("this program cannot be run")?;
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        let missing = parts.iter().find(|part| !said.contains(**part));
        let fault = match (output.status.code() == Some(code), missing) {
            (true, None) => return Ok(()),
            (true, Some(part)) => format!("does not say {part:?}"),
            (false, _) => format!("ends with {}, not with exit code {code}", output.status),
        };
        self.faults.push(format!("`{typed}` {fault}:\n{}", said.trim_end()));
        Ok(())
    }

    /// Writes the learner's files: the chapter's, but for the tasks at the places `open`.
    fn write(&self, assignment: &Assignment, open: std::ops::Range<usize>) -> Result<()> {
        let dir = self.lab.join(&assignment.name);
        let files = starter(self.source, assignment, open)?;
        for path in own_files(self.source, assignment)? {
            fs::write(dir.join(&path), files.get(&path).unwrap_or_default())
                .with_context(|| format!("{} cannot be written", dir.join(&path).display()))?;
        }
        Ok(())
    }

    /// Writes down all points for `assignment`, which its own proofs have seen.
    fn has_full_marks(&self, assignment: &Assignment) -> Result<()> {
        let mut record = Record::default();
        assignment.manifest.tasks.iter().for_each(|task| record.graded(&task.id, true));
        Learner { dir: self.lab.join(&assignment.name), record }.save()
    }
}
