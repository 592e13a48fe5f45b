use crate::played;
use anyhow::{Result, ensure};
use serde_json::{Map, Value};
use std::path::Path;
use std::process::Command;

/// The python3 of this machine.
pub(crate) struct Python {
    /// As in "3.11".
    pub(crate) version: String,
}

impl Python {
    /// `None`, with a message, where there is none.
    pub(crate) fn find() -> Result<Option<Python>> {
        let version = "import sys; print('{}.{}'.format(*sys.version_info))";
        let Ok(output) = Command::new("python3").args(["-c", version]).output() else {
            println!("not tested: there is no python3");
            return Ok(None);
        };
        ensure!(output.status.success(), "python3 does not run");
        let version = String::from_utf8(output.stdout)?.trim().to_owned();
        Ok(Some(Python { version }))
    }

    /// asyncio's traces of the scenarios in a file.
    pub(crate) fn traces(&self, path: &Path) -> Result<Map<String, Value>> {
        let record = played::folder().join("record.py");
        played::traces(Command::new("python3").arg("-B").arg(record).arg(path))
    }

    /// Whether its `writelines` is another thing than as many writes (D-10).
    pub(crate) fn has_d_10(&self) -> bool {
        ["3.12", "3.13"].contains(&self.version.as_str())
    }
}
