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
mod signals;

use conformance::{Capability, Column, Server, table};
use std::path::Path;

/// The scenario server.
const STAGE: &str = env!("CARGO_BIN_EXE_stage");

/// The rows of the table.
static CAPABILITIES: [&Capability; 26] = [
    &bytes::ONE_BYTE,
    &bytes::SEGMENTS,
    &bytes::HALF_CLOSE,
    &bytes::BEHIND_URGENT,
    &memory::UNREAD,
    &memory::ENDLESS_LINE,
    &memory::NEVER_READS,
    &clients::SECOND_CLIENT,
    &clients::FIVE_HUNDRED,
    &clients::SLOW_READER,
    &clients::BACKLOG,
    &fairness::FAIR,
    &faults::RESET_IN_FLOOD,
    &faults::RESET_AT_ONCE,
    &faults::GONE,
    &faults::KILLED,
    &lifetime::RESTART,
    &lifetime::PORT_IN_USE,
    &lifetime::REFUSED,
    &signals::ENDS,
    &signals::TERMINATED,
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
