//! `lab diff`: what a learner has changed.

use std::process::ExitCode;

use anyhow::Result;
use similar::TextDiff;

use super::cut::{own_files, starter};
use super::files::Files;
use super::learner::Learner;
use super::manifest::named;
use super::options::Options;
use crate::say;
use crate::workspace::Workspace;

/// Prints the difference between the starter and the learner's folder; what is not the learner's to change is marked.
///
/// # Errors
/// If the assignment is not started.
pub(crate) fn diff(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let assignment = named(workspace, options.assignment()?)?;
    let learner = Learner::of(workspace, &assignment)?;
    let mut old = starter(workspace, &assignment, 0..assignment.manifest.tasks.len())?;
    old.extend(Files::under(&assignment.dir, "graded")?);
    let mut new = Files::sources(&learner.dir)?;
    new.extend(Files::under(&learner.dir, "graded")?);
    let own = own_files(workspace, &assignment)?;
    let mark = |path: &str| {
        if own.contains(path) { String::new() } else { format!("not graded: {path}\n") }
    };
    let mut said = String::new();
    for (path, text) in new.iter() {
        let before = old.get(path).unwrap_or_default();
        if before != text {
            said.push_str(&(mark(path) + &unified(path, before, text)));
        }
    }
    for (path, text) in old.iter().filter(|(path, _)| new.get(path).is_none()) {
        said.push_str(&(mark(path) + &unified(path, text, "")));
    }
    if said.is_empty() {
        said.push_str("nothing is changed yet\n");
    }
    say::print(&said)?;
    Ok(ExitCode::SUCCESS)
}

fn unified(path: &str, old: &str, new: &str) -> String {
    let (before, after) = (format!("starter/{path}"), format!("yours/{path}"));
    TextDiff::from_lines(old, new).unified_diff().header(&before, &after).to_string()
}
