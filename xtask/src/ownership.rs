//! Every snapshot that the book may show belongs to a test that compares it: one that no test reads can be wrong for ever.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::finding::{Finding, fail_on};
use crate::snap::names_in;
use crate::workspace::Workspace;

/// The variable that names the file in which insta lists the snapshots that tests compare.
const REFERENCES: &str = "INSTA_SNAPSHOT_REFERENCES_FILE";

/// Checks each file of `tests/snapshots` against the list in the file `references`, or against the list that the tests of
/// the package `conformance` give when they are run now.
///
/// # Errors
/// If the tests fail, or if a snapshot is not in the list.
pub(crate) fn check(workspace: &Workspace, references: Option<&Path>) -> Result<()> {
    match references {
        Some(list) => check_against(workspace, list),
        None => {
            let folder = tempfile::tempdir()?;
            let list = folder.path().join("references");
            run_tests(workspace, &list)?;
            check_against(workspace, &list)
        }
    }
}

fn run_tests(workspace: &Workspace, list: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["test", "--quiet", "--package", "conformance"])
        .env(REFERENCES, list)
        .current_dir(&workspace.root)
        .status()
        .context("cargo test cannot be run")?;
    if !status.success() {
        bail!("the tests of `conformance` fail, so that nobody can say which snapshots they own");
    }
    Ok(())
}

fn check_against(workspace: &Workspace, list: &Path) -> Result<()> {
    let text = std::fs::read_to_string(list).with_context(|| {
        format!("{} cannot be read; set {REFERENCES} while the tests run", list.display())
    })?;
    // insta writes the paths as the tests spell them, with `..` in the middle.
    let owned: HashSet<PathBuf> =
        text.lines().filter_map(|line| workspace.root.join(line).canonicalize().ok()).collect();
    let folder = workspace.snapshots();
    let mut findings = Vec::new();
    for name in names_in(&folder, "snap") {
        let file = folder.join(format!("{name}.snap"));
        if !owned.contains(&file.canonicalize()?) {
            findings
                .push(Finding::about(workspace.relative(&file), "no test compares this snapshot"));
        }
    }
    fail_on(findings)
}
