//! The `Cargo.toml` of a copy of a chapter that stands alone: what the workspace lends its members is written out.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use super::manifest::Assignment;
use crate::workspace::Workspace;

/// What a copy is for, beside what the chapter's own manifest says.
pub(crate) struct Copy<'c> {
    /// Where the package at this path, from the workspace's root, is for the copy: `chapters/01-blocking`.
    pub(crate) package: &'c dyn Fn(&str) -> String,
    /// Whether bodies are missing, so that what they would use is not used.
    pub(crate) unfinished: bool,
    pub(crate) purpose: Purpose,
}

/// Who a copy is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The learner: a workspace of its own, with the chapter's program and the graded tests.
    Learner,
    /// The grader: the same without the program. The version says so: without that, cargo would take it for the learner's copy, whose
    /// target folder it shares, and might run the one's tests for the other's.
    Lane,
    /// Another copy, which stands on it.
    Dependency,
}

/// The text of the manifest of a copy of `assignment`'s chapter.
///
/// # Errors
/// If the chapter's manifest cannot be read.
pub(crate) fn of_chapter(
    workspace: &Workspace,
    assignment: &Assignment,
    copy: &Copy<'_>,
) -> Result<String> {
    of_package(workspace, &assignment.package(workspace)?.dir, copy)
}

/// The text of the manifest of a copy of the package in `dir`.
///
/// # Errors
/// If its manifest cannot be read.
pub(crate) fn of_package(workspace: &Workspace, dir: &Path, copy: &Copy<'_>) -> Result<String> {
    let root = read(&workspace.root)?;
    let own = read(dir)?;
    let lent = &root["workspace"];
    let is_graded = copy.purpose != Purpose::Dependency;
    let mut manifest = Table::new();
    let mut package = Table::new();
    for (key, value) in table(&own, "package") {
        let value = if is_lent(value) { lent["package"][key].clone() } else { value.clone() };
        package.insert(key.clone(), value);
    }
    if copy.purpose == Purpose::Lane {
        let version = package.get("version").and_then(Value::as_str).unwrap_or("0.0.0");
        package.insert("version".to_owned(), format!("{version}+lane").into());
    }
    for key in ["autoexamples", "autotests", "autobenches"] {
        package.insert(key.to_owned(), false.into());
    }
    package.insert("autobins".to_owned(), (copy.purpose == Purpose::Learner).into());
    manifest.insert("package".to_owned(), package.into());
    for section in ["dependencies", "dev-dependencies"] {
        let mut dependencies = Table::new();
        for (name, value) in table(&own, section) {
            dependencies.insert(name.clone(), dependency(lent, name, value, copy)?);
        }
        if section == "dev-dependencies" && is_graded {
            let grading = Table::from_iter([(
                "path".to_owned(),
                (copy.package)("assignments/grading").into(),
            )]);
            dependencies.insert("grading".to_owned(), grading.into());
        }
        manifest.insert(section.to_owned(), dependencies.into());
    }
    manifest.insert("lints".to_owned(), lints(copy.unfinished).into());
    if is_graded {
        let test = [
            ("name", "graded".into()),
            ("path", "graded/main.rs".into()),
            ("harness", false.into()),
        ];
        let test =
            Table::from_iter(test.map(|(key, value): (&str, Value)| (key.to_owned(), value)));
        manifest.insert("test".to_owned(), vec![Value::from(test)].into());
        manifest.insert("workspace".to_owned(), Table::new().into());
        // Nobody debugs a lane, and debug information is half of a build.
        let dev = Table::from_iter([("debug".to_owned(), false.into())]);
        manifest.insert(
            "profile".to_owned(),
            Table::from_iter([("dev".to_owned(), dev.into())]).into(),
        );
    }
    Ok(toml::to_string(&manifest)?)
}

/// The `Cargo.toml` in `dir`.
///
/// # Errors
/// If it cannot be read, or is no valid TOML.
pub(crate) fn read(dir: &Path) -> Result<Table> {
    let file = dir.join("Cargo.toml");
    let text =
        fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    text.parse().with_context(|| format!("{}", file.display()))
}

/// What is in the table `key`; nothing if there is none.
pub(crate) fn table<'t>(
    manifest: &'t Table,
    key: &str,
) -> impl Iterator<Item = (&'t String, &'t Value)> {
    manifest.get(key).and_then(Value::as_table).into_iter().flatten()
}

fn is_lent(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// A dependency with the version or path that the workspace lends, and the features of both.
fn dependency(lent: &Value, name: &str, value: &Value, copy: &Copy<'_>) -> Result<Value> {
    let as_table = |value: &Value| match value {
        Value::String(version) => {
            Table::from_iter([("version".to_owned(), version.clone().into())])
        }
        other => other.as_table().cloned().unwrap_or_default(),
    };
    if !is_lent(value) {
        bail!("dependency `{name}` is not the workspace's, as all others are");
    }
    let mut whole = as_table(&lent["dependencies"][name]);
    let own = as_table(value);
    if let Some(features) = own.get("features").and_then(Value::as_array) {
        let all = whole.entry("features").or_insert_with(|| Vec::<Value>::new().into());
        all.as_array_mut().context("features are a list")?.extend(features.iter().cloned());
    }
    if let Some(path) = whole.get("path").and_then(Value::as_str) {
        let place = (copy.package)(path);
        whole.insert("path".to_owned(), place.into());
    }
    Ok(whole.into())
}

/// The compiler is as strict as it is with the chapters, but for what is bound to be unused where bodies are missing.
fn lints(unfinished: bool) -> Table {
    let mut rust = Table::from_iter([("unsafe_code".to_owned(), Value::from("deny"))]);
    if unfinished {
        for lint in
            ["dead_code", "unreachable_code", "unused_imports", "unused_mut", "unused_variables"]
        {
            rust.insert(lint.to_owned(), "allow".into());
        }
    }
    // The chapters' own unusual flags.
    let check = vec![Value::from("cfg(mio_unsupported_force_poll_poll)")];
    let cfgs = [("level", Value::from("warn")), ("check-cfg", check.into())];
    let cfgs = Table::from_iter(cfgs.map(|(key, value)| (key.to_owned(), value)));
    rust.insert("unexpected_cfgs".to_owned(), cfgs.into());
    Table::from_iter([("rust".to_owned(), rust.into())])
}
