use crate::machine::Machine;
use crate::measure::churn::Churn;
use crate::measure::counts::Counts;
use crate::measure::crowd::Crowd;
use crate::measure::idle::Idle;
use crate::measure::pace::Pace;
use crate::micro::Micro;
use crate::server::Server;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Everything that one run has measured. Kept as a file, from which the book's tables and charts are made: they all
/// speak of the same run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Where and when.
    pub machine: Machine,
    /// By which command.
    pub command: String,
    /// What could not be measured here, and why: a sentence each.
    pub left_out: Vec<String>,
    /// Bytes of a message.
    pub message_bytes: usize,
    /// How many rounds are in [`Row::many`].
    pub rounds: usize,
    /// In how many of them something else ran on the servers' processor.
    pub disturbed: usize,
    /// Connections of the large crowd.
    pub crowd: usize,
    /// Clients in `idle`.
    pub idle_clients: usize,
    /// What idle clients cost.
    pub idle: Vec<Idle>,
    /// Each server; the first is what the others are compared to.
    pub servers: Vec<Row>,
    /// Single steps.
    pub micro: Micro,
}

/// What one run has measured of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The server.
    pub server: Server,
    /// System calls and instructions.
    pub counts: Counts,
    /// Processor time and latency with many connections.
    pub many: Pace,
    /// The same with one.
    pub one: Pace,
    /// The large crowd.
    pub crowd: Crowd,
    /// Clients that come and go.
    pub churn: Churn,
}

impl Results {
    /// The file of results in the book's folder of measurements.
    pub fn path() -> PathBuf {
        book().join("measured/costs.json")
    }

    /// Reads a file of results.
    ///
    /// # Errors
    ///
    /// If there is no such file, or it is not one of this version.
    pub fn read(path: &Path) -> anyhow::Result<Results> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Writes it as a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| path.display().to_string())
    }

    /// What was measured of `server`, if it took part.
    pub fn of(&self, server: Server) -> Option<&Row> {
        self.servers.iter().find(|row| row.server == server)
    }

    /// What was measured of those of `servers` that took part, in their order.
    pub fn of_all(&self, servers: &[Server]) -> Vec<&Row> {
        servers.iter().filter_map(|server| self.of(*server)).collect()
    }
}

/// The folder of the book's sources and measurements.
pub(crate) fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("book")
}
