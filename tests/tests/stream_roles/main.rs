//! The roles of the scenario server that streams alone can play, over both selectors.

mod bounds;
mod endings;
mod frames;
mod lines;
mod writes;

use anyhow::{Context, Result, ensure};
use conformance::{COLUMNS, PATIENCE, Server, TEST_MAX, measure, within};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// How long clients may stay after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// Plays a script against a role, over each selector.
fn on_streams(
    role: &str,
    arguments: &[&str],
    script: impl Fn(&mut Server) -> Result<()>,
) -> Result<()> {
    for column in COLUMNS.iter().filter(|column| column.layer == "stream") {
        within(TEST_MAX, column.title, || {
            let mut command = column.stage(Path::new(env!("CARGO_BIN_EXE_stage")), role);
            script(&mut Server::start(command.args(arguments))?).context(column.title)
        })?;
    }
    Ok(())
}

/// Plays a script, which must not make the server's memory grow by so many bytes, not even in
/// between. Where the platform does not tell, only the script counts.
fn growing_by_less_than(
    bytes: usize,
    server: &Server,
    script: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let pid = server.process().pid();
    let before = measure::resident(pid);
    script()?;
    if let (Some(before), Some(peak)) = (before, measure::resident_peak(pid)) {
        let grown = peak.saturating_sub(before);
        ensure!(grown < bytes as u64, "memory has grown by {grown} bytes");
    }
    Ok(())
}

/// Waits until the server has accepted so many clients, if all of them are still there: each has a
/// descriptor. Where the platform does not tell, it does not wait.
fn until_accepted(count: usize, server: &Server) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let Some(at_start) = server.descriptors_at_start() else { return Ok(()) };
    while let Some(now) = measure::descriptors(server.process().pid()) {
        if now.len() >= at_start.len() + count {
            break;
        }
        ensure!(Instant::now() < deadline, "{count} clients were not accepted in {PATIENCE:?}");
        thread::yield_now();
    }
    Ok(())
}
