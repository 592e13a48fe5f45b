//! What must come of each submission of ours, so that a grade can be trusted.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::Result;
use regex::Regex;

use super::cut::{reference, starter};
use super::files::Files;
use super::grade::{CheckGrade, Grade};
use super::manifest::Assignment;
use super::outcome::{Outcome, Story};
use super::overlay::{self, Overlay};
use super::report;
use crate::near;
use crate::workspace::Workspace;

/// The seed of all snapshots.
pub(crate) const SEED: u64 = 1;

/// How often the reference is graded, each time with other numbers.
const REFERENCE_RUNS: usize = 3;

/// A submission of ours.
pub(crate) enum Subject {
    /// The starter: nothing is written.
    Starter,
    /// The chapter itself.
    Reference,
    /// The starter with one task, by its place, and what it needs filled in.
    Only(usize),
    Wrong(Overlay),
    Right(Overlay),
}

/// All submissions that an assignment has to judge.
///
/// # Errors
/// If a file cannot be read.
pub(crate) fn subjects(assignment: &Assignment) -> Result<Vec<Subject>> {
    let mut subjects = vec![Subject::Reference, Subject::Starter];
    subjects.extend((0..assignment.manifest.tasks.len()).map(Subject::Only));
    subjects.extend(overlay::all(assignment, "wrong")?.into_iter().map(Subject::Wrong));
    subjects.extend(overlay::all(assignment, "right")?.into_iter().map(Subject::Right));
    Ok(subjects)
}

impl Subject {
    /// What it is called in messages.
    pub(crate) fn name(&self, assignment: &Assignment) -> String {
        match self {
            Self::Starter => "starter".to_owned(),
            Self::Reference => "reference".to_owned(),
            Self::Only(place) => format!("only task {}", assignment.manifest.tasks[*place].id),
            Self::Wrong(overlay) => format!("wrong/{}", overlay.name),
            Self::Right(overlay) => format!("right/{}", overlay.name),
        }
    }

    /// Its sources.
    ///
    /// # Errors
    /// If an item is not in the chapter.
    pub(crate) fn sources(&self, workspace: &Workspace, assignment: &Assignment) -> Result<Files> {
        let tasks = 0..assignment.manifest.tasks.len();
        match self {
            Self::Starter => starter(workspace, assignment, tasks),
            Self::Reference => reference(workspace, assignment),
            Self::Only(place) => {
                let filled = assignment.with_needs(*place);
                starter(workspace, assignment, tasks.filter(|place| !filled.contains(place)))
            }
            Self::Wrong(overlay) | Self::Right(overlay) => {
                overlay.lay(workspace, assignment, &reference(workspace, assignment)?)
            }
        }
    }

    /// Whether what is unused may stay so: bodies are missing, or ours that used it are replaced.
    pub(crate) fn is_unfinished(&self) -> bool {
        !matches!(self, Self::Reference)
    }

    /// The seeds with which it is graded; `random` gives a new one each time.
    pub(crate) fn seeds(&self, mut random: impl FnMut() -> u64) -> Vec<u64> {
        match self {
            Self::Reference => (0..REFERENCE_RUNS).map(|_| random()).collect(),
            Self::Right(_) => vec![random()],
            _ => vec![SEED],
        }
    }

    /// What is wrong with `grade`, a grade of this subject.
    ///
    /// # Errors
    /// If the header of a wrong submission lacks something.
    pub(crate) fn faults(&self, assignment: &Assignment, grade: &Grade) -> Result<Vec<String>> {
        let mut faults: Vec<String> =
            grade.refusals.iter().map(|refusal| refusal.to_string()).collect();
        if let Some(errors) = &grade.errors {
            faults.push(format!("does not compile:\n{errors}"));
        }
        if !faults.is_empty() {
            return Ok(faults);
        }
        if matches!(self, Self::Starter | Self::Reference) {
            faults.extend(
                grade.warnings.iter().map(|warning| format!("compiles with a warning:\n{warning}")),
            );
        }
        for task in grade.tasks.iter().filter(|task| task.checks.is_empty()) {
            faults.push(format!("task {} has no check", task.task(assignment).id));
        }
        match self {
            Self::Starter => faults.extend(reaches_its_own_todo(assignment, grade)),
            Self::Reference | Self::Right(_) => {
                let all = 0..assignment.manifest.tasks.len();
                faults.extend(green(assignment, grade, &all.collect::<Vec<_>>()));
            }
            Self::Only(place) => {
                faults.extend(green(assignment, grade, &assignment.with_needs(*place)));
            }
            Self::Wrong(overlay) => {
                overlay.header("mistake")?;
                faults.extend(rejected(&overlay.meant()?.1, grade));
            }
        }
        Ok(faults)
    }
}

/// Every check fails, and by the `todo!` of its own task.
fn reaches_its_own_todo(assignment: &Assignment, grade: &Grade) -> Vec<String> {
    let mut faults = Vec::new();
    for (place, check) in grade.checks() {
        let id = &assignment.manifest.tasks[place].id;
        let said = match &check.outcome {
            Outcome::NotWritten(other) if other == id => continue,
            Outcome::NotWritten(other) => format!("comes to the todo! of task {other} first"),
            Outcome::Passed => "passes though nothing is written".to_owned(),
            Outcome::Failed(story) => format!("fails before it comes to a todo!: {}", story.came),
        };
        faults.push(format!("the check `{}` of task {id} {said}", check.name));
    }
    if grade.points(assignment) > 0 {
        faults.push(format!("is worth {} points", grade.points(assignment)));
    }
    faults
}

/// The checks of the tasks at the places `tasks` pass, and no other one does.
fn green(assignment: &Assignment, grade: &Grade, tasks: &[usize]) -> Vec<String> {
    let mut faults = Vec::new();
    for (place, check) in grade.checks() {
        let id = &assignment.manifest.tasks[place].id;
        match (tasks.contains(&place), check.outcome.passed()) {
            (true, false) => {
                faults.push(format!(
                    "task {id} is written, but (seed {})\n{}",
                    grade.seed,
                    report::check_text(id, check)
                ));
            }
            (false, true) => {
                faults.push(format!("the check `{}` passes without its task {id}", check.name));
            }
            _ => {}
        }
    }
    faults
}

fn rejected(meant: &str, grade: &Grade) -> Vec<String> {
    let of_name: Vec<&CheckGrade> =
        grade.checks().map(|(_, check)| check).filter(|check| check.name == meant).collect();
    if of_name.is_empty() {
        let names = grade.checks().map(|(_, check)| check.name.as_str());
        return vec![format!("no check `{meant}`{}", near::hint(meant, names))];
    }
    if of_name.iter().all(|check| check.outcome.passed()) {
        let others: BTreeSet<&str> = failed(grade).collect();
        let others = match others.len() {
            0 => "no check rejects it".to_owned(),
            _ => format!("others do: {}", others.into_iter().collect::<Vec<_>>().join(", ")),
        };
        return vec![format!("the check that is meant for it, `{meant}`, passes; {others}")];
    }
    Vec::new()
}

/// The names of the checks that are not content.
pub(crate) fn failed(grade: &Grade) -> impl Iterator<Item = &str> {
    grade
        .checks()
        .filter(|(_, check)| !check.outcome.passed())
        .map(|(_, check)| check.name.as_str())
}

/// What a snapshot keeps of a wrong submission: the mistake, and the story of the check that is meant for it.
///
/// # Errors
/// If the header lacks something.
pub(crate) fn exhibit(assignment: &Assignment, overlay: &Overlay, grade: &Grade) -> Result<String> {
    let (_, meant) = overlay.meant()?;
    let mut text = format!("{}\n\n", overlay.header("mistake")?);
    let rejecting =
        |(_, check): &(usize, &CheckGrade)| check.name == meant && !check.outcome.passed();
    if let Some((place, check)) = grade.checks().find(rejecting) {
        let id = &assignment.manifest.tasks[place].id;
        text.push_str(&report::check_text(id, &lasting(check)));
    }
    Ok(text)
}

/// `check` without what may differ from run to run, or change with a line that is added to the chapter.
fn lasting(check: &CheckGrade) -> CheckGrade {
    let mut check = check.clone();
    if let Outcome::Failed(story) = &mut check.outcome {
        let line = Regex::new(r"(\w+\.rs):\d+").expect("the pattern is constant and was tried");
        let without = |text: &String| line.replace_all(text, "$1").into_owned();
        *story = Story {
            threads: Vec::new(),
            came: without(&story.came),
            events: story.events.iter().map(without).collect(),
            ..story.clone()
        };
    }
    check
}

/// The wrong submissions beside the checks: which rejects which.
pub(crate) fn matrix(assignment: &Assignment, rows: &[(&Overlay, &Grade)]) -> Result<String> {
    let Some((_, first)) = rows.first() else { return Ok(String::new()) };
    let mut checks: Vec<(&str, &str)> = Vec::new();
    for (place, check) in first.checks() {
        let column = (assignment.manifest.tasks[place].id.as_str(), check.name.as_str());
        if !checks.contains(&column) {
            checks.push(column);
        }
    }
    let mut text = String::new();
    for (number, (id, name)) in checks.iter().enumerate() {
        let _ = writeln!(text, "{:>2}  {id} {}", number + 1, report::sentence(name));
    }
    let width = rows.iter().map(|(overlay, _)| overlay.name.len()).max().unwrap_or(0);
    let _ = write!(text, "\n{:width$}", "");
    (1..=checks.len()).for_each(|number| text.push_str(&format!(" {number:>2}")));
    for (overlay, grade) in rows {
        let (_, meant) = overlay.meant()?;
        let failed: BTreeSet<&str> = failed(grade).collect();
        let _ = write!(text, "\n{:width$}", overlay.name);
        for (_, name) in &checks {
            let mark = match (failed.contains(name), *name == meant) {
                (true, true) => 'X',
                (true, false) => 'x',
                (false, _) => '.',
            };
            let _ = write!(text, "  {mark}");
        }
    }
    text.push_str("\n\nX: rejects it, as it is meant to; x: rejects it as well\n");
    Ok(text)
}

/// The checks that no wrong submission has shown to reject anything.
pub(crate) fn idle(rows: &[(&Overlay, &Grade)]) -> Vec<String> {
    let Some((_, first)) = rows.first() else { return Vec::new() };
    let rejecting: BTreeSet<&str> = rows.iter().flat_map(|(_, grade)| failed(grade)).collect();
    let mut idle: Vec<String> = first
        .checks()
        .map(|(_, check)| check.name.clone())
        .filter(|name| !rejecting.contains(name.as_str()))
        .collect();
    idle.dedup();
    idle
}
