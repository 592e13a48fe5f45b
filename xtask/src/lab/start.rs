//! `lab start` and `lab reset`: the learner's folder.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use toml::Table;

use super::cargo_toml::{self, Copy, Purpose};
use super::carry::Carried;
use super::cut::{own_files, starter};
use super::files::Files;
use super::learner::{Learner, Record};
use super::manifest::{Assignment, Manifest, named};
use super::options::Options;
use super::{carry, lane};
use crate::say;
use crate::workspace::Workspace;

/// What a learner is told who opens the manifest.
const MANIFEST_HEADER: &str = "# For `cargo run` and the editor. The grader uses one of its own.\n";

/// Makes the learner's folder.
///
/// # Errors
/// If it is there already, or cannot be made.
pub(crate) fn start(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let assignment = named(workspace, options.assignment()?)?;
    let dir = Learner::dir(workspace, &assignment);
    if dir.exists() {
        bail!(
            "{} is there already: go on with it, or begin anew by `cargo x lab reset {}`",
            workspace.relative(&dir),
            assignment.number
        );
    }
    let record = Record { carry: options.has("carry"), ..Record::default() };
    begin(workspace, &assignment, &dir, record)?;
    Ok(ExitCode::SUCCESS)
}

/// Makes the learner's folder anew. What was in it is moved, not lost, and the record keeps what was passed.
///
/// # Errors
/// If it is not started, or cannot be moved.
pub(crate) fn reset(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let assignment = named(workspace, options.assignment()?)?;
    let mut learner = Learner::of(workspace, &assignment)?;
    let kept = free_name(&learner.dir);
    fs::rename(&learner.dir, &kept)
        .with_context(|| format!("{} cannot be moved", workspace.relative(&learner.dir)))?;
    say::print(format!("What was there is now in {}\n", workspace.relative(&kept)))?;
    learner.record.begin_anew();
    begin(workspace, &assignment, &learner.dir, learner.record)?;
    Ok(ExitCode::SUCCESS)
}

/// `lab/01-blocking.old-1`, or the next number that is free.
fn free_name(dir: &Path) -> PathBuf {
    let numbered = |number: u32| PathBuf::from(format!("{}.old-{number}", dir.display()));
    (1..).map(numbered).find(|path| !path.exists()).expect("a number is free")
}

/// The manifest of the learner's folder.
///
/// # Errors
/// If the chapter's cannot be read.
pub(crate) fn manifest(
    workspace: &Workspace,
    assignment: &Assignment,
    carry: bool,
) -> Result<String> {
    let up = workspace.up_from_lab();
    let package = |path: &str| match carry::place(Path::new(""), path) {
        Some(place) if carry => place.display().to_string(),
        _ => format!("{up}/{path}"),
    };
    let copy = Copy { package: &package, unfinished: true, purpose: Purpose::Learner };
    let manifest = cargo_toml::of_chapter(workspace, assignment, &copy)?;
    Ok(format!("{MANIFEST_HEADER}\n{manifest}"))
}

/// Lets cargo build all of the learner's folders where they are graded: what is compiled for one of them, or by the grader, need not be
/// compiled again. That is in the workspace, wherever cargo's own settings lead: an exported repository is to name nothing outside of it.
fn share_target(workspace: &Workspace) -> Result<()> {
    let config = workspace.lab.join(".cargo").join("config.toml");
    let up = workspace.up_from_lab();
    // From the folder in which `.cargo` is, which is one above a learner's.
    let root = up.strip_suffix("/..").unwrap_or(&up);
    let target = lane::shared_target(&Path::new(root).join("target"));
    let build = Table::from_iter([("target-dir".to_owned(), target.display().to_string().into())]);
    let text = toml::to_string(&Table::from_iter([("build".to_owned(), build.into())]))?;
    fs::create_dir_all(config.with_file_name(""))?;
    fs::write(&config, text).with_context(|| format!("{} cannot be written", config.display()))
}

/// Makes the folder `dir`, and gives what it stands on, if that is the learner's own.
///
/// # Errors
/// If something cannot be read or written.
pub(crate) fn make(
    workspace: &Workspace,
    assignment: &Assignment,
    dir: &Path,
    record: Record,
) -> Result<Option<Carried>> {
    let carried = record.carry.then(|| carry::collect(workspace, assignment)).transpose()?;
    let mut files = starter(workspace, assignment, 0..assignment.manifest.tasks.len())?;
    files.extend(Files::under(&assignment.dir, "graded")?);
    files.set("Cargo.toml", manifest(workspace, assignment, record.carry)?);
    // In the book it stands beside the chapters' pages.
    let link = format!("]({}/book/src/chapter-", workspace.up_from_lab());
    files.set("brief.md", assignment.brief()?.replace("](chapter-", &link));
    share_target(workspace)?;
    files.write(dir)?;
    if let Some(carried) = &carried {
        carried.write(dir)?;
    }
    let lock = workspace.root.join("Cargo.lock");
    if lock.exists() {
        fs::copy(lock, dir.join("Cargo.lock")).context("Cargo.lock cannot be copied")?;
    }
    let learner = Learner { dir: dir.to_path_buf(), record };
    learner.save()?;
    Ok(carried)
}

fn begin(workspace: &Workspace, assignment: &Assignment, dir: &Path, record: Record) -> Result<()> {
    let carried = make(workspace, assignment, dir, record)?;
    let shown = workspace.relative(dir);
    let number = &assignment.number;
    let Manifest { title, tasks, .. } = &assignment.manifest;
    let mut text = format!("Assignment {number}, {title}, is in {shown}\n");
    if let Some(carried) = &carried {
        let _ = writeln!(text, "It stands on your own {}.", carried.own.join(", "));
    }
    let _ = writeln!(text, "\n  read     {shown}/brief.md");
    for file in own_files(workspace, assignment)? {
        let _ = writeln!(text, "  write    {shown}/{file}");
    }
    let _ = writeln!(text, "  grade    cargo x lab grade {number}");
    let _ = writeln!(text, "  ask      cargo x lab hint {}", tasks[0].id);
    let _ = writeln!(
        text,
        "\n`cargo x` is a command of this folder; in {shown} are `cargo run` and `cargo test`."
    );
    say::print(&text)?;
    Ok(())
}
