//! The tools that count: strace for system calls, callgrind (of valgrind) for instructions.

use crate::launch::Launcher;
use crate::load::{Load, Plan};
use crate::server::Server;
use anyhow::{Context, ensure};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a measure has given: a value, or the reason why there is none.
pub type Measured<T> = Result<T, String>;

/// Whether a tool is there, or what the table says instead of a figure.
pub fn available(tool: &str) -> Measured<()> {
    let outcome =
        Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    outcome.map(drop).map_err(|_| format!("not measured: {tool} is missing"))
}

/// System calls a message, by name. Those of starting, accepting and ending cancel out: they are the same in a run
/// of `messages` and in one of twice as many.
///
/// # Errors
///
/// If the server or the load fails.
pub fn system_calls(
    launcher: &Launcher,
    server: Server,
    folder: &Path,
    plan: Plan,
    message_bytes: usize,
) -> anyhow::Result<BTreeMap<String, f64>> {
    let file = folder.join("strace");
    let count = |messages| {
        let tool = ["strace", "-f", "-c", "-o"]
            .map(OsString::from)
            .into_iter()
            .chain([file.clone().into()]);
        run_under(
            &tool.collect::<Vec<_>>(),
            launcher,
            server,
            Plan { messages, ..plan },
            message_bytes,
        )?;
        parse_strace(&fs::read_to_string(&file)?)
    };
    let (once, twice) = (count(plan.messages)?, count(2 * plan.messages)?);
    let share = |(name, more): (String, u64)| {
        let less = once.get(&name).copied().unwrap_or(0);
        (name, (more as f64 - less as f64) / plan.messages as f64)
    };
    // A call that is made once in a while by the C library is not a call of a message.
    Ok(twice.into_iter().map(share).filter(|(_, calls)| calls.abs() >= 0.005).collect())
}

/// User-space instructions a message, by the same difference.
///
/// # Errors
///
/// If the server or the load fails.
pub fn instructions(
    launcher: &Launcher,
    server: Server,
    folder: &Path,
    plan: Plan,
    message_bytes: usize,
) -> anyhow::Result<f64> {
    let file = folder.join("callgrind");
    let mut option = OsString::from("--callgrind-out-file=");
    option.push(&file);
    let tool =
        ["valgrind", "--quiet", "--tool=callgrind"].map(OsString::from).into_iter().chain([option]);
    let tool: Vec<_> = tool.collect();
    let count = |messages| {
        run_under(&tool, launcher, server, Plan { messages, ..plan }, message_bytes)?;
        parse_callgrind(&fs::read_to_string(&file)?)
    };
    let (once, twice) = (count(plan.messages)?, count(2 * plan.messages)?);
    ensure!(twice > once, "twice the messages took {twice} instructions, half of them {once}");
    Ok((twice - once) as f64 / plan.messages as f64)
}

fn run_under(
    tool: &[OsString],
    launcher: &Launcher,
    server: Server,
    plan: Plan,
    message_bytes: usize,
) -> anyhow::Result<()> {
    let running = launcher.start_under(tool, server)?;
    let mut load = Load::new(running.address, message_bytes)?;
    load.open(plan.active, plan.time_max)?;
    load.run(plan)?;
    running.stop().map(drop)
}

/// The count of each call from the table that `strace -c` writes: share of time, seconds, microseconds a call,
/// calls, errors (or nothing), name.
fn parse_strace(table: &str) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut calls = BTreeMap::new();
    for line in table.lines() {
        let columns: Vec<_> = line.split_whitespace().collect();
        let (Some(count), Some(name)) =
            (columns.get(3).and_then(|count| count.parse().ok()), columns.last())
        else {
            continue;
        };
        if *name != "total" {
            calls.insert(name.to_string(), count);
        }
    }
    ensure!(!calls.is_empty(), "strace has counted nothing: {table:?}");
    Ok(calls)
}

/// The sum of instructions from a file of callgrind's format.
fn parse_callgrind(file: &str) -> anyhow::Result<u64> {
    let sum = file
        .lines()
        .find_map(|line| line.strip_prefix("summary:").or(line.strip_prefix("totals:")));
    sum.and_then(|sum| sum.trim().parse().ok()).context("callgrind gives no sum")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_strace_is_understood() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 52.21    0.020164          20      1002           sendto
 47.79    0.018459          18      1003         1 recvfrom
  0.00    0.000000           0         1           epoll_create1
------ ----------- ----------- --------- --------- ----------------
100.00    0.038623          19      2006         1 total
";
        let calls = parse_strace(table).unwrap();
        let expected = [("epoll_create1", 1), ("recvfrom", 1003), ("sendto", 1002)];
        assert_eq!(calls, expected.map(|(name, count)| (name.to_owned(), count)).into());
        assert!(parse_strace("strace: exec: No such file\n").is_err());
    }

    #[test]
    fn the_sum_of_callgrind_is_understood() {
        let file = "version: 1\nevents: Ir\nsummary: 123456\n\nfn=(0)\n0 23\n";
        assert_eq!(parse_callgrind(file).unwrap(), 123_456);
        assert_eq!(parse_callgrind("events: Ir\ntotals: 99\n").unwrap(), 99);
        assert!(parse_callgrind("events: Ir\n").is_err());
    }

    #[test]
    fn a_missing_tool_leaves_a_reason_in_the_table() {
        assert_eq!(
            available("no-such-tool"),
            Err("not measured: no-such-tool is missing".to_owned())
        );
    }
}
