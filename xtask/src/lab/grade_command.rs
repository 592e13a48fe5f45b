//! `lab grade`: the learner's submission, graded and kept in the record.

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
use super::{report, run};
use crate::say;
use crate::workspace::Workspace;

/// How often `--watch` looks for a change.
const LOOK: Duration = Duration::from_millis(300);

/// Grades the learner's folder: exit code 0 for all points that were asked for, else 1.
///
/// # Errors
/// If the assignment is not started, or cannot be built for a reason that is not the learner's.
pub(crate) fn grade(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let assignment = named(workspace, options.assignment()?)?;
    let task = options.value("task").map(|id| assignment.place(id)).transpose()?;
    let seed = options.number("seed")?;
    let reports = Reports::of(options)?;
    let mut learner = Learner::of(workspace, &assignment)?;
    let mut lane = Lane::open(workspace, &assignment, 0)?;
    lane.show();
    if learner.record.carry {
        lane.carry(&learner.dir);
    }
    if !options.has("watch") {
        let wanted = wanted(&assignment, task, seed);
        let (grade, _) = once(workspace, &assignment, &mut learner, &mut lane, &wanted, &reports)?;
        let content = grade.passed() || options.has("exit-zero");
        return Ok(if content { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    loop {
        let seen = Files::sources(&learner.dir).ok();
        let wanted = wanted(&assignment, task, seed);
        // An editor may just be saving: what is wrong with the folder now may be right in a moment.
        match once(workspace, &assignment, &mut learner, &mut lane, &wanted, &reports) {
            Ok((_, true)) => {}
            Ok((_, false)) => return Ok(ExitCode::SUCCESS),
            Err(error) => say::note(&format!("{error:#}\n")),
        }
        say::note("\nwaiting for a change; Ctrl-C ends this\n");
        while Files::sources(&learner.dir).ok() == seen {
            thread::sleep(LOOK);
        }
    }
}

fn wanted(assignment: &Assignment, task: Option<usize>, seed: Option<u64>) -> Wanted {
    let all = Wanted::all(assignment, seed.unwrap_or_else(run::seed));
    Wanted { tasks: task.map_or(all.tasks, |place| vec![place]), seed: all.seed }
}

/// Grades once, and gives whether somebody still reads what is printed.
fn once(
    workspace: &Workspace,
    assignment: &Assignment,
    learner: &mut Learner,
    lane: &mut Lane,
    wanted: &Wanted,
    reports: &Reports,
) -> Result<(Grade, bool)> {
    let submission = learner.submission(workspace, assignment)?;
    let first = if lane.is_new() {
        "; the first time, all that it stands on is compiled, which may take some minutes"
    } else {
        ""
    };
    say::note(&format!("building assignment {}{first} …\n", assignment.number));
    let compiled = compile(workspace, assignment, lane, &submission.sources, true)?;
    let grade = graded(assignment, &compiled, wanted)?;
    let mut text: String = submission.ignored.iter().map(|line| format!("{line}\n")).collect();
    text.push_str(&report::text(workspace, assignment, &grade)?);
    let is_read = if reports.take_stdout() {
        say::note(&text);
        true
    } else {
        // Who reads it may have seen enough; what was reached is kept nevertheless.
        say::print(&text)?
    };
    keep(assignment, learner, &grade)?;
    reports.write(&Graded { assignment, grade: &grade, ignored: &submission.ignored })?;
    Ok((grade, is_read))
}

/// Writes down what was reached.
fn keep(assignment: &Assignment, learner: &mut Learner, grade: &Grade) -> Result<()> {
    let record = &mut learner.record;
    record.grades += 1;
    for task in &grade.tasks {
        record.graded(&task.task(assignment).id, task.passed());
    }
    learner.save()
}
