//! `--carry`: an assignment stands on the learner's own earlier chapters.
//!
//! All earlier chapters are copied into the learner's folder `carried`, the learner's where they are complete and the book's
//! where they are not, so that each of them is there once and means the same to all others.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::cargo_toml::{self, Copy, Purpose};
use super::files::Files;
use super::learner::Learner;
use super::manifest::{Assignment, all};
use super::refusal;
use crate::workspace::{Package, Workspace};

/// The folder of the copies in the learner's folder.
pub(crate) const FOLDER: &str = "carried";

/// Earlier chapters as an assignment is to stand on them.
pub(crate) struct Carried {
    /// Folder and files of each, `01-blocking`.
    packages: Vec<(String, Files)>,
    /// Those of the learner's own.
    pub(crate) own: Vec<String>,
}

/// What the learner has to stand on.
///
/// # Errors
/// If none of the earlier assignments is complete, or if one uses what is forbidden.
pub(crate) fn collect(workspace: &Workspace, assignment: &Assignment) -> Result<Carried> {
    let mut carried = Carried { packages: Vec::new(), own: Vec::new() };
    let assignments = all(workspace)?;
    for package in &workspace.packages {
        let Some(name) = earlier_chapter(package, assignment) else { continue };
        let own = assignments.iter().find(|other| other.name == name);
        let mut files = match own.map(|own| complete(workspace, own)).transpose()?.flatten() {
            Some(files) => {
                carried.own.push(name.clone());
                files
            }
            None => Files::sources(&package.dir)?,
        };
        files.remove("src/main.rs");
        let beside = |path: &str| format!("../{}", path.trim_start_matches("chapters/"));
        // The learner has been told of what is unused; here it would only be told again.
        let copy = Copy { package: &beside, unfinished: true, purpose: Purpose::Dependency };
        files.set("Cargo.toml", cargo_toml::of_package(workspace, &package.dir, &copy)?);
        carried.packages.push((name, files));
    }
    if carried.own.is_empty() {
        bail!(
            "there is nothing to carry: no assignment before {0} is complete; without --carry, {0} stands on the book's chapters",
            assignment.number
        );
    }
    Ok(carried)
}

impl Carried {
    /// Writes the copies into the learner's folder `dir`.
    ///
    /// # Errors
    /// If something cannot be written.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        self.packages.iter().try_for_each(|(name, files)| files.write(&dir.join(FOLDER).join(name)))
    }
}

/// Where the package at `path` is for an assignment that is carried in `dir`; none if it is not carried.
pub(crate) fn place(dir: &Path, path: &str) -> Option<PathBuf> {
    Some(dir.join(FOLDER).join(path.strip_prefix("chapters/")?))
}

/// The folder's name, `01-blocking`, of a chapter before that of `assignment`.
pub(crate) fn earlier_chapter(package: &Package, assignment: &Assignment) -> Option<String> {
    let number = package.crate_name.strip_prefix("chapter_")?;
    let name = package.dir.file_name()?.to_str()?;
    (number < assignment.number.as_str()).then(|| name.to_owned())
}

/// The learner's sources, if they have all points.
fn complete(workspace: &Workspace, assignment: &Assignment) -> Result<Option<Files>> {
    let Some(learner) = Learner::find(workspace, assignment)? else { return Ok(None) };
    if !learner.record.is_complete(assignment) {
        return Ok(None);
    }
    let sources = learner.submission(workspace, assignment)?.sources;
    let mut refusals = refusal::of(workspace, assignment, &sources)?;
    refusals.extend(refusal::unread(workspace, assignment, &sources)?);
    match refusals.first() {
        None => Ok(Some(sources)),
        Some(refusal) => bail!("{}: {refusal}", assignment.name),
    }
}
