//! Grades a submission: builds it, runs its checks, counts its points.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Result;

use super::build::Built;
use super::files::Files;
use super::lane::{Lane, Program};
use super::manifest::{Assignment, Task};
use super::outcome::Outcome;
use super::refusal::{self, Refusal};
use super::run::{self, Listed};
use crate::workspace::Workspace;

/// How many checks run at once. Most of them wait most of the time.
const AT_ONCE: usize = 8;

/// What came of a submission.
#[derive(Debug, Clone)]
pub(crate) struct Grade {
    pub(crate) seed: u64,
    /// Why it was not even built.
    pub(crate) refusals: Vec<Refusal>,
    /// The compiler's errors.
    pub(crate) errors: Option<String>,
    pub(crate) warnings: Vec<String>,
    /// In the order of the manifest; only those that were asked for.
    pub(crate) tasks: Vec<TaskGrade>,
}

/// What came of one task.
#[derive(Debug, Clone)]
pub(crate) struct TaskGrade {
    /// Its place in the manifest.
    pub(crate) place: usize,
    pub(crate) checks: Vec<CheckGrade>,
}

/// What came of one check.
#[derive(Debug, Clone)]
pub(crate) struct CheckGrade {
    pub(crate) name: String,
    pub(crate) selector: Option<&'static str>,
    pub(crate) outcome: Outcome,
}

/// Which checks are run, and with which numbers.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) seed: u64,
    /// The places of the tasks.
    pub(crate) tasks: Vec<usize>,
}

impl Wanted {
    /// All tasks of `assignment`.
    pub(crate) fn all(assignment: &Assignment, seed: u64) -> Self {
        Self { seed, tasks: (0..assignment.manifest.tasks.len()).collect() }
    }
}

impl Grade {
    pub(crate) fn points(&self, assignment: &Assignment) -> u32 {
        self.tasks.iter().map(|task| task.points(assignment)).sum()
    }

    /// The points of all tasks that were asked for.
    pub(crate) fn points_max(&self, assignment: &Assignment) -> u32 {
        self.tasks.iter().map(|task| task.task(assignment).points).sum()
    }

    pub(crate) fn passed(&self) -> bool {
        self.tasks.iter().all(TaskGrade::passed)
    }

    /// All checks with the places of their tasks.
    pub(crate) fn checks(&self) -> impl Iterator<Item = (usize, &CheckGrade)> {
        self.tasks.iter().flat_map(|task| task.checks.iter().map(|check| (task.place, check)))
    }
}

impl TaskGrade {
    /// A task counts as a whole: a task without a check that was run does not.
    pub(crate) fn passed(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.outcome.passed())
    }

    /// All points of the task, or none.
    pub(crate) fn points(&self, assignment: &Assignment) -> u32 {
        if self.passed() { self.task(assignment).points } else { 0 }
    }

    pub(crate) fn task<'a>(&self, assignment: &'a Assignment) -> &'a Task {
        &assignment.manifest.tasks[self.place]
    }
}

/// A submission that was built, or what kept it from being built.
#[derive(Clone)]
pub(crate) struct Compiled {
    refusals: Vec<Refusal>,
    errors: Option<String>,
    warnings: Vec<String>,
    program: Option<Program>,
}

/// Builds `sources` in `lane`, unless they use what is forbidden.
///
/// # Errors
/// If cargo cannot be run.
pub(crate) fn compile(
    workspace: &Workspace,
    assignment: &Assignment,
    lane: &mut Lane,
    sources: &Files,
    unfinished: bool,
) -> Result<Compiled> {
    let refusals = refusal::of(workspace, assignment, sources)?;
    let mut compiled = Compiled { refusals, errors: None, warnings: Vec::new(), program: None };
    if compiled.refusals.is_empty() {
        match lane.build(workspace, assignment, sources, unfinished)? {
            Built::Program { program, warnings } => {
                compiled.refusals = refusal::unread(workspace, assignment, sources)?;
                compiled.warnings = warnings;
                compiled.program = Some(program).filter(|_| compiled.refusals.is_empty());
            }
            Built::Errors(errors) => compiled.errors = Some(errors),
        }
    }
    Ok(compiled)
}

/// Runs the checks of what was built.
///
/// # Errors
/// If a process cannot be started.
pub(crate) fn grade(
    assignment: &Assignment,
    compiled: &Compiled,
    wanted: &Wanted,
) -> Result<Grade> {
    let Compiled { refusals, errors, warnings, program } = compiled.clone();
    let mut grade = Grade { seed: wanted.seed, refusals, errors, warnings, tasks: Vec::new() };
    let results = match &program {
        Some(program) => checks(assignment, &program.path, wanted)?,
        None => Vec::new(),
    };
    for &place in &wanted.tasks {
        let id = &assignment.manifest.tasks[place].id;
        let of_task = results.iter().filter(|(listed, _)| listed.task == *id);
        let checks = of_task.map(|(_, check)| check.clone()).collect();
        grade.tasks.push(TaskGrade { place, checks });
    }
    Ok(grade)
}

fn checks(
    assignment: &Assignment,
    program: &Path,
    wanted: &Wanted,
) -> Result<Vec<(Listed, CheckGrade)>> {
    let tasks: Vec<&Task> =
        wanted.tasks.iter().map(|&place| &assignment.manifest.tasks[place]).collect();
    let mut runs: Vec<(Listed, Option<&'static str>)> = Vec::new();
    for listed in run::list(program)? {
        if let Some(task) = tasks.iter().find(|task| task.id == listed.task) {
            runs.extend(assignment.selectors(task).iter().map(|&over| (listed.clone(), over)));
        }
    }
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(runs.len()) {
            scope.spawn(|| {
                while let Some((listed, selector)) = runs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let limits = assignment.manifest.limits;
                    let outcome = run::check(program, &listed.name, wanted.seed, *selector, limits);
                    let result = (listed.clone(), *selector, outcome);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
                }
            });
        }
    });
    let mut graded = Vec::new();
    for (listed, selector, outcome) in results.into_inner().unwrap_or_else(PoisonError::into_inner)
    {
        let check = CheckGrade { name: listed.name.clone(), selector, outcome: outcome? };
        graded.push((listed, check));
    }
    // They end in any order, and are told in that of the program.
    let place = |(listed, check): &(Listed, CheckGrade)| {
        runs.iter().position(|(other, over)| other == listed && *over == check.selector)
    };
    graded.sort_by_key(place);
    Ok(graded)
}
