//! `lab hint`: one more of a task's three hints.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;

use super::learner::Learner;
use super::manifest::with_task;
use super::options::Options;
use super::{TASK, hints};
use crate::say;
use crate::workspace::Workspace;

/// Shows the hints seen so far, and the next one.
///
/// # Errors
/// If there is no such task, or if its assignment is not started.
pub(crate) fn hint(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let (assignment, place) = with_task(workspace, options.word(TASK)?)?;
    let mut learner = Learner::of(workspace, &assignment)?;
    let task = &assignment.manifest.tasks[place];
    let hints = hints::of(workspace, &assignment, place)?;
    let seen = learner.record.hint(&task.id, hints::COUNT);
    learner.save()?;
    let mut text = format!("{} {}\n", task.id, task.title);
    for (number, hint) in hints.iter().enumerate().take(seen) {
        let _ = writeln!(text, "\n{} of {}: {}", number + 1, hints::COUNT, hint.trim_end());
    }
    let id = &task.id;
    if seen == hints::COUNT {
        let give_up = if learner.record.has_passed(id) { "" } else { " --give-up" };
        let _ = writeln!(
            text,
            "\nThat was all. `cargo x lab solution {id}{give_up}` shows the book's."
        );
    } else {
        let _ = writeln!(text, "\n{} more: cargo x lab hint {id}", hints::COUNT - seen);
    }
    say::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
