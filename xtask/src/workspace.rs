//! The cargo workspace that the command was started in: where its packages and their targets lie.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::source::Source;

/// The environment variable that moves the learners' folders elsewhere: what a script tries must not meet what a learner has written.
pub(crate) const LAB_DIR: &str = "LAB_DIR";

/// What cargo says about the workspace.
pub(crate) struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds; ignored by git, so free for our own intermediate files.
    pub(crate) target: PathBuf,
    /// The members, in cargo's order.
    pub(crate) packages: Vec<Package>,
    /// Where learners' folders are: `lab`, or what `LAB_DIR` says.
    pub(crate) lab: PathBuf,
    /// Files parsed so far: pages ask for many items of few files. Only `source` borrows it, and never while it parses.
    sources: RefCell<HashMap<PathBuf, Rc<Source>>>,
}

/// One member.
pub(crate) struct Package {
    /// The package's name as Rust writes it: `chapter_03` for `chapter-03`.
    pub(crate) crate_name: String,
    /// The folder of its `Cargo.toml`.
    pub(crate) dir: PathBuf,
    /// Library, programs, examples, tests.
    pub(crate) targets: Vec<Target>,
}

/// One crate that cargo builds from a package.
pub(crate) struct Target {
    /// `lib`, `bin`, `example`, `test` or `bench`.
    pub(crate) kind: String,
    /// Its name; underscores and hyphens as the author wrote them.
    pub(crate) name: String,
    /// Its root file.
    pub(crate) file: PathBuf,
}

impl Workspace {
    /// Asks cargo for the workspace around `dir`.
    ///
    /// # Errors
    /// If cargo cannot be run or finds no valid workspace there; the error carries cargo's own words.
    pub(crate) fn around(dir: &Path) -> Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(dir)
            .output()
            .context("cargo metadata cannot be run")?;
        if !output.status.success() {
            bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")?;
        let root = PathBuf::from(text(&metadata, "workspace_root"));
        let lab = match std::env::var_os(LAB_DIR) {
            Some(lab) => std::path::absolute(lab).context(LAB_DIR)?,
            None => root.join("lab"),
        };
        Ok(Self {
            root,
            lab,
            target: text(&metadata, "target_directory").into(),
            packages: list(&metadata, "packages").map(Package::from_metadata).collect(),
            sources: RefCell::default(),
        })
    }

    /// `path` as a reader names it: from the workspace root, with `/`.
    pub(crate) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string().replace('\\', "/")
    }

    /// The parsed `file`, as it was when it was first asked for.
    ///
    /// # Errors
    /// If it cannot be read or is no valid Rust.
    pub(crate) fn source(&self, file: &Path) -> Result<Rc<Source>> {
        if let Some(source) = self.sources.borrow().get(file) {
            return Ok(Rc::clone(source));
        }
        let source = Rc::new(Source::read(file)?);
        self.sources.borrow_mut().insert(file.to_path_buf(), Rc::clone(&source));
        Ok(source)
    }

    /// The way from a learner's folder to the workspace's root, as a manifest or a link has it.
    pub(crate) fn up_from_lab(&self) -> String {
        if self.lab == self.root.join("lab") {
            "../..".to_owned()
        } else {
            self.root.display().to_string()
        }
    }

    /// The book's folder.
    pub(crate) fn book(&self) -> PathBuf {
        self.root.join("book")
    }

    /// The folder of the insta snapshots that the book shows.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.root.join("tests/snapshots")
    }
}

impl Package {
    fn from_metadata(package: &Value) -> Self {
        let manifest = PathBuf::from(text(package, "manifest_path"));
        Self {
            crate_name: text(package, "name").replace('-', "_"),
            dir: manifest.parent().map(Path::to_path_buf).unwrap_or_default(),
            targets: list(package, "targets").map(Target::from_metadata).collect(),
        }
    }
}

impl Target {
    fn from_metadata(target: &Value) -> Self {
        Self {
            kind: list(target, "kind")
                .next()
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            name: text(target, "name").to_owned(),
            file: text(target, "src_path").into(),
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

/// All files under `dir`, sorted; folders named `target` and hidden ones are left out.
///
/// # Errors
/// If a folder cannot be read.
pub(crate) fn files_under(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("{} cannot be read", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if !entry.file_type()?.is_dir() {
                files.push(entry.path());
            } else if name != "target" && !name.as_encoded_bytes().starts_with(b".") {
                folders.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}
