//! Processor time, throughput and latency, all servers in one interleaved run.

use crate::launch::{Launcher, Running};
use crate::load::{Load, Plan};
use crate::process::Processor;
use crate::server::Server;
use crate::statistics::{Summary, quantile};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The share of a slice that a server may have waited for its processor. On a quiet machine it is about a hundredth;
/// more says that something else ran there, and the round is measured again.
const WAITED_MAX: f64 = 0.05;

/// How hard to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// How often all servers are started anew: where a process happens to lie in memory is luck that lasts as long as
    /// the process.
    pub launches: usize,
    /// Rounds a launch. In each, every server has one slice, right after another, and the next one begins.
    pub rounds: usize,
    /// The load of one slice.
    pub plan: Plan,
    /// Bytes of a message.
    pub message_bytes: usize,
}

/// A server and the connections to it.
pub(crate) struct Stand {
    pub(crate) server: Server,
    pub(crate) running: Running,
    pub(crate) load: Load,
}

/// What one slice has shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slice {
    /// Processor time of the server, in nanoseconds a message.
    pub(crate) cpu: f64,
    /// Messages a second.
    rate: f64,
    /// Latency, in microseconds.
    p50: f64,
    p99: f64,
    /// The share of the slice that the server waited for its processor.
    waited: f64,
}

/// What all rounds have shown of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Processor time a message, raw epoll in the same round = 1.
    pub cpu_ratio: Summary,
    /// Processor time a message, in nanoseconds.
    pub cpu: Summary,
    /// Messages a second, raw epoll in the same round = 1.
    pub rate_ratio: Summary,
    /// Half of the messages were back within so many microseconds.
    pub p50: Summary,
    /// All but one of a hundred messages were.
    pub p99: Summary,
}

/// The outcome of [`measure`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paces {
    /// One for each server, in the order given.
    pub servers: Vec<Pace>,
    /// How many rounds are in the figures.
    pub rounds: usize,
    /// How many of those were disturbed: the machine was too busy to measure all of them again.
    pub disturbed: usize,
}

impl Stand {
    pub(crate) fn start(
        launcher: &Launcher,
        server: Server,
        connections: usize,
        message_bytes: usize,
    ) -> anyhow::Result<Stand> {
        let running = launcher.start(server)?;
        let mut load = Load::new(running.address, message_bytes)?;
        load.open(connections, Duration::from_secs(60)).with_context(|| server.name())?;
        Ok(Stand { server, running, load })
    }

    pub(crate) fn slice(&mut self, plan: Plan) -> anyhow::Result<Slice> {
        let before = Processor::of(self.running.pid)?;
        let mut outcome = self.load.run(plan)?;
        let spent = Processor::of(self.running.pid)? - before;
        outcome.latencies.sort_unstable();
        let micros: Vec<f64> =
            outcome.latencies.iter().map(|latency| latency.as_secs_f64() * 1e6).collect();
        let messages = plan.messages as f64;
        Ok(Slice {
            cpu: spent.used.as_nanos() as f64 / messages,
            rate: messages / outcome.elapsed.as_secs_f64(),
            p50: quantile(&micros, 0.5).context("no message")?,
            p99: quantile(&micros, 0.99).context("no message")?,
            waited: spent.waited.as_secs_f64() / outcome.elapsed.as_secs_f64(),
        })
    }
}

/// Measures `servers`, of which the first is what the others are compared to.
///
/// # Errors
///
/// If a server or the load fails.
pub fn measure(launcher: &Launcher, servers: &[Server], effort: Effort) -> anyhow::Result<Paces> {
    let (mut rounds, mut disturbed) = (Vec::new(), 0);
    for launch in 0..effort.launches {
        let start = |server: &Server| {
            Stand::start(launcher, *server, effort.plan.active, effort.message_bytes)
        };
        let mut stands = servers.iter().map(start).collect::<anyhow::Result<Vec<_>>>()?;
        // The first round warms up: caches, the kernel's buffers, the clock of the processor.
        round(&mut stands, launch, effort.plan)?;
        // A machine that is never quiet is measured all the same, and the page says so.
        let (mut again, last) = (effort.rounds / 2, rounds.len() + effort.rounds);
        while rounds.len() < last {
            let slices = round(&mut stands, rounds.len() + again, effort.plan)?;
            let quiet = slices.iter().all(|slice| slice.waited <= WAITED_MAX);
            if quiet || again == 0 {
                disturbed += usize::from(!quiet);
                rounds.push(slices);
            } else {
                again -= 1;
            }
        }
    }
    let servers = (0..servers.len()).map(|place| summarize(place, &rounds));
    let servers = servers.collect::<Option<Vec<_>>>().context("no round was measured")?;
    Ok(Paces { servers, rounds: rounds.len(), disturbed })
}

/// One slice for each server, beginning with another one each time: nobody always has the same neighbour.
fn round(stands: &mut [Stand], first: usize, plan: Plan) -> anyhow::Result<Vec<Slice>> {
    let count = stands.len();
    let mut slices = vec![None; count];
    for turn in 0..count {
        let place = (first + turn) % count;
        let stand = &mut stands[place];
        let messages = stand.server.messages(plan.messages);
        slices[place] = Some(stand.slice(Plan { messages, ..plan })?);
    }
    Ok(slices.into_iter().flatten().collect())
}

fn summarize(place: usize, rounds: &[Vec<Slice>]) -> Option<Pace> {
    let each =
        |value: fn(&Slice) -> f64| Summary::of(rounds.iter().map(|round| value(&round[place])));
    let ratio = |value: fn(&Slice) -> f64| {
        Summary::of(rounds.iter().map(|r| value(&r[place]) / value(&r[0])))
    };
    Some(Pace {
        cpu_ratio: ratio(|slice| slice.cpu)?,
        cpu: each(|slice| slice.cpu)?,
        rate_ratio: ratio(|slice| slice.rate)?,
        p50: each(|slice| slice.p50)?,
        p99: each(|slice| slice.p99)?,
    })
}
