//! `lab solution`: the book's bodies of a task.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::TASK;
use super::learner::Learner;
use super::manifest::with_task;
use super::options::Options;
use crate::item::plain;
use crate::say;
use crate::workspace::Workspace;

/// Prints the items of a task as the book has them, to whoever has passed it at any time or gives up.
///
/// # Errors
/// If there is no such task, or if the learner has neither passed it nor given up.
pub(crate) fn solution(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let (assignment, place) = with_task(workspace, options.word(TASK)?)?;
    let mut learner = Learner::of(workspace, &assignment)?;
    let task = &assignment.manifest.tasks[place];
    if !learner.record.has_passed(&task.id) {
        if !options.has("give-up") {
            bail!(
                "task {0} is not passed yet: `cargo x lab hint {0}` helps, `cargo x lab solution {0} --give-up` shows the book's \
                 solution and is recorded",
                task.id
            );
        }
        learner.record.given_up.insert(task.id.clone());
        learner.save()?;
    }
    let mut text = format!("{} {}\n", task.id, task.title);
    for item in &task.items {
        let listing = plain(workspace, item).with_context(|| format!("task {}", task.id))?;
        let _ = writeln!(text, "\n{}", listing.trim_end());
    }
    say::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
