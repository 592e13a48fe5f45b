//! What a server does while none of its clients wants anything.

use crate::launch::Launcher;
use crate::measure::pace::Stand;
use crate::process::{Processor, switches};
use crate::server::Server;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of the one message that each client has had echoed before it falls silent.
const MESSAGE_BYTES: usize = 64;

/// What was seen of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Idle {
    /// The server.
    pub server: Server,
    /// The share of one processor that it used or waited for: 0 is rest, 1 is no rest, however busy the machine is.
    pub share: f64,
    /// How often a second it polls a socket when it need not wait for its processor. A server that sleeps does not
    /// poll.
    pub polls: Option<f64>,
    /// How often a second it was taken off its processor: it had slept and woken up, or another had its turn.
    pub switches: f64,
}

/// Watches each server for `window`, with `clients` idle clients, one server after the other.
///
/// # Errors
///
/// If a server fails.
pub fn measure(
    launcher: &Launcher,
    servers: &[Server],
    clients: usize,
    window: Duration,
) -> anyhow::Result<Vec<Idle>> {
    servers.iter().map(|server| watch(launcher, *server, clients, window)).collect()
}

fn watch(
    launcher: &Launcher,
    server: Server,
    clients: usize,
    window: Duration,
) -> anyhow::Result<Idle> {
    let Stand { running, load, .. } = Stand::start(launcher, server, clients, MESSAGE_BYTES)?;
    let pid = running.pid;
    let (before, switched, start) = (Processor::of(pid)?, switches(pid)?, Instant::now());
    thread::sleep(window);
    let (after, seconds) = (Processor::of(pid)?, start.elapsed().as_secs_f64());
    let spent = after - before;
    let share = (spent.used + spent.waited).as_secs_f64() / seconds;
    let switches = (switches(pid)? - switched) as f64 / seconds;
    let said = running.stop()?;
    drop(load);
    // What a busy-polling server says at its end counts from its start. Per second of processor time the number is
    // the same all the time, or nearly: while the clients were connecting its rounds were shorter, not its polls.
    let total = said
        .lines()
        .next()
        .map(|asked| asked.parse::<f64>().context("the number of polls"))
        .transpose()?;
    let polls = total.map(|asked| asked / after.used.as_secs_f64() * share);
    Ok(Idle { server, share, polls, switches })
}
