//! Builds the book with mdbook's own library, so that nobody has to install mdbook.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use mdbook_driver::MDBook;
use mdbook_driver::book::Book;
use mdbook_driver::config::Config;
use mdbook_preprocessor::{PreprocessorContext, parse_input};

use crate::finding::{Finding, fail_on};
use crate::include::{Preprocessor, expand};
use crate::workspace::Workspace;
use crate::{output, pages, warnings};

/// Builds the book into `dest`, which is emptied first.
///
/// # Errors
/// If anything at all is wrong with the book: one line for each fault, with its place.
pub(crate) fn build(workspace: &Workspace, dest: &Path) -> Result<()> {
    refuse_foreign(dest)?;
    let (pages, findings) = pages::read(workspace)?;
    fail_on(findings)?;
    let (rendered, warnings) = warnings::collect(|| render(workspace, dest));
    rendered?;
    fail_on(warnings.into_iter().map(|warning| Finding::about("mdbook", warning)).collect())?;
    fail_on(output::findings(dest, &pages)?)
}

/// mdbook empties its destination: that must not be a folder with anything else in it.
fn refuse_foreign(dest: &Path) -> Result<()> {
    let is_empty = std::fs::read_dir(dest).map_or(true, |mut entries| entries.next().is_none());
    // mdbook marks each book that it builds with this file.
    if !is_empty && !dest.join(".nojekyll").exists() {
        bail!("{} holds something that is no book; choose another --dest", dest.display());
    }
    Ok(())
}

fn render(workspace: &Workspace, dest: &Path) -> Result<()> {
    let root = workspace.book();
    let mut config =
        Config::from_disk(root.join("book.toml")).context("book/book.toml cannot be read")?;
    config.build.build_dir = std::path::absolute(dest)?;
    config.build.create_missing = false;
    let mut book = MDBook::load_with_config(root, config)?;
    // These take the places of the commands that book.toml declares under the same names for a stock mdbook.
    book.with_preprocessor(Preprocessor::Snap).with_preprocessor(Preprocessor::Item);
    book.build()
}

impl mdbook_preprocessor::Preprocessor for Preprocessor {
    fn name(&self) -> &str {
        (*self).name()
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let workspace = Workspace::around(&context.root)?;
        let mut findings = Vec::new();
        book.for_each_chapter_mut(|chapter| {
            let Some(path) = &chapter.source_path else { return };
            let file = workspace.relative(&context.root.join(&context.config.book.src).join(path));
            match expand(&workspace, &file, &chapter.content, *self) {
                Ok(content) => chapter.content = content,
                Err(mut faults) => findings.append(&mut faults),
            }
        });
        fail_on(findings)?;
        Ok(book)
    }
}

/// Speaks mdbook's protocol: a context and a book in JSON come in, the book with its includes replaced goes out.
///
/// # Errors
/// If the input is no such JSON, or if an include names nothing.
pub(crate) fn preprocess(
    preprocessor: Preprocessor,
    input: impl Read,
    output: &mut impl Write,
) -> Result<()> {
    let (context, book) = parse_input(input)?;
    let book = mdbook_preprocessor::Preprocessor::run(&preprocessor, &context, book)?;
    serde_json::to_writer(output, &book)?;
    Ok(())
}
