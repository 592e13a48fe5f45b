//! A folder of submissions, and where in each of them its sources are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::cargo_toml;
use super::manifest::Assignment;
use crate::say;

/// The longest manifest that is read: several times what the longest chapter has.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024;

/// The folders in `dir`, sorted by name; hidden ones are left out. Says what else is there: it may have been meant as a submission.
///
/// # Errors
/// If there is none.
pub(crate) fn submissions(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| format!("{} cannot be read", dir.display()))?;
    let (mut dirs, mut others): (Vec<PathBuf>, Vec<PathBuf>) = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| !name(path).starts_with('.'))
        .partition(|path| path.is_dir());
    ensure!(!dirs.is_empty(), "{} has no folder in it: each submission has one", dir.display());
    others.sort();
    for other in others {
        say::note(&format!("{}: no folder, left out\n", name(&other).escape_debug()));
    }
    dirs.sort();
    Ok(dirs)
}

/// The name of the submission in `dir`.
pub(crate) fn name(dir: &Path) -> String {
    dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The place of the assignment that `dir` hands in, and the folder with its sources: that of a student's repository, `lab/NN-name`, or
/// `dir` itself, as a learner's folder. Where the assignment is not `named` by its place, the repository has but one, or the learner's
/// folder says which chapter it is.
///
/// # Errors
/// If nothing, or more than one thing, is handed in, or something outside of `dir`.
pub(crate) fn find(
    assignments: &[Assignment],
    named: Option<usize>,
    dir: &Path,
) -> Result<(usize, PathBuf)> {
    let in_repository = |place: usize| dir.join("lab").join(&assignments[place].name);
    let wanted: Vec<usize> = match named {
        Some(place) => vec![place],
        None => (0..assignments.len()).collect(),
    };
    let handed: Vec<usize> =
        wanted.iter().copied().filter(|&place| in_repository(place).join("src").is_dir()).collect();
    let (place, sources) = match handed[..] {
        [place] => (place, in_repository(place)),
        [one, other, ..] => bail!(
            "it has {} and {}: say which by --assignment",
            assignments[one].name,
            assignments[other].name
        ),
        [] => {
            let chapter = chapter(dir);
            let is_of = |place: &usize| {
                named.is_some() || chapter.as_ref() == Some(&assignments[*place].manifest.chapter)
            };
            let place = wanted.into_iter().find(is_of).filter(|_| dir.join("src").is_dir());
            let place = place
                .context("there is neither lab/NN-name/src nor a chapter's Cargo.toml and src")?;
            (place, dir.to_path_buf())
        }
    };
    let inside = sources.join("src").canonicalize()?;
    ensure!(inside.starts_with(dir.canonicalize()?), "its src leads out of it");
    Ok((place, sources))
}

/// The package that a learner's folder says it is.
fn chapter(dir: &Path) -> Option<String> {
    // Whatever else it may be, a pipe or a link to a device, might have no end.
    let about = fs::symlink_metadata(dir.join("Cargo.toml")).ok()?;
    let manifest = (about.is_file() && about.len() <= MANIFEST_BYTES_MAX)
        .then(|| cargo_toml::read(dir).ok())??;
    Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())
}
