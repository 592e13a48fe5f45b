//! A grade in plain text: every check by its sentence, every failure by its story.

use std::fmt::Write;

use anyhow::Result;

use super::anchor::Section;
use super::grade::{CheckGrade, Grade, TaskGrade};
use super::manifest::Assignment;
use super::outcome::{Outcome, Story};
use crate::workspace::Workspace;

/// Where a story's texts begin.
const INDENT: &str = "          ";

/// The grade of a submission.
///
/// # Errors
/// If the book has lost a task's section.
pub(crate) fn text(
    workspace: &Workspace,
    assignment: &Assignment,
    grade: &Grade,
) -> Result<String> {
    let mut text = format!("Assignment {}: {}\n", assignment.number, assignment.manifest.title);
    if !grade.refusals.is_empty() {
        text.push_str("\nRefused, and so not run:\n");
        grade.refusals.iter().for_each(|refusal| text.push_str(&format!("    {refusal}\n")));
    }
    if let Some(errors) = &grade.errors {
        text.push_str("\nIt does not compile:\n\n");
        text.push_str(errors);
    }
    for task in &grade.tasks {
        text.push('\n');
        text.push_str(&task_text(workspace, assignment, task)?);
    }
    let (points, max) = (grade.points(assignment), grade.points_max(assignment));
    let _ = write!(text, "\n{points} of {max} points.");
    if !grade.passed() && grade.tasks.iter().any(|task| !task.checks.is_empty()) {
        let _ = write!(
            text,
            " The same numbers again: cargo x lab grade {} --seed {}",
            assignment.number, grade.seed
        );
    }
    text.push('\n');
    if assignment.manifest.hidden > 0 {
        let _ = writeln!(text, "{} checks more are with your teacher.", assignment.manifest.hidden);
    }
    Ok(text)
}

/// One task: its points, its checks, its stories, and where to go on.
fn task_text(workspace: &Workspace, assignment: &Assignment, grade: &TaskGrade) -> Result<String> {
    let task = grade.task(assignment);
    let points = grade.points(assignment);
    let mut text = format!("{} {:<50} {points:>3} of {:>3}\n", task.id, task.title, task.points);
    grade.checks.iter().for_each(|check| text.push_str(&check_text(&task.id, check)));
    if !grade.passed() && !grade.checks.is_empty() {
        let _ = writeln!(
            text,
            "    read  {}    hint  cargo x lab hint {}",
            Section::of(workspace, &task.section)?.lines(INDENT),
            task.id
        );
    }
    Ok(text)
}

/// One check, and its story if it has one.
pub(crate) fn check_text(own: &str, check: &CheckGrade) -> String {
    let sentence = full_sentence(check);
    match &check.outcome {
        Outcome::Passed => format!("    ok    {sentence}\n"),
        Outcome::NotWritten(id) if id == own => format!("    todo  {sentence}\n"),
        Outcome::NotWritten(id) => format!("    todo  {sentence}\n{INDENT}task {id} comes first\n"),
        Outcome::Failed(story) => format!("    FAIL  {sentence}\n{}", story_text(story)),
    }
}

/// A story as a learner reads it.
fn story_text(story: &Story) -> String {
    let mut text = String::new();
    for step in &story.steps {
        let _ = writeln!(text, "{INDENT}{step}");
    }
    let _ = writeln!(text, "{INDENT}expected   {}", story.expected);
    let _ = writeln!(text, "{INDENT}came       {}", story.came);
    for event in story.events.iter().chain(&story.threads) {
        let _ = writeln!(text, "{INDENT}meanwhile  {event}");
    }
    let _ = writeln!(text, "{INDENT}because    {}", story.why);
    text
}

/// A check's sentence, with what it was run over.
pub(crate) fn full_sentence(check: &CheckGrade) -> String {
    let over = check.selector.map(|selector| format!(" (over {selector})")).unwrap_or_default();
    format!("{}{over}", sentence(&check.name))
}

/// `a_line_comes_whole` as a sentence without its stop.
pub(crate) fn sentence(name: &str) -> String {
    name.replace('_', " ")
}
