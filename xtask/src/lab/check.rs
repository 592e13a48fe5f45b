//! `lab check`: the proofs that the graders are right.
//!
//! Each assignment judges submissions of ours of which we know what should come of them: see [`Subject`]. They are built in
//! two lanes, so that one is built while the other one's checks wait.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::grade::{Grade, Wanted, compile, grade};
use super::lane::Lane;
use super::manifest::{Assignment, all, named};
use super::options::Options;
use super::overlay::Overlay;
use super::proof::{self, Subject};
use super::rehearsal::{self, Pace, rehearse};
use super::{hints, run, snapshot};
use crate::finding::{Finding, fail_on};
use crate::say;
use crate::workspace::Workspace;

/// How many submissions are built and run at once.
const LANES: usize = 2;

/// At least so many wrong and right submissions has an assignment.
const WRONG_MIN: usize = 6;
const RIGHT_MIN: usize = 2;

/// Proves all assignments, or the one that is named.
///
/// With `--only TEXT`, only what our submissions of that name, in whole or in part, are judged by: for whoever writes one.
///
/// # Errors
/// One line, at least, for each thing that is not as it should be.
pub(crate) fn check(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let assignments = match options.words() {
        [] => all(workspace)?,
        [name] => vec![named(workspace, name)?],
        [_, more, ..] => bail!("`{more}` is one word too many: `lab check [NN]`"),
    };
    let only = options.value("only");
    let mut findings = Vec::new();
    for (place, assignment) in assignments.iter().enumerate() {
        let began = Instant::now();
        findings.extend(files(workspace, assignment)?);
        let judged = judge(workspace, assignment, only.unwrap_or_default())?;
        for Judged { subject, faults, .. } in &judged {
            let about =
                format!("{}, {}", workspace.relative(&assignment.dir), subject.name(assignment));
            findings.extend(faults.iter().map(|fault| Finding::about(about.clone(), fault)));
        }
        if only.is_none() {
            findings.extend(museum(workspace, assignment, &judged)?);
        }
        if only.is_none_or(|only| rehearsal::NAME.contains(only)) {
            let pace = if place == 0 { Pace::Whole } else { Pace::Short };
            let about = format!("{}/brief.md", workspace.relative(&assignment.dir));
            let faults = rehearse(workspace, assignment, pace)?;
            findings.extend(faults.iter().map(|fault| Finding::about(about.clone(), fault)));
        }
        let seconds = began.elapsed().as_secs_f64();
        say::print(format!(
            "{}: {} submissions in {seconds:.1} s, {:.2} s each\n",
            assignment.name,
            judged.len(),
            seconds / judged.len().max(1) as f64
        ))?;
    }
    fail_on(findings)?;
    Ok(ExitCode::SUCCESS)
}

/// What is wrong with the files of an assignment themselves.
fn files(workspace: &Workspace, assignment: &Assignment) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let about = |file: &str| format!("{}/{file}", workspace.relative(&assignment.dir));
    let brief = assignment.brief()?;
    for (place, task) in assignment.manifest.tasks.iter().enumerate() {
        if let Err(error) = hints::of(workspace, assignment, place) {
            findings.push(Finding::about(about("hints.md"), error));
        }
        if !brief.contains(&format!("## {} {}", task.id, task.title)) {
            let heading = format!("`## {} {}`", task.id, task.title);
            findings.push(Finding::about(about("brief.md"), format!("no heading {heading}")));
        }
    }
    for (folder, least) in [("wrong", WRONG_MIN), ("right", RIGHT_MIN)] {
        let count = super::overlay::all(assignment, folder)?.len();
        if count < least {
            findings.push(Finding::about(
                about(folder),
                format!("{count} submissions; {least} are the least"),
            ));
        }
    }
    findings.extend(format(workspace, assignment)?);
    Ok(findings)
}

/// The files that belong to no package, and so are not seen by `cargo fmt`.
fn format(workspace: &Workspace, assignment: &Assignment) -> Result<Vec<Finding>> {
    let mut files = Vec::new();
    for folder in ["graded", "right", "wrong"] {
        let dir = assignment.dir.join(folder);
        files.extend(
            crate::snap::names_in(&dir, "rs").iter().map(|name| dir.join(format!("{name}.rs"))),
        );
    }
    let output = Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "--files-with-diff"])
        .args(&files)
        .current_dir(&workspace.root)
        .output()
        .context("rustfmt cannot be run")?;
    let unformatted = String::from_utf8_lossy(&output.stdout);
    let mut findings: Vec<Finding> = unformatted
        .lines()
        .map(|file| {
            Finding::about(workspace.relative(file.as_ref()), "is not as rustfmt would have it")
        })
        .collect();
    if findings.is_empty() && !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        findings.push(Finding::about(workspace.relative(&assignment.dir), said));
    }
    Ok(findings)
}

/// A submission of ours, judged.
struct Judged {
    /// Its place in the order of all.
    place: usize,
    subject: Subject,
    /// Of its last run.
    grade: Grade,
    faults: Vec<String>,
}

/// The submissions that no lane has taken yet, with their places.
type Queue = Mutex<VecDeque<(usize, Subject)>>;

/// Grades those of our submissions that have `only` in their names.
fn judge(workspace: &Workspace, assignment: &Assignment, only: &str) -> Result<Vec<Judged>> {
    let mut subjects = proof::subjects(assignment)?;
    subjects.retain(|subject| subject.name(assignment).contains(only));
    let queue: Queue = Mutex::new(subjects.into_iter().enumerate().collect());
    let lanes = thread::scope(|scope| {
        let work = |number| {
            // A workspace remembers what it has parsed, for one thread.
            let (root, queue) = (workspace.root.as_path(), &queue);
            scope.spawn(move || lane(root, assignment, number, queue))
        };
        let lanes: Vec<_> = (0..LANES).map(work).collect();
        let joined = lanes.into_iter().map(|lane| lane.join().expect("a lane does not panic"));
        joined.collect::<Result<Vec<Vec<Judged>>>>()
    })?;
    let mut judged: Vec<Judged> = lanes.into_iter().flatten().collect();
    judged.sort_by_key(|judged| judged.place);
    Ok(judged)
}

/// Takes one submission after the other from the queue.
fn lane(root: &Path, assignment: &Assignment, number: usize, queue: &Queue) -> Result<Vec<Judged>> {
    let workspace = &Workspace::around(root)?;
    let mut lane = Lane::open(workspace, assignment, number)?;
    let mut judged = Vec::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some((place, subject)) = next else { return Ok(judged) };
        let name = subject.name(assignment);
        let began = Instant::now();
        let (grade, faults) = one(workspace, assignment, &mut lane, &subject)
            .with_context(|| format!("{}: {name}", assignment.name))?;
        let mark = if faults.is_empty() { "ok  " } else { "FAIL" };
        let took = began.elapsed().as_secs_f64();
        say::print(format!("{mark} {took:4.1} s  {}: {name}\n", assignment.number))?;
        judged.push(Judged { place, subject, grade, faults });
    }
}

/// Builds and grades one submission, once for each of its seeds.
fn one(
    workspace: &Workspace,
    assignment: &Assignment,
    lane: &mut Lane,
    subject: &Subject,
) -> Result<(Grade, Vec<String>)> {
    let sources = subject.sources(workspace, assignment)?;
    let compiled = compile(workspace, assignment, lane, &sources, subject.is_unfinished())?;
    let mut faults = Vec::new();
    let mut last = None;
    for seed in subject.seeds(run::seed) {
        let grade = grade(assignment, &compiled, &Wanted::all(assignment, seed))?;
        faults.extend(subject.faults(assignment, &grade)?);
        last = Some(grade);
    }
    faults.dedup();
    Ok((last.context("a submission is graded at least once")?, faults))
}

/// Compares the stories of the wrong submissions, and who rejects whom, with their snapshots.
fn museum(
    workspace: &Workspace,
    assignment: &Assignment,
    judged: &[Judged],
) -> Result<Vec<Finding>> {
    let folder = assignment.dir.join("snapshots");
    let rows: Vec<(&Overlay, &Grade)> = judged
        .iter()
        .filter_map(|judged| match &judged.subject {
            Subject::Wrong(overlay) => Some((overlay, &judged.grade)),
            _ => None,
        })
        .collect();
    let about = workspace.relative(&folder);
    let mut findings: Vec<Finding> = proof::idle(&rows)
        .into_iter()
        .map(|name| {
            Finding::about(
                workspace.relative(&assignment.dir),
                format!("the check `{name}` rejects no wrong submission"),
            )
        })
        .collect();
    let mut texts = vec![("matrix".to_owned(), proof::matrix(assignment, &rows)?)];
    for (overlay, grade) in rows {
        ensure!(overlay.name != "matrix", "wrong/matrix.rs would take the matrix's snapshot");
        texts.push((overlay.name.clone(), proof::exhibit(assignment, overlay, grade)?));
    }
    for (name, text) in &texts {
        if !snapshot::holds(&folder, name, text) {
            let message = format!(
                "{name} has changed: read the difference above, then `just new-lab-snapshots`"
            );
            findings.push(Finding::about(about.clone(), message));
        }
    }
    for name in crate::snap::names_in(&folder, "snap") {
        if !texts.iter().any(|(known, _)| *known == name) {
            findings.push(Finding::about(
                about.clone(),
                format!("{name}.snap is of no wrong submission"),
            ));
        }
    }
    Ok(findings)
}
