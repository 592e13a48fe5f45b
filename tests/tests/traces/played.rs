use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::NamedTempFile;

/// What the scenarios are played over.
pub(crate) const SELECTORS: [&str; 2] = ["mio", "polling"];
/// The versions of Python whose traces are recorded.
pub(crate) const VERSIONS: [&str; 3] = ["3.11", "3.12", "3.13"];

/// What a test wants to know of a scenario.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) rules: Vec<String>,
    pub(crate) defect: Option<Defect>,
}

/// Where asyncio is wrong, or where we differ on purpose.
pub(crate) struct Defect {
    pub(crate) id: String,
    /// In these versions of Python.
    pub(crate) wrong: Vec<String>,
    pub(crate) right: Value,
}

impl Scenario {
    /// Reads a file of `tests/scenarios/played`, by its name without an ending.
    pub(crate) fn read(file: &str) -> Result<Vec<Scenario>> {
        let json: Value = serde_json::from_str(&fs::read_to_string(path(file))?).context("JSON")?;
        let list = json.as_array().context("a list of scenarios")?;
        list.iter().map(|json| Scenario::new(json).with_context(|| json.to_string())).collect()
    }

    fn new(json: &Value) -> Result<Scenario> {
        let name = json["name"].as_str().context("a name")?.to_owned();
        let defect = match &json["defect"] {
            Value::Null => None,
            id => Some(Defect {
                id: id.as_str().context("a defect's number")?.to_owned(),
                wrong: texts(&json["wrong"]).context("versions")?,
                right: json["right"].clone(),
            }),
        };
        Ok(Scenario { name, rules: texts(&json["rules"]).context("rules")?, defect })
    }
}

fn texts(list: &Value) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

pub(crate) fn path(file: &str) -> PathBuf {
    folder().join("played").join(file).with_extension("json")
}

/// The names of all files of scenarios, without their endings.
pub(crate) fn files() -> Result<Vec<String>> {
    let entries = fs::read_dir(folder().join("played"))?;
    let name = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let names = entries.map(|entry| name(entry?.path()).context("a name in UTF-8"));
    names.collect()
}

/// What asyncio of a version has given, by the names of the scenarios.
pub(crate) fn recorded(version: &str) -> Result<Map<String, Value>> {
    let path = folder().join(format!("cpython-{version}.json"));
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_str(&text)?)
}

/// Our traces of the scenarios in a file.
pub(crate) fn trace(path: &Path, selector: &str) -> Result<Map<String, Value>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trace"));
    traces(command.arg(path).args(["--selector", selector]))
}

/// What a program that plays scenarios prints.
pub(crate) fn traces(command: &mut Command) -> Result<Map<String, Value>> {
    let output = command.output()?;
    let message = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}: {message}", output.status);
    ensure!(message.is_empty(), "{command:?} said {message:?}");
    serde_json::from_slice(&output.stdout).with_context(|| format!("{command:?}"))
}

/// A file with this text, for as long as it is kept.
pub(crate) fn write(text: &str) -> Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Runs `trace`, which says one line with `expected` in it and ends with code 2.
pub(crate) fn refused(arguments: &[&str], expected: &str) -> Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_trace")).args(arguments).output()?;
    let message = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(2) && message.contains(expected) && message.lines().count() == 1
    {
        return Ok(());
    }
    bail!("{arguments:?} ended with {}, {expected:?} is not in {message:?}", output.status)
}
