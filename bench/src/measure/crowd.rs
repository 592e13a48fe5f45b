//! What many connections cost: memory and rest while they are idle, and the growth of the price of a message.

use crate::launch::Launcher;
use crate::load::Plan;
use crate::measure::pace::Stand;
use crate::process::{Processor, resident};
use crate::server::Server;
use crate::statistics::Summary;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::thread;
use std::time::Duration;

/// The smallest crowd. What a server needs once for all is there after it.
const FEW: usize = 10;

/// How many connections of the large crowd exchange messages.
pub const ACTIVE: usize = 50;

/// How hard to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// How often each server is started anew.
    pub launches: usize,
    /// Slices at each number of connections, a launch.
    pub rounds: usize,
    /// The large number of connections.
    pub connections: usize,
    /// Messages of a slice.
    pub messages: usize,
    /// Bytes of a message.
    pub message_bytes: usize,
    /// How long the idle server is watched.
    pub idle: Duration,
}

/// What was seen of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Crowd {
    /// Resident bytes of one idle client that has had one echo.
    pub idle_bytes: Summary,
    /// Processor time of the server while all clients are idle, in microseconds a second.
    pub idle_cpu: Summary,
    /// Processor time a message in nanoseconds: 10 connections, all active.
    pub cpu_few: Summary,
    /// The same: 50 connections, all active.
    pub cpu_active: Summary,
    /// The same: the large number of connections, 50 of them active.
    pub cpu_many: Summary,
    /// `cpu_many` over `cpu_few`, by rounds.
    pub growth_from_few: Summary,
}

/// Measures one server after the other, in several launches that alternate; one outcome for each, in their order.
///
/// # Errors
///
/// If a server or the load fails.
pub fn measure(
    launcher: &Launcher,
    servers: &[Server],
    effort: Effort,
) -> anyhow::Result<Vec<Crowd>> {
    let mut seen: Vec<Vec<Launch>> = servers.iter().map(|_| Vec::new()).collect();
    for _ in 0..effort.launches {
        for (server, launches) in servers.iter().zip(&mut seen) {
            launches.push(launch(launcher, *server, effort)?);
        }
    }
    seen.iter()
        .map(|launches| summarize(launches))
        .collect::<Option<_>>()
        .context("no launch was measured")
}

struct Launch {
    idle_bytes: f64,
    idle_cpu: f64,
    /// Processor time a message: few, active, many.
    rounds: Vec<[f64; 3]>,
}

fn launch(launcher: &Launcher, server: Server, effort: Effort) -> anyhow::Result<Launch> {
    let mut few = Stand::start(launcher, server, FEW, effort.message_bytes)?;
    let mut active = Stand::start(launcher, server, ACTIVE, effort.message_bytes)?;
    let mut many = Stand::start(launcher, server, FEW, effort.message_bytes)?;
    let pid = many.running.pid;
    let before = resident(pid)?;
    many.load.open(effort.connections, Duration::from_secs(120)).context("the large crowd")?;
    let added = resident(pid)? as f64 - before as f64;
    let rested = Processor::of(pid)?;
    thread::sleep(effort.idle);
    let idle_cpu =
        (Processor::of(pid)? - rested).used.as_secs_f64() * 1e6 / effort.idle.as_secs_f64();
    let cpu = |stand: &mut Stand, active| {
        let plan = Plan {
            active,
            messages: server.messages(effort.messages),
            window: 1,
            pause: Duration::ZERO,
            time_max: Duration::from_secs(60),
        };
        stand.slice(plan).map(|slice| slice.cpu)
    };
    let mut round =
        || Ok([cpu(&mut few, FEW)?, cpu(&mut active, ACTIVE)?, cpu(&mut many, ACTIVE)?]);
    round()?;
    let rounds = (0..effort.rounds).map(|_| round()).collect::<anyhow::Result<_>>()?;
    Ok(Launch { idle_bytes: added / (effort.connections - FEW) as f64, idle_cpu, rounds })
}

fn summarize(launches: &[Launch]) -> Option<Crowd> {
    let rounds = || launches.iter().flat_map(|launch| &launch.rounds);
    Some(Crowd {
        idle_bytes: Summary::of(launches.iter().map(|launch| launch.idle_bytes))?,
        idle_cpu: Summary::of(launches.iter().map(|launch| launch.idle_cpu))?,
        cpu_few: Summary::of(rounds().map(|[few, _, _]| *few))?,
        cpu_active: Summary::of(rounds().map(|[_, active, _]| *active))?,
        cpu_many: Summary::of(rounds().map(|[_, _, many]| *many))?,
        growth_from_few: Summary::of(rounds().map(|[few, _, many]| many / few))?,
    })
}
