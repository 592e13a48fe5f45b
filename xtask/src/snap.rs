//! Texts that other programs wrote: insta's snapshots and the tables of measurements.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::near;
use crate::workspace::Workspace;

/// The body of the snapshot `tests/snapshots/NAME.snap`, without its header and its last line break.
///
/// # Errors
/// If there is no such snapshot; the error names those whose names are near.
pub(crate) fn body(workspace: &Workspace, name: &str) -> Result<String> {
    body_in(&workspace.snapshots(), name)
}

/// The body of the snapshot `NAME.snap` in `folder`, likewise.
///
/// # Errors
/// If there is no such snapshot; the error names those whose names are near.
pub(crate) fn body_in(folder: &Path, name: &str) -> Result<String> {
    let text = read("snapshot", folder, name, "snap")?;
    without_header(&text)
        .with_context(|| format!("snapshot `{name}` has no header between two lines of `---`"))
}

/// The text of `book/measured/NAME.md`, which the benchmarks write.
///
/// # Errors
/// If there is no such file; the error names those whose names are near.
pub(crate) fn measured(workspace: &Workspace, name: &str) -> Result<String> {
    let text = read("measurement", &workspace.book().join("measured"), name, "md")?;
    Ok(text.trim_end_matches('\n').to_owned())
}

/// The text of the file NAME.EXTENSION in `folder`; an error calls it a `what`.
///
/// # Errors
/// If there is no such file; the error names those whose names are near.
pub(crate) fn read(what: &str, folder: &Path, name: &str, extension: &str) -> Result<String> {
    let names = names_in(folder, extension);
    if !names.iter().any(|known| known == name) {
        bail!("no {what} `{name}`{}", near::hint(name, names.iter().map(String::as_str)));
    }
    let file = folder.join(format!("{name}.{extension}"));
    std::fs::read_to_string(&file).with_context(|| format!("{what} `{name}` cannot be read"))
}

/// The names, without `.extension`, of the files in `folder`; none if there is no such folder.
pub(crate) fn names_in(folder: &Path, extension: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(extension)?.strip_suffix('.')?.to_owned()))
        .collect();
    names.sort();
    names
}

fn without_header(snapshot: &str) -> Option<String> {
    let (_, body) = snapshot.strip_prefix("---\n")?.split_once("\n---\n")?;
    Some(body.strip_suffix('\n').unwrap_or(body).to_owned())
}
