//! The starter: a chapter with the bodies of some items left to the learner.

use std::collections::BTreeSet;
use std::ops::Range;

use anyhow::{Context, Result, bail};
use syn::spanned::Spanned;
use syn::{Block, ImplItem, Item, TraitItem};

use super::files::Files;
use super::manifest::{Assignment, Task};
use super::splice::{Splice, spliced};
use crate::item::find;
use crate::names::Piece;
use crate::source::locate;
use crate::workspace::Workspace;

/// The sources of the chapter as the book has them.
///
/// # Errors
/// If they cannot be read.
pub(crate) fn reference(workspace: &Workspace, assignment: &Assignment) -> Result<Files> {
    Files::sources(&assignment.package(workspace)?.dir)
}

/// The chapter with the tasks at the places `open` left to be written.
///
/// # Errors
/// If an item is not there or has no body; the error names it, and what is near.
pub(crate) fn starter(
    workspace: &Workspace,
    assignment: &Assignment,
    open: impl IntoIterator<Item = usize>,
) -> Result<Files> {
    let mut files = reference(workspace, assignment)?;
    let mut splices: Vec<(String, Splice)> = Vec::new();
    for task in open.into_iter().map(|place| &assignment.manifest.tasks[place]) {
        for body in bodies(workspace, assignment, task)? {
            let text = unwritten(task, &files, &body);
            splices.push((body.path, Splice { range: body.range, text }));
        }
    }
    let paths: BTreeSet<String> = splices.iter().map(|(path, _)| path.clone()).collect();
    for path in paths {
        let of_path = splices.extract_if(.., |(other, _)| *other == path).map(|(_, splice)| splice);
        let text = spliced(files.get(&path).unwrap_or_default(), of_path.collect());
        files.set(path, text);
    }
    Ok(files)
}

/// The files that the learner writes in, as paths from the package's folder.
///
/// # Errors
/// As [`starter`].
pub(crate) fn own_files(
    workspace: &Workspace,
    assignment: &Assignment,
) -> Result<BTreeSet<String>> {
    let mut paths = BTreeSet::new();
    for task in &assignment.manifest.tasks {
        paths.extend(bodies(workspace, assignment, task)?.into_iter().map(|body| body.path));
    }
    Ok(paths)
}

/// What the learner is to write: the item's name, and the text of each body between its braces.
///
/// # Errors
/// As [`starter`].
pub(crate) fn solutions(
    workspace: &Workspace,
    assignment: &Assignment,
) -> Result<Vec<(String, String)>> {
    let files = reference(workspace, assignment)?;
    let mut solutions = Vec::new();
    for task in &assignment.manifest.tasks {
        for body in bodies(workspace, assignment, task)? {
            let text = files.get(&body.path).unwrap_or_default();
            let inner = text[body.range.start + 1..body.range.end - 1].trim().to_owned();
            solutions.push((format!("{}, task {}", body.path, task.id), inner));
        }
    }
    Ok(solutions)
}

/// The block of a function.
struct Body {
    /// Its file, from the package's folder.
    path: String,
    /// With its braces.
    range: Range<usize>,
}

fn bodies(workspace: &Workspace, assignment: &Assignment, task: &Task) -> Result<Vec<Body>> {
    let dir = &assignment.package(workspace)?.dir;
    let mut bodies = Vec::new();
    for item in &task.items {
        let context = || format!("task {}: `{item}`", task.id);
        let (source, name) = locate(workspace, item).with_context(context)?;
        let Ok(path) = source.file.strip_prefix(dir) else {
            bail!("{}: is not in {}", context(), assignment.manifest.chapter);
        };
        let piece = find(&source, &workspace.relative(&source.file), name).with_context(context)?;
        let blocks = blocks(piece);
        if blocks.is_empty() {
            bail!("{}: has no body that could be left to a learner", context());
        }
        let path = path.display().to_string().replace('\\', "/");
        bodies.extend(
            blocks
                .iter()
                .map(|block| Body { path: path.clone(), range: block.span().byte_range() }),
        );
    }
    Ok(bodies)
}

fn blocks(piece: Piece<'_>) -> Vec<&Block> {
    match piece {
        Piece::Item(Item::Fn(function)) => vec![&function.block],
        Piece::Item(Item::Impl(block)) => {
            block.items.iter().flat_map(|item| blocks(Piece::InImpl(item))).collect()
        }
        Piece::InImpl(ImplItem::Fn(method)) => vec![&method.block],
        Piece::InTrait(TraitItem::Fn(method)) => method.default.iter().collect(),
        _ => Vec::new(),
    }
}

/// What stands where the body was.
fn unwritten(task: &Task, files: &Files, body: &Body) -> String {
    let text = files.get(&body.path).unwrap_or_default();
    let line = text[..body.range.end].rfind('\n').map_or(0, |end| end + 1);
    let indent = &text[line..text.len() - text[line..].trim_start().len()];
    // A body of one line stands in the line of its signature, whose indent is the same.
    format!("{{\n{indent}    todo!(\"{} {}\")\n{indent}}}", task.id, task.title)
}
