//! What each layer can do: the same scripts against the echo server of every layer, over both
//! selectors.
//!
//! A scenario is played once for each column, whichever test asks first; the table is made of all
//! of them.

mod bytes;
mod clients;
mod cost;
mod exhaustion;
mod fairness;
mod faults;
mod lifetime;
mod memory;
mod places;
mod signals;

/// What chapter 05's tests connect to in vain.
#[allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]
#[path = "../../../chapters/05-transports/tests/support/black_hole.rs"]
mod black_hole;

/// How long that waits.
mod net {
    pub(crate) use conformance::PATIENCE as LIMIT;
}

use anyhow::{Context, ensure};
use conformance::{Capability, Column, Process, Server, table};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

/// The scenario server.
const STAGE: &str = env!("CARGO_BIN_EXE_stage");

/// The rows of the table.
static CAPABILITIES: [&Capability; 31] = [
    &bytes::ONE_BYTE,
    &bytes::SEGMENTS,
    &bytes::HALF_CLOSE,
    &bytes::BEHIND_URGENT,
    &bytes::CLOSED,
    &memory::UNREAD,
    &memory::ENDLESS_LINE,
    &memory::NEVER_READS,
    &clients::SECOND_CLIENT,
    &clients::FIVE_HUNDRED,
    &clients::SLOW_READER,
    &clients::BACKLOG,
    &fairness::FAIR,
    &places::BOTH_FAMILIES,
    &places::PATH,
    &places::CHOICE,
    &faults::RESET_IN_FLOOD,
    &faults::RESET_AT_ONCE,
    &faults::GONE,
    &faults::KILLED,
    &lifetime::RESTART,
    &lifetime::PORT_IN_USE,
    &lifetime::REFUSED,
    &signals::ENDS,
    &signals::TERMINATED,
    &signals::CUT_OFF,
    &exhaustion::WAIT_FOR_DESCRIPTOR,
    &exhaustion::REST_WITHOUT_DESCRIPTOR,
    &cost::IDLE,
    &cost::URGENT,
    &cost::STUCK,
];

/// The table that the book shows. A cell that changes is a change of what a chapter promises.
#[test]
fn the_capability_matrix_is_as_recorded() {
    for capability in CAPABILITIES {
        capability.check();
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("matrix", table(&CAPABILITIES)));
}

/// Checks one row.
#[track_caller]
fn check(capability: &'static Capability) {
    assert!(
        CAPABILITIES.iter().any(|row| std::ptr::eq(*row, capability)),
        "{}: no row",
        capability.name()
    );
    capability.check();
}

/// The echo server of a column, on a port of its own.
fn echo_server(column: &Column) -> anyhow::Result<Server> {
    echo_server_with(column, &[])
}

/// As [`echo_server`], with further arguments.
fn echo_server_with(column: &Column, arguments: &[&str]) -> anyhow::Result<Server> {
    Server::start(column.stage(Path::new(STAGE), "echo").args(arguments))
}

/// A program in some other role, and its first line without the word in front. `None` if that is a
/// role that the layer refuses to play.
fn in_role(
    column: &Column,
    role: &str,
    arguments: &[&OsStr],
) -> anyhow::Result<Option<(Process, String)>> {
    let mut command = column.stage(Path::new(STAGE), role);
    let mut process = Process::spawn(command.args(arguments), Stdio::null())?;
    let error = match process.stdout().wait_for_line(" ") {
        Ok(line) => {
            let (_, said) = line.split_once(' ').context("it has a space")?;
            return Ok(Some((process, said.to_owned())));
        }
        Err(error) => error,
    };
    let (status, said) = (process.wait()?, process.stderr().wait_for_end()?);
    let refusal = format!("stage: role \"{role}\" is not in this layer");
    ensure!(status.code() == Some(2) && said.starts_with(&refusal), "{error:#}: {said}");
    Ok(None)
}
