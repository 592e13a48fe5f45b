//! `lab grade`: the learner's submission, graded and kept in the record.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::files::Files;
use super::grade::{Grade, Wanted, compile, grade as graded};
use super::lane::Lane;
use super::learner::Learner;
use super::manifest::{Assignment, named};
use super::options::Options;
use super::reports::{Graded, Reports};
use super::{ASSIGNMENT, report, run};
use crate::workspace::Workspace;

/// How often `--watch` looks for a change.
const LOOK: Duration = Duration::from_millis(300);

/// Grades the learner's folder: exit code 0 for all points that were asked for, else 1.
///
/// # Errors
/// If the assignment is not started, or cannot be built for a reason that is not the learner's.
pub(crate) fn grade(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let assignment = named(workspace, options.word(ASSIGNMENT)?)?;
    let task = options.value("task").map(|id| assignment.place(id)).transpose()?;
    let seed = options.number("seed")?;
    let reports = Reports::of(options)?;
    let mut learner = Learner::of(workspace, &assignment)?;
    let mut lane = Lane::open(workspace, &assignment, 0)?;
    if learner.record.carry {
        lane.carry(&learner.dir);
    }
    if !options.has("watch") {
        let wanted = wanted(&assignment, task, seed);
        let grade = once(workspace, &assignment, &mut learner, &mut lane, &wanted, &reports)?;
        let content = grade.passed() || options.has("exit-zero");
        return Ok(if content { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    loop {
        let seen = Files::sources(&learner.dir).ok();
        let wanted = wanted(&assignment, task, seed);
        // An editor may just be saving: what is wrong with the folder now may be right in a moment.
        if let Err(error) = once(workspace, &assignment, &mut learner, &mut lane, &wanted, &reports)
        {
            eprintln!("{error:#}");
        }
        eprintln!("\nwaiting for a change; Ctrl-C ends this");
        while Files::sources(&learner.dir).ok() == seen {
            thread::sleep(LOOK);
        }
    }
}

fn wanted(assignment: &Assignment, task: Option<usize>, seed: Option<u64>) -> Wanted {
    let all = Wanted::all(assignment, seed.unwrap_or_else(run::seed));
    Wanted { tasks: task.map_or(all.tasks, |place| vec![place]), seed: all.seed }
}

fn once(
    workspace: &Workspace,
    assignment: &Assignment,
    learner: &mut Learner,
    lane: &mut Lane,
    wanted: &Wanted,
    reports: &Reports,
) -> Result<Grade> {
    let submission = learner.submission(workspace, assignment)?;
    eprintln!("building assignment {} …", assignment.number);
    let compiled = compile(workspace, assignment, lane, &submission.sources, true)?;
    let grade = graded(assignment, &compiled, wanted)?;
    let mut text: String = submission.ignored.iter().map(|line| format!("{line}\n")).collect();
    text.push_str(&report::text(workspace, assignment, &grade)?);
    if reports.take_stdout() {
        eprint!("{text}");
    } else {
        // Who reads it may have seen enough; what was reached is kept nevertheless.
        let _ = stdout().write_all(text.as_bytes());
    }
    keep(assignment, learner, &grade)?;
    reports.write(&Graded { assignment, grade: &grade, ignored: &submission.ignored })?;
    Ok(grade)
}

/// Writes down what was reached.
fn keep(assignment: &Assignment, learner: &mut Learner, grade: &Grade) -> Result<()> {
    let record = &mut learner.record;
    record.grades += 1;
    for task in &grade.tasks {
        let id = &task.task(assignment).id;
        if task.passed() {
            record.passed.insert(id.clone());
        } else {
            record.passed.remove(id);
        }
    }
    if grade.tasks.len() == assignment.manifest.tasks.len() {
        record.best = record.best.max(grade.points(assignment));
    }
    learner.save()
}
