//! `lab export`: a repository for students, which holds no solution.
//!
//! It is a small workspace in the shape of this one, so the grader in it is this one: the same sources without the half that needs
//! solutions, the same commands, the same brief. Only its chapter is the starter. What a grader takes from the chapter there, to lay
//! a submission over it, is cut once more, which changes nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use super::learner::{Learner, Record};
use super::manifest::{Assignment, named};
use super::options::Options;
use super::{start, student};
use crate::say;
use crate::workspace::Workspace;

/// Makes the repository.
///
/// # Errors
/// If the folder has something in it already, or cannot be written.
pub(crate) fn export(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let assignment = named(workspace, options.assignment()?)?;
    let Some(out) = options.value("out") else {
        bail!("where to? `cargo x lab export {} --out DIR`", assignment.number);
    };
    let hidden = into(workspace, &assignment, Path::new(out), options.has("hidden-tests"))?;
    let Assignment { number, manifest, .. } = &assignment;
    say::print(format!("Assignment {number}, {}, is in {out}\n", manifest.title))?;
    if hidden > 0 {
        say::print(format!(
            "{hidden} of its checks stay here; `cargo x lab grade-all` runs all of them.\n"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the repository in `out`, and says how many checks stay with the teacher.
///
/// # Errors
/// As [`export`].
pub(crate) fn into(
    workspace: &Workspace,
    assignment: &Assignment,
    out: &Path,
    hide: bool,
) -> Result<usize> {
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty: choose another --out, or empty it", out.display());
    }
    let repository = student::repository(workspace, assignment, hide)?;
    repository.files.write(out).with_context(|| format!("{} cannot be written", out.display()))?;
    prune_lock(out)?;
    let mut theirs = Workspace::around(out)?;
    theirs.lab = theirs.root.join("lab");
    let started = named(&theirs, &assignment.name)?;
    let dir = Learner::dir(&theirs, &started);
    start::make(&theirs, &started, &dir, Record::default())?;
    prune_lock(&dir)?;
    Ok(repository.hidden)
}

/// Takes out of `Cargo.lock` what was locked for this workspace alone.
fn prune_lock(dir: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["update", "--workspace", "--offline", "--quiet"])
        .current_dir(dir)
        .output()
        .context("cargo cannot be run")?;
    if !output.status.success() {
        bail!("cargo update: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
