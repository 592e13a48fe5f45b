//! A grade as JSON of our own, for programs: everything that the text says, and nothing that has to be parsed out of a sentence.
//!
//! ```json
//! {
//!   "schema": "sockets-to-streams/grade/v1",
//!   "assignment": "01-blocking", "title": "One client at a time",
//!   "seed": 7, "points": 30, "points_max": 100,
//!   "ignored": ["src/lib.rs: not yours to change; graded as it was"],
//!   "refusals": [{ "file": "src/serve.rs", "line": 9, "path": "std::env", "reason": "…" }],
//!   "compile_errors": null,
//!   "tasks": [{
//!     "id": "1.1", "title": "Lines out of bytes", "points": 30, "points_max": 30, "section": "chapter-01.md#bytes-not-messages",
//!     "checks": [
//!       { "name": "a_line_comes_whole", "selector": null, "outcome": "passed" },
//!       { "name": "many_lines", "selector": "mio", "outcome": "not written", "task": "1.1" },
//!       { "name": "a_lone_cr", "selector": null, "outcome": "failed", "story": {
//!         "steps": ["push(…)"], "expected": "…", "came": "…", "events": [], "threads": [], "why": "…" } }
//!     ]
//!   }]
//! }
//! ```
//!
//! Where something is refused or does not compile, no check is run and each task has an empty list. Of a task, `points` are
//! all or none. A field may be added to version 1; none goes, and none changes its meaning.

use anyhow::Result;
use serde::Serialize;

use super::grade::{CheckGrade, TaskGrade};
use super::manifest::Assignment;
use super::outcome::{Outcome, Story};
use super::refusal::Refusal;
use super::reports::Graded;

/// What the reader of a file can rely on.
const SCHEMA: &str = "sockets-to-streams/grade/v1";

#[derive(Serialize)]
struct Report<'g> {
    schema: &'static str,
    assignment: &'g str,
    title: &'g str,
    seed: u64,
    points: u32,
    points_max: u32,
    ignored: &'g [String],
    refusals: &'g [Refusal],
    compile_errors: Option<&'g str>,
    tasks: Vec<Task<'g>>,
}

#[derive(Serialize)]
struct Task<'g> {
    id: &'g str,
    title: &'g str,
    points: u32,
    points_max: u32,
    section: &'g str,
    checks: Vec<Check<'g>>,
}

#[derive(Serialize)]
struct Check<'g> {
    name: &'g str,
    selector: Option<&'static str>,
    outcome: &'static str,
    /// The task whose `todo!` was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'g str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    story: Option<&'g Story>,
}

/// The report, with a line break at its end.
///
/// # Errors
/// None of which we know: it is made of texts and numbers.
pub(crate) fn text(graded: &Graded<'_>) -> Result<String> {
    let Graded { assignment, grade, ignored } = *graded;
    let report = Report {
        schema: SCHEMA,
        assignment: &assignment.name,
        title: &assignment.manifest.title,
        seed: grade.seed,
        points: grade.points(assignment),
        points_max: grade.points_max(assignment),
        ignored,
        refusals: &grade.refusals,
        compile_errors: grade.errors.as_deref(),
        tasks: grade.tasks.iter().map(|task| of_task(assignment, task)).collect(),
    };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

fn of_task<'g>(assignment: &'g Assignment, grade: &'g TaskGrade) -> Task<'g> {
    let task = grade.task(assignment);
    Task {
        id: &task.id,
        title: &task.title,
        points: grade.points(assignment),
        points_max: task.points,
        section: &task.section,
        checks: grade.checks.iter().map(of_check).collect(),
    }
}

fn of_check(check: &CheckGrade) -> Check<'_> {
    let (outcome, task, story) = match &check.outcome {
        Outcome::Passed => ("passed", None, None),
        Outcome::NotWritten(id) => ("not written", Some(id.as_str()), None),
        Outcome::Failed(story) => ("failed", None, Some(story)),
    };
    Check { name: &check.name, selector: check.selector, outcome, task, story }
}
