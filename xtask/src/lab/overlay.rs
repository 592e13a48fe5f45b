//! A submission of ours, wrong or right: items that take the places of the chapter's.
//!
//! ```text
//! //! mistake: the sentence that says what was misunderstood
//! //! rejected by: 1.1 the_check_that_is_meant_for_it
//!
//! mod line_buffer {                 // a module of the chapter
//!     use std::mem;                 // added to the module
//!     impl LineBuffer {
//!         fn push(…) {…}            // takes the place of LineBuffer::push
//!     }
//!     #[added]
//!     fn helper() {…}               // added to the module
//!     mod inner { … }               // a module inside of it, which has a file of its own
//! }
//! ```

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, Item, ItemMod};

use super::files::Files;
use super::manifest::Assignment;
use super::splice::{Splice, spliced};
use crate::item::find;
use crate::names::{Piece, entries};
use crate::source::{Source, locate};
use crate::workspace::Workspace;

/// One file of `wrong` or `right`.
#[derive(Debug)]
pub(crate) struct Overlay {
    /// The file's name, without `.rs`.
    pub(crate) name: String,
    file: PathBuf,
    text: String,
}

/// All files in the folder `wrong` or `right` of an assignment, sorted by name.
///
/// # Errors
/// If one cannot be read.
pub(crate) fn all(assignment: &Assignment, folder: &str) -> Result<Vec<Overlay>> {
    let dir = assignment.dir.join(folder);
    let mut overlays = Vec::new();
    for name in crate::snap::names_in(&dir, "rs") {
        let file = dir.join(format!("{name}.rs"));
        let text = fs::read_to_string(&file)?;
        overlays.push(Overlay { name, file, text });
    }
    Ok(overlays)
}

impl Overlay {
    /// What the header says under `key`, in one line.
    ///
    /// # Errors
    /// If it says nothing.
    pub(crate) fn header(&self, key: &str) -> Result<String> {
        let mut lines = self.text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
        let first = lines
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
            .with_context(|| format!("{} has no line `//! {key}: …`", self.file.display()))?;
        // The sentence goes on up to the next key.
        let is_key = |line: &&str| {
            !["mistake:", "rejected by:", "differs:"].iter().any(|key| line.starts_with(key))
        };
        let words: Vec<&str> =
            std::iter::once(first.trim()).chain(lines.take_while(is_key)).collect();
        Ok(words.join(" ").trim().to_owned())
    }

    /// The task, and the name of its check, that is meant for a wrong submission.
    ///
    /// # Errors
    /// If the header does not say it.
    pub(crate) fn meant(&self) -> Result<(String, String)> {
        let header = self.header("rejected by")?;
        let (task, name) = header.split_once(' ').with_context(|| {
            format!("`rejected by: {header}`: write the task and the check, `1.1 the_name`")
        })?;
        Ok((task.to_owned(), name.to_owned()))
    }

    /// `files`, the chapter's, with the items of this overlay in their places.
    ///
    /// # Errors
    /// If an item is not in the chapter; the error names it, and what is near.
    pub(crate) fn lay(
        &self,
        workspace: &Workspace,
        assignment: &Assignment,
        files: &Files,
    ) -> Result<Files> {
        let shown = workspace.relative(&self.file);
        let own = Source::read(&self.file)?;
        let mut laid = files.clone();
        for item in &own.syntax.items {
            let Item::Mod(module) = item else {
                bail!(
                    "{shown}: everything stands in a module of the chapter, `mod line_buffer {{ … }}`"
                );
            };
            for (path, module) in modules(module) {
                let chapter = assignment.manifest.chapter.replace('-', "_");
                let place = format!("{chapter}::{path}");
                let (source, rest) = locate(workspace, &place).context(shown.clone())?;
                ensure!(rest.is_empty(), "{shown}: {chapter} has no module `{path}`");
                let dir = &assignment.package(workspace)?.dir;
                let file = source.file.strip_prefix(dir).unwrap_or(&source.file);
                let file = file.display().to_string();
                let text = files
                    .get(&file)
                    .with_context(|| format!("{file} is no file of the chapter"))?;
                // The files may be other ones than the workspace's: a starter, say.
                let target = Source {
                    file: Path::new(&file).to_path_buf(),
                    text: text.to_owned(),
                    syntax: syn::parse_file(text)?,
                };
                let text = replaced(&own, &path, module, &target).with_context(|| shown.clone())?;
                laid.set(file, text);
            }
        }
        Ok(laid)
    }
}

/// `module` and those inside of it, with their paths: each is a module of the chapter with a file of its own. One that holds
/// nothing but others is only their frame.
fn modules(module: &ItemMod) -> Vec<(String, &ItemMod)> {
    let items = module.content.iter().flat_map(|(_, items)| items);
    let mut inner = Vec::new();
    for item in items.clone() {
        if let Item::Mod(nested) = item {
            inner.extend(
                modules(nested)
                    .into_iter()
                    .map(|(path, nested)| (format!("{}::{path}", module.ident), nested)),
            );
        }
    }
    let is_frame = !inner.is_empty() && items.clone().all(|item| matches!(item, Item::Mod(_)));
    if !is_frame {
        inner.push((module.ident.to_string(), module));
    }
    inner
}

/// The text of `target` with the items of `module`, which is written in `own` and called `path`, in their places.
fn replaced(own: &Source, path: &str, module: &ItemMod, target: &Source) -> Result<String> {
    let Some((_, items)) = &module.content else {
        bail!("`mod {path};` has no content");
    };
    let (mut splices, mut uses, mut added) = (Vec::new(), String::new(), String::new());
    for item in items {
        match item {
            Item::Use(line) => uses.push_str(&format!("{}\n", &own.text[line.span().byte_range()])),
            _ if is_added(attributes(item)) => {
                added.push_str(&format!(
                    "\n{}\n",
                    &own.text
                        [without_attributes(&own.text, item.span().byte_range(), attributes(item))]
                ));
            }
            _ => {}
        }
    }
    for entry in entries(&own.syntax, &own.text) {
        let exact = entry.spellings.last().map(String::as_str).unwrap_or_default();
        let Some(name) = exact.strip_prefix(&format!("{path}::")) else { continue };
        let Some(range) = replacement(entry.piece) else { continue };
        // What stands in a module of its own has a file of its own.
        if items.iter().any(|item| {
            (is_added(attributes(item)) || matches!(item, Item::Mod(_)))
                && item.span().byte_range().contains(&range.start)
        }) {
            continue;
        }
        let piece = find(target, &target.file.display().to_string(), name)?;
        let place = without_attributes(&target.text, piece.range(), piece_attributes(piece));
        splices.push(Splice { range: place, text: own.text[range].to_owned() });
    }
    ensure!(!(splices.is_empty() && added.is_empty()), "`mod {path}` replaces nothing");
    let first = target.syntax.items.first().map_or(0, |item| item.span().byte_range().start);
    splices.push(Splice { range: first..first, text: uses });
    let end = target.text.len();
    splices.push(Splice { range: end..end, text: added });
    Ok(spliced(&target.text, splices))
}

/// What takes an item's place: nothing for what is only the frame of other items.
fn replacement(piece: Piece<'_>) -> Option<Range<usize>> {
    match piece {
        Piece::Item(Item::Impl(_) | Item::Trait(_) | Item::Mod(_) | Item::Use(_)) => None,
        _ => Some(piece.range()),
    }
}

fn is_added(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("added"))
}

/// `range`, an item's, from behind its attributes and doc comments: those of the chapter stay.
fn without_attributes(text: &str, range: Range<usize>, attributes: &[Attribute]) -> Range<usize> {
    let end = attributes.iter().map(|attribute| attribute.span().byte_range().end).max();
    let start = end.unwrap_or(range.start).max(range.start);
    let blanks = text[start..].len() - text[start..].trim_start().len();
    start + blanks..range.end
}

fn piece_attributes(piece: Piece<'_>) -> &[Attribute] {
    match piece {
        Piece::Item(item) => attributes(item),
        Piece::InImpl(ImplItem::Fn(method)) => &method.attrs,
        Piece::InImpl(ImplItem::Const(item)) => &item.attrs,
        Piece::InImpl(ImplItem::Type(item)) => &item.attrs,
        Piece::InTrait(syn::TraitItem::Fn(method)) => &method.attrs,
        _ => &[],
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_inside_of_a_module_has_its_path_and_a_mere_frame_is_left_out() {
        let text = "mod a { mod b { mod c { fn f() {} } } mod d { fn g() {} } fn h() {} }";
        let file = syn::parse_file(text).unwrap();
        let Item::Mod(module) = &file.items[0] else { panic!("it begins with `mod`") };
        let paths: Vec<String> = modules(module).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a::b::c", "a::d", "a"]);
    }
}
