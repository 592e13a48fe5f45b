//! One run of everything.

use crate::launch::Launcher;
use crate::limits::raise_descriptor_limit;
use crate::load::Plan;
use crate::machine::Machine;
use crate::measure::{churn, counts, crowd, idle, pace};
use crate::micro;
use crate::results::{Results, Row};
use crate::server::Server;
use crate::tool::available;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Bytes of a message, for all measures of a message.
pub const MESSAGE_BYTES: usize = 1024;

/// Clients of the measure of chapter 02.
const IDLE_CLIENTS: usize = 100;

/// Connections of the large crowd.
const CROWD: usize = 9_000;

/// Descriptors that are neither the large crowd's nor worth counting: the other connections, files, pipes.
const DESCRIPTORS_SPARE: u64 = 200;

/// Measures everything that can be measured here. On standard error it says what it is at, and what is left out.
///
/// # Errors
///
/// If a server or the load fails. What is not installed is no error: the results say so.
pub fn everything(launcher: &Launcher, machine: Machine, quick: bool) -> anyhow::Result<Results> {
    let left_out = left_out();
    left_out.iter().for_each(|sentence| eprintln!("{sentence}"));
    let rested: Vec<_> = Server::ALL
        .into_iter()
        .filter(|server| server.rests() && server.available().is_ok())
        .collect();
    let descriptors = usize::try_from(raise_descriptor_limit()?.saturating_sub(DESCRIPTORS_SPARE))?;
    let connections = CROWD.min(descriptors);
    let full = |full, short| if quick { short } else { full };
    let begun = Instant::now();
    let stage = |what: &str| eprintln!("{:>4} s: {what}", begun.elapsed().as_secs());

    stage("idle clients");
    let servers = [Server::BusyPoll, Server::SelectorMio, Server::SelectorPolling];
    let idle = idle::measure(launcher, &servers, IDLE_CLIENTS, Duration::from_secs(2))?;

    stage("system calls and instructions");
    let effort = counts::Effort {
        strace_messages: full(600, 200),
        callgrind_messages: full(500, 200),
        message_bytes: MESSAGE_BYTES,
        connections: crowd::ACTIVE,
    };
    let counts = rested.iter().map(|server| counts::measure(launcher, *server, effort));
    let counts = counts.collect::<anyhow::Result<Vec<_>>>()?;

    let effort = |launches, active, messages| pace::Effort {
        launches,
        rounds: full(6, 3),
        plan: Plan {
            active,
            messages,
            window: 1,
            pause: Duration::ZERO,
            time_max: Duration::from_secs(60),
        },
        message_bytes: MESSAGE_BYTES,
    };
    stage("messages on many connections");
    let effort_many = effort(full(6, 2), crowd::ACTIVE, full(16_000, 8_000));
    let many = pace::measure(launcher, &rested, effort_many)?;
    stage("messages on one connection");
    let one = pace::measure(launcher, &rested, effort(full(3, 1), 1, full(1_000, 500)))?;

    stage("the large crowd");
    let effort = crowd::Effort {
        launches: full(2, 1),
        rounds: full(6, 3),
        connections,
        messages: full(10_000, 5_000),
        message_bytes: MESSAGE_BYTES,
        idle: Duration::from_secs(1),
    };
    let crowds = crowd::measure(launcher, &rested, effort)?;

    stage("clients that come and go");
    let effort = churn::Effort { rounds: full(12, 4), clients: 500 };
    let churns = churn::measure(launcher, &rested, effort)?;

    stage("single steps");
    let micro = micro::measure(micro_effort(quick))?;
    stage("done");

    let rows = rested.iter().zip(counts).zip(many.servers).zip(one.servers).zip(crowds).zip(churns);
    let rows = rows.map(|(((((server, counts), many), one), crowd), churn)| Row {
        server: *server,
        counts,
        many,
        one,
        crowd,
        churn,
    });
    let option = if quick { "--quick " } else { "" };
    Ok(Results {
        machine,
        command: format!("cargo run --release -p bench -- {option}--write"),
        left_out,
        message_bytes: MESSAGE_BYTES,
        rounds: many.rounds,
        disturbed: many.disturbed,
        crowd: connections,
        idle_clients: IDLE_CLIENTS,
        idle,
        servers: rows.collect(),
        micro,
    })
}

/// How hard to measure single steps.
pub fn micro_effort(quick: bool) -> micro::Effort {
    micro::Effort { rounds: if quick { 10 } else { 40 }, timers: micro::TIMERS, share: 1.0 }
}

/// What cannot be measured here: a sentence each.
fn left_out() -> Vec<String> {
    let tools = [("strace", "system calls"), ("valgrind", "instructions")];
    let tools = tools.into_iter().filter(|(tool, _)| available(tool).is_err());
    let tools = tools.map(|(tool, figure)| format!("{tool} is missing: {figure} are not counted."));
    // Several servers fail for one reason.
    let reasons: BTreeSet<_> =
        Server::ALL.into_iter().filter_map(|server| server.available().err()).collect();
    let peers = reasons.into_iter().map(|reason| format!("Left out: {reason}."));
    tools.chain(peers).collect()
}
