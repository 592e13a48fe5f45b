//! `lab status`: all assignments, and how far the learner is.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::{Result, ensure};

use super::learner::{Learner, Record};
use super::manifest::{Assignment, POINTS, all};
use super::options::Options;
use crate::say;
use crate::workspace::Workspace;

/// How many characters the bar of a full assignment has.
const BAR: u32 = 20;

/// Prints one line for each assignment, and one for each task of those that are started.
///
/// # Errors
/// If a manifest or a record cannot be read.
pub(crate) fn status(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    ensure!(options.words().is_empty(), "`status` takes no word: it tells of all assignments");
    for assignment in all(workspace)? {
        let learner = Learner::find(workspace, &assignment)?;
        say::print(lines(&assignment, learner.as_ref().map(|learner| &learner.record)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(assignment: &Assignment, record: Option<&Record>) -> String {
    let title = format!("{} {}", assignment.number, assignment.manifest.title);
    let Some(record) = record else {
        return format!("{title:<48} not started: cargo x lab start {}\n", assignment.number);
    };
    let tasks = &assignment.manifest.tasks;
    let sum = |passed: &dyn Fn(&str) -> bool| -> u32 {
        tasks.iter().filter(|task| passed(&task.id)).map(|task| task.points).sum()
    };
    let passed = |id: &str| record.passed.contains(id);
    let points = sum(&passed);
    let best = sum(&|id| record.has_passed(id));
    let best = if best > points { format!(", best {best}") } else { String::new() };
    let full = points * BAR / POINTS;
    let bar = "#".repeat(full as usize) + &".".repeat((BAR - full) as usize);
    let mut text = format!("{title:<48} [{bar}] {points:>3} of {POINTS}{best}\n");
    for task in tasks {
        let mark = if passed(&task.id) { "ok" } else { "  " };
        let before =
            if !passed(&task.id) && record.has_passed(&task.id) { ", passed before" } else { "" };
        let hints = match record.hints.get(&task.id) {
            None => String::new(),
            Some(1) => ", 1 hint".to_owned(),
            Some(count) => format!(", {count} hints"),
        };
        let given_up = if record.given_up.contains(&task.id) { ", solution shown" } else { "" };
        let _ = writeln!(
            text,
            "  {mark} {} {} ({} points, {} min{before}{hints}{given_up})",
            task.id, task.title, task.points, task.minutes
        );
    }
    text
}
