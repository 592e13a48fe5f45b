use crate::tool::Measured;
use anyhow::anyhow;
use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// The program, for asyncio and uvloop, with sock calls, protocols and streams.
const PROGRAM: &str = include_str!("echo.py");

/// Bytes that glibc keeps free at the end of the heap. asyncio asks for 256 KiB for each receive; where the heap does not
/// happen to hold them, glibc maps and unmaps them each time, and a message costs 25 µs instead of 7. A server has them or
/// not, by luck; here it has them.
const HEAP_SPARE: &str = "67108864";

/// Whether Python is here and has `module`, or why not.
pub(crate) fn has(module: &str) -> Measured<()> {
    let mut python = Command::new("python3");
    python.arg("-c").arg(format!("import {module}")).stdin(Stdio::null()).stderr(Stdio::null());
    match python.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("python3 cannot import {module}")),
        Err(_) => Err(format!("no {module}: python3 is missing")),
    }
}

/// Becomes the server `name` in Python, under the same process id: what was set for this process stays set.
///
/// # Errors
///
/// If there is no Python.
pub(crate) fn serve(name: &str) -> anyhow::Result<Infallible> {
    let mut python = Command::new("python3");
    python.arg("-c").arg(PROGRAM).arg(name).env("MALLOC_TOP_PAD_", HEAP_SPARE);
    let error = python.exec();
    Err(anyhow!(error).context("cannot become python3"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_is_missing_is_named() {
        let reason = has("no_such_module").unwrap_err();
        assert!(reason.contains("no_such_module") && reason.contains("python3"), "{reason}");
    }
}
