//! System calls and instructions a message.

use crate::launch::Launcher;
use crate::load::Plan;
use crate::server::Server;
use crate::tool::{self, Measured, available};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// What a server needs at most to go back to sleep under strace.
const PAUSE: Duration = Duration::from_millis(1);

/// How hard to count.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Messages of the shorter run under strace; the longer one has twice as many.
    pub strace_messages: usize,
    /// Messages of the shorter run under callgrind.
    pub callgrind_messages: usize,
    /// Bytes of a message.
    pub message_bytes: usize,
    /// The larger number of connections for instructions; the smaller is one.
    pub connections: usize,
}

/// What was counted of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// System calls a message at one connection, by name.
    pub calls: Measured<BTreeMap<String, f64>>,
    /// User-space instructions a message at one connection.
    pub instructions_at_one: Measured<f64>,
    /// User-space instructions a message at many connections.
    pub instructions_at_many: Measured<f64>,
}

impl Counts {
    /// All system calls a message together.
    pub fn all_calls(&self) -> Measured<f64> {
        self.calls.as_ref().map(|calls| calls.values().sum()).map_err(Clone::clone)
    }
}

/// A folder of this process for the files of the tools, which is gone with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Folder> {
        let path = std::env::temp_dir().join(format!("bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nobody is left to be told; what stays is a small file in a temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Counts one server's calls and instructions.
///
/// # Errors
///
/// If the server or the load fails. A tool that is missing is no error: its figures say so.
pub fn measure(launcher: &Launcher, server: Server, effort: Effort) -> anyhow::Result<Counts> {
    let folder = Folder::new()?;
    let plan = |active, messages| {
        // With one connection there is nothing to do between two messages, and the server sleeps.
        let pause = if active == 1 { PAUSE } else { Duration::ZERO };
        Plan { active, messages, window: 1, pause, time_max: Duration::from_secs(120) }
    };
    let calls = available("strace").map(|()| {
        let plan = plan(1, effort.strace_messages);
        tool::system_calls(launcher, server, &folder.0, plan, effort.message_bytes)
    });
    let instructions = |active| {
        let count = countable(server).map(|()| {
            let plan = plan(active, effort.callgrind_messages);
            tool::instructions(launcher, server, &folder.0, plan, effort.message_bytes)
        });
        transpose(count)
    };
    Ok(Counts {
        calls: transpose(calls)?,
        instructions_at_one: instructions(1)?,
        instructions_at_many: instructions(effort.connections)?,
    })
}

/// Whether the instructions of a message can be counted. Those of an interpreter could be, but it takes minutes.
fn countable(server: Server) -> Measured<()> {
    match server.python_module() {
        Some(_) => Err("–".to_owned()),
        None => available("valgrind"),
    }
}

fn transpose<T>(measured: Measured<anyhow::Result<T>>) -> anyhow::Result<Measured<T>> {
    match measured {
        Ok(outcome) => outcome.map(Ok),
        Err(reason) => Ok(Err(reason)),
    }
}
