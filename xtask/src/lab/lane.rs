//! A lane: a folder in which one submission after the other is built, so that cargo only does what has changed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};

use super::build::{self, Built};
use super::cargo_toml::{self, Copy, Purpose};
use super::carry;
use super::files::{self, Files};
use super::manifest::Assignment;
use crate::say;
use crate::workspace::Workspace;

/// Where submissions of one assignment are built, one at a time.
pub(crate) struct Lane {
    /// The folder of the copy.
    dir: PathBuf,
    /// Cargo's target folder.
    target: PathBuf,
    /// Locked by whoever uses the folder.
    lock: PathBuf,
    /// The learner's folder, if the chapter is to stand on what is carried in it.
    carried: Option<PathBuf>,
    /// Whether somebody waits for it and is shown what cargo compiles.
    is_shown: bool,
}

/// A program of graded tests. The lane's next build would replace it, and so has to wait for as long as this is there.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    _lock: Arc<File>,
}

/// The folder of the lane `number` in the workspace's target folder.
fn folder(target: &Path, number: usize) -> PathBuf {
    target.join("lab").join(format!("lane-{number}"))
}

/// The target folder of the lane in which a learner's folder is graded: who builds there finds what grading has compiled.
pub(crate) fn shared_target(target: &Path) -> PathBuf {
    folder(target, 0).join("target")
}

impl Lane {
    /// The lane `number` of `assignment`.
    ///
    /// # Errors
    /// If its folders cannot be made.
    pub(crate) fn open(
        workspace: &Workspace,
        assignment: &Assignment,
        number: usize,
    ) -> Result<Self> {
        let root = folder(&workspace.target, number);
        let lane = Self {
            dir: root.join(&assignment.name),
            target: root.join("target"),
            lock: root.join(format!("{}.lock", assignment.name)),
            carried: None,
            is_shown: false,
        };
        fs::create_dir_all(&lane.dir)
            .with_context(|| format!("{} cannot be made", lane.dir.display()))?;
        Ok(lane)
    }

    /// Lets the chapter stand on what is carried in a learner's folder.
    pub(crate) fn carry(&mut self, learner: &Path) {
        self.carried = Some(learner.to_path_buf());
    }

    /// Lets cargo show what it compiles of what the chapter stands on: this takes a while, the first time.
    pub(crate) fn show(&mut self) {
        self.is_shown = true;
    }

    /// Whether nothing was built in it yet, for any assignment.
    pub(crate) fn is_new(&self) -> bool {
        !self.target.exists()
    }

    /// Builds `sources` with the assignment's graded tests, as soon as nobody else uses the lane.
    ///
    /// # Errors
    /// If cargo cannot be run, or fails in another way than by the compiler's errors.
    pub(crate) fn build(
        &mut self,
        workspace: &Workspace,
        assignment: &Assignment,
        sources: &Files,
        unfinished: bool,
    ) -> Result<Built<Program>> {
        let package = |path: &str| {
            let carried = self.carried.as_deref().and_then(|dir| carry::place(dir, path));
            carried.unwrap_or_else(|| workspace.root.join(path)).display().to_string()
        };
        let copy = Copy { package: &package, unfinished, purpose: Purpose::Lane };
        let mut files = sources.clone();
        files.remove("src/main.rs");
        files.extend(Files::under(&assignment.dir, "graded")?);
        files.set("Cargo.toml", cargo_toml::of_chapter(workspace, assignment, &copy)?);
        let lock = Arc::new(locked(&self.lock)?);
        files.write(&self.dir)?;
        let lock_file = self.dir.join("Cargo.lock");
        if !lock_file.exists() {
            let text =
                fs::read(workspace.root.join("Cargo.lock")).context("Cargo.lock cannot be read")?;
            files::replace(&lock_file, &text)?;
        }
        let built = build::compile(&self.dir, &self.target, self.is_shown)?;
        Ok(built.map(|path| Program { path, _lock: lock }))
    }
}

/// `file`, locked: two grades at once would build in one folder, and one would run what the other one has built.
fn locked(file: &Path) -> Result<File> {
    let about = || format!("{} cannot be locked", file.display());
    let lock = File::create(file).with_context(about)?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        say::note("another grade of this assignment is at work; waiting for its end …\n");
        flock(&lock, FlockOperation::LockExclusive).with_context(about)?;
    }
    Ok(lock)
}

#[cfg(all(test, feature = "author"))]
mod tests {
    use super::*;

    #[test]
    fn a_lane_has_one_user_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lock");
        let other = File::create(&file).unwrap();
        let is_free = || flock(&other, FlockOperation::NonBlockingLockExclusive).is_ok();
        let lock = Arc::new(locked(&file).unwrap());
        let program = Program { path: PathBuf::new(), _lock: Arc::clone(&lock) };
        assert!(!is_free());
        drop(lock);
        assert!(!is_free(), "the program may still run");
        drop(program);
        assert!(is_free());
    }
}
