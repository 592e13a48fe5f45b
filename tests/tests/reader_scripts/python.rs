use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The python3 of this machine.
pub(crate) struct Python {
    version: (u32, u32),
}

impl Python {
    /// `None`, with a message, where there is none.
    pub(crate) fn find() -> Result<Option<Python>> {
        let version = "import sys; print('{} {}'.format(*sys.version_info))";
        let Ok(output) = Command::new("python3").args(["-c", version]).output() else {
            println!("not tested: there is no python3");
            return Ok(None);
        };
        ensure!(output.status.success(), "python3 does not run");
        let text = String::from_utf8(output.stdout)?;
        let (major, minor) = text.trim().split_once(' ').context("two numbers")?;
        Ok(Some(Python { version: (major.parse()?, minor.parse()?) }))
    }

    /// Whether its `readuntil` takes several separators (RD-08).
    pub(crate) fn has_several_separators(&self) -> bool {
        self.version >= (3, 13)
    }

    /// What asyncio's reader says to each script, as it is and mended.
    pub(crate) fn play(&self, scripts: &[Value]) -> Result<Vec<Value>> {
        let twin = Path::new(env!("CARGO_MANIFEST_DIR")).join("twins/stream_reader.py");
        let mut command = Command::new("python3");
        command.arg("-B").arg(twin).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut twin = command.spawn()?;
        let mut stdin = twin.stdin.take().context("it is piped")?;
        // It prints nothing before it has read everything.
        stdin.write_all(serde_json::to_string(scripts)?.as_bytes())?;
        drop(stdin);
        let output = twin.wait_with_output()?;
        ensure!(output.status.success(), "the twin has failed: {}", output.status);
        let played: Vec<Value> = serde_json::from_slice(&output.stdout)?;
        ensure!(played.len() == scripts.len(), "{} scripts were played", played.len());
        Ok(played)
    }
}
