//! The packages of a student's repository: their manifests, and the grader without its authors' half.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use syn::spanned::Spanned;
use syn::{Attribute, Item, Meta};
use toml::{Table, Value};

use super::cargo_toml::{read, table};
use super::files::Files;
use super::splice::{Splice, spliced};

/// The feature of xtask that a student's repository is without.
const AUTHOR: &str = "author";

/// What xtask, folder and package, is called there: grading is all that is left of it.
pub(crate) const GRADER: &str = "grader";
const ABOUT: &str = "The grader: `cargo x lab`";

/// The sources of xtask in `dir` without the modules of [`AUTHOR`].
///
/// # Errors
/// If one cannot be read, or is no valid Rust.
pub(crate) fn grader(dir: &Path) -> Result<Files> {
    let all = Files::sources(dir)?;
    let (mut kept, mut left_out) = (Files::default(), Vec::new());
    for (path, text) in all.iter().filter(|(path, _)| path.ends_with(".rs")) {
        // The modules of `lab.rs` are in `lab/`, those of `main.rs` beside it.
        let folder = match path.strip_suffix("main.rs") {
            Some(folder) => folder.to_owned(),
            None => format!("{}/", path.trim_end_matches(".rs")),
        };
        let mut splices = Vec::new();
        for item in syn::parse_file(text)?.items {
            if let Item::Mod(module) = &item
                && module.attrs.iter().any(is_of_authors)
            {
                left_out.push(format!("{folder}{}", module.ident));
                splices.push(Splice { range: item.span().byte_range(), text: String::new() });
            }
        }
        kept.set(path, spliced(text, splices));
    }
    for path in left_out {
        kept.remove(&format!("{path}.rs"));
        kept.remove_below(&format!("{path}/"));
    }
    Ok(kept)
}

/// Whether it says `#[cfg(feature = "author")]`.
fn is_of_authors(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("cfg") && list.tokens.to_string() == format!("feature = \"{AUTHOR}\"")
}

/// The manifests of the workspace in `root` and of its `packages`, as if there were no other ones.
///
/// # Errors
/// If one cannot be read.
pub(crate) fn manifests(root: &Path, packages: &BTreeSet<String>) -> Result<Files> {
    let mut files = Files::default();
    let mut lent = BTreeSet::new();
    let whole = read(root)?;
    let paths = copied(whole["workspace"].get("dependencies"));
    let is_here = |name: &str| match paths.get(name).and_then(|value| value.get("path")) {
        Some(path) => path.as_str().is_some_and(|path| packages.contains(path)),
        None => true,
    };
    for package in packages {
        let is_grader = package == GRADER;
        let mut manifest = read(&root.join(if is_grader { "xtask" } else { package }))?;
        for section in ["example", "test", "bench"] {
            manifest.remove(section);
        }
        let alone = toml::from_str("autoexamples = false\nautotests = false\nautobenches = false")?;
        merge(&mut manifest, "package", alone);
        if is_grader {
            let about = toml::from_str(&format!("name = \"{GRADER}\"\ndescription = \"{ABOUT}\""))?;
            merge(&mut manifest, "package", about);
            // What is left of the grader without its authors' half is not all used.
            manifest.insert("lints".to_owned(), toml::from_str("rust.dead_code = \"allow\"")?);
            let features = Table::from_iter([(AUTHOR.to_owned(), Value::Array(Vec::new()))]);
            manifest.insert("features".to_owned(), features.into());
        }
        for section in ["dependencies", "dev-dependencies"] {
            if let Some(dependencies) = manifest.get_mut(section).and_then(Value::as_table_mut) {
                let is_optional = |value: &Value| value.get("optional").is_some();
                dependencies.retain(|name, value| is_here(name) && !is_optional(value));
            }
            lent.extend(table(&manifest, section).map(|(name, _)| name.clone()));
        }
        files.set(format!("{package}/Cargo.toml"), toml::to_string(&manifest)?);
    }
    files.set("Cargo.toml", toml::to_string(&workspace(&whole, packages, &lent))?);
    Ok(files)
}

/// The root manifest with the members `packages`, which lends what is in `lent`.
fn workspace(whole: &Table, packages: &BTreeSet<String>, lent: &BTreeSet<String>) -> Table {
    let mut workspace = copied(whole.get("workspace"));
    workspace.remove("default-members");
    workspace.insert("members".to_owned(), packages.iter().cloned().collect::<Vec<_>>().into());
    let mut dependencies = copied(workspace.get("dependencies"));
    dependencies.retain(|name, _| lent.contains(name));
    workspace.insert("dependencies".to_owned(), dependencies.into());
    // A learner's folder is a workspace of its own.
    workspace.insert("exclude".to_owned(), vec![Value::from("lab")].into());
    let mut root = Table::from_iter([("workspace".to_owned(), workspace.into())]);
    if let Some(dev) = whole.get("profile").and_then(|profile| profile.get("dev")) {
        let dev = Table::from_iter([("dev".to_owned(), dev.clone())]);
        root.insert("profile".to_owned(), dev.into());
    }
    root
}

/// Adds what is in `more` to the table `key`.
fn merge(manifest: &mut Table, key: &str, more: Table) {
    let mut whole = copied(manifest.get(key));
    whole.extend(more);
    manifest.insert(key.to_owned(), whole.into());
}

/// A copy of the table `value`; an empty one if it is none.
fn copied(value: Option<&Value>) -> Table {
    value.and_then(Value::as_table).cloned().unwrap_or_default()
}
