//! Which tests cite which rules: ids such as `SK-05` in the doc comments of `#[test]` functions.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::Result;
use regex::Regex;
use syn::spanned::Spanned;
use syn::{Item, ItemFn};

use crate::source::string_value;
use crate::workspace::{Package, Target, Workspace};

/// One rule cited by one test.
pub(crate) struct Citation {
    pub(crate) rule: String,
    /// The test's path, as `{{#item}}` takes it.
    pub(crate) test: String,
    /// From the workspace root.
    pub(crate) file: String,
    /// Of the doc comment, from 1.
    pub(crate) line: usize,
}

/// The citations of all members, in the order of the files.
///
/// An ignored test proves nothing and is left out, as is a test that a macro writes: its text is not there to be read.
///
/// # Errors
/// If a source file cannot be read or parsed.
pub(crate) fn of(workspace: &Workspace) -> Result<Vec<Citation>> {
    let mut reader = Reader { workspace, seen: HashSet::new(), citations: Vec::new() };
    for package in &workspace.packages {
        for target in &package.targets {
            let folder = target.file.parent().map(Path::to_path_buf).unwrap_or_default();
            reader.read(&target.file, folder, &crate_path(package, target))?;
        }
    }
    Ok(reader.citations)
}

/// What stands before the names of a target's items: the crate alone for a library, else which of its targets it is.
fn crate_path(package: &Package, target: &Target) -> String {
    let name = target.name.replace('-', "_");
    let crate_name = &package.crate_name;
    match target.kind.as_str() {
        "bin" if target.file.ends_with("src/main.rs") => format!("{crate_name}::main"),
        "bin" => format!("{crate_name}::bin::{name}"),
        "example" => format!("{crate_name}::examples::{name}"),
        "test" => format!("{crate_name}::tests::{name}"),
        "bench" => format!("{crate_name}::benches::{name}"),
        _ => crate_name.clone(),
    }
}

struct Reader<'w> {
    workspace: &'w Workspace,
    /// A module shared by several test crates counts once.
    seen: HashSet<PathBuf>,
    citations: Vec<Citation>,
}

impl Reader<'_> {
    /// Reads `file` and the modules that it declares, which lie in `folder`.
    fn read(&mut self, file: &Path, folder: PathBuf, path: &str) -> Result<()> {
        if !self.seen.insert(file.to_path_buf()) {
            return Ok(());
        }
        let source = self.workspace.source(file)?;
        self.items(&source.syntax.items, &self.workspace.relative(file), path);
        for module in source.file_modules().collect::<Vec<_>>() {
            if let Some(inner) = source.module_file(&folder, &module) {
                self.read(&inner, folder.join(&module), &format!("{path}::{module}"))?;
            }
        }
        Ok(())
    }

    fn items(&mut self, items: &[Item], file: &str, path: &str) {
        for item in items {
            match item {
                Item::Fn(function) if is_counted(function) => self.test(function, file, path),
                Item::Mod(module) => {
                    if let Some((_, items)) = &module.content {
                        self.items(items, file, &format!("{path}::{}", module.ident));
                    }
                }
                _ => {}
            }
        }
    }

    fn test(&mut self, function: &ItemFn, file: &str, path: &str) {
        static RULE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"\b[A-Z]{2}-[0-9]{2}\b").expect("the pattern is constant and was tried")
        });
        let test = format!("{path}::{}", function.sig.ident);
        let mut cited = HashSet::new();
        for attribute in &function.attrs {
            let Some(text) = string_value(attribute, "doc") else { continue };
            for rule in RULE.find_iter(&text).filter(|rule| cited.insert(rule.as_str().to_owned()))
            {
                self.citations.push(Citation {
                    rule: rule.as_str().to_owned(),
                    test: test.clone(),
                    file: file.to_owned(),
                    line: attribute.span().start().line,
                });
            }
        }
    }
}

fn is_counted(function: &ItemFn) -> bool {
    let has = |name: &str| {
        function.attrs.iter().any(|attribute| {
            attribute.path().segments.last().is_some_and(|last| last.ident == name)
        })
    };
    has("test") && !has("ignore")
}
