//! The tables, as the terminal and the book show them.

use crate::machine::Machine;
use crate::measure::churn::Churn;
use crate::measure::counts::Counts;
use crate::measure::crowd::{ACTIVE, Crowd};
use crate::measure::idle::Idle;
use crate::measure::pace::Paces;
use crate::server::Server;
use crate::table::Table;
use crate::tool::Measured;
use std::collections::BTreeSet;

/// A page of the book, or a part of one: its file name in `book/measured` and what stands in it.
#[derive(Debug)]
pub struct Page {
    /// The name of the file.
    pub name: &'static str,
    /// Markdown.
    pub text: String,
}

/// The line below every table: where, when and how it was measured.
pub fn source(machine: &Machine, quick: bool) -> String {
    let option = if quick { "--quick " } else { "" };
    format!("Measured on {machine}, by `cargo run --release -p bench -- {option}--write`.\n")
}

/// What idle clients cost.
pub fn idle(idles: &[Idle], clients: usize, source: &str) -> Page {
    let shared = format!("server, {clients} idle clients");
    let mut table = Table::new([&shared, "share of a core", "polls a second", "wake-ups a second"]);
    for idle in idles {
        let polls = idle.polls.map_or("0".to_owned(), |polls| thousands(polls.round()));
        // A server that never sleeps is never woken up.
        let woken = if idle.polls.is_some() {
            "never asleep".to_owned()
        } else {
            format!("{:.1}", idle.switches)
        };
        table.row([
            idle.server.title().to_owned(),
            format!("{:.1} %", idle.share * 100.0),
            polls,
            woken,
        ]);
    }
    Page { name: "chapter-02-idle.md", text: format!("{table}\n{source}") }
}

/// What a message and an idle client cost.
pub fn cost(
    paces: &Paces,
    counts: &[Counts],
    crowds: &[Crowd],
    message_bytes: usize,
    source: &str,
) -> Page {
    let mut table = Table::new([
        "server",
        "CPU a message",
        "system calls",
        "instructions",
        "instructions alone",
        "idle bytes",
    ]);
    for ((pace, counts), crowd) in paces.servers.iter().zip(counts).zip(crowds) {
        table.row([
            pace.server.title().to_owned(),
            format!("{:.2}", pace.cpu_ratio),
            cell(&counts.all_calls(), 2),
            cell(&counts.instructions_at_many, 0),
            cell(&counts.instructions_at_one, 0),
            format!("{:.0}", crowd.idle_bytes.median),
        ]);
    }
    let explained = format!(
        "{ACTIVE} connections, {message_bytes} bytes a message, the next one when the last is back. CPU is that of the \
         server, raw epoll in the same round = 1; in brackets, the middle half of {} rounds in which the servers took \
         turns. System calls are those of a message at one connection, instructions those of user space, at {ACTIVE} \
         connections and at one (\"alone\"). Idle bytes: resident memory of a client that has had one echo and rests.",
        paces.rounds,
    );
    Page { name: "chapter-03-cost.md", text: format!("{table}\n{explained}\n\n{source}") }
}

/// How much gets through, and how long it takes.
pub fn pace(many: &Paces, one: &Paces, source: &str) -> Page {
    let head =
        ["server", "messages a second", "p50 (µs)", "p99 (µs)", "alone: p50 (µs)", "p99 (µs)"];
    let mut table = Table::new(head);
    for (pace, alone) in many.servers.iter().zip(&one.servers) {
        table.row([
            pace.server.title().to_owned(),
            format!("{:.2}", pace.rate_ratio),
            format!("{:.0}", pace.p50.median),
            format!("{:.0}", pace.p99.median),
            format!("{:.0}", alone.p50.median),
            format!("{:.0}", alone.p99.median),
        ]);
    }
    let explained = format!(
        "Messages a second at {ACTIVE} connections, raw epoll in the same round = 1; in brackets, the middle half of \
         {} rounds{}. Half of the messages are back within p50, all but one of a hundred within p99; \"alone\" is one \
         connection.",
        many.rounds,
        disturbance(many),
    );
    Page { name: "chapter-03-pace.md", text: format!("{table}\n{explained}\n\n{source}") }
}

/// What is to be said of the rounds in which the machine had something else to do.
fn disturbance(paces: &Paces) -> String {
    match paces.disturbed {
        0 => String::new(),
        count => format!(
            "; in {count} of them something else ran on the core for over a twentieth of the time, which spoils these \
             figures"
        ),
    }
}

/// Which system calls a message takes.
pub fn calls(counts: &[Counts], source: &str) -> Page {
    let names: BTreeSet<_> = counts
        .iter()
        .filter_map(|counts| counts.calls.as_ref().ok())
        .flat_map(|c| c.keys())
        .collect();
    let head =
        ["server"].into_iter().chain(names.iter().map(|name| name.as_str())).chain(["together"]);
    let mut table = Table::new(head);
    for counts in counts {
        let of =
            |name: &str| counts.calls.as_ref().map(|calls| calls.get(name).copied().unwrap_or(0.0));
        let figures = names
            .iter()
            .map(|name| of(name).map_or("–".to_owned(), |calls| format!("{calls:.2}")));
        let sum =
            counts.calls.as_ref().map(|calls| calls.values().sum::<f64>()).map_err(Clone::clone);
        table.row(
            [counts.server.title().to_owned()].into_iter().chain(figures).chain([cell(&sum, 2)]),
        );
    }
    let explained = "System calls a message at one connection, counted by strace.";
    Page { name: "chapter-03-calls.md", text: format!("{table}\n{explained}\n\n{source}") }
}

/// What a crowd costs, and what its coming and going does.
pub fn crowd(crowds: &[Crowd], churns: &[Churn], connections: usize, source: &str) -> Page {
    let many = thousands(connections as f64);
    let mut table = Table::new([
        "server".to_owned(),
        "idle (µs/s)".to_owned(),
        "10 (µs)".to_owned(),
        format!("{ACTIVE} (µs)"),
        format!("{many} (µs)"),
        "growth".to_owned(),
        "a visit (µs)".to_owned(),
        "visit, raw epoll = 1".to_owned(),
    ]);
    for (crowd, churn) in crowds.iter().zip(churns) {
        let micros = |nanos: f64| format!("{:.2}", nanos / 1e3);
        table.row([
            crowd.server.title().to_owned(),
            format!("{:.0}", crowd.idle_cpu.median),
            micros(crowd.cpu_few.median),
            micros(crowd.cpu_active.median),
            micros(crowd.cpu_many.median),
            format!("{:.2}", crowd.growth_from_few),
            format!("{:.1}", churn.cpu.median),
            format!("{:.2}", churn.cpu_ratio),
        ]);
    }
    let explained = format!(
        "CPU of the server: in a second in which {many} clients are idle; for a message at 10, {ACTIVE} and {many} \
         connections, of which at most {ACTIVE} are active; and for a visit, which is one client that connects, has 20 \
         bytes echoed and closes. Growth is from 10 to {many} connections; in brackets, the middle half of the rounds. The servers took \
         their turns launch by launch here, not slice by slice: compare the times of a message within a row."
    );
    Page { name: "chapter-03-crowd.md", text: format!("{table}\n{explained}\n\n{source}") }
}

/// What chapter 03 may cost, beside what it does: a table for the terminal.
pub fn budgets(many: &Paces, counts: &[Counts], crowds: &[Crowd]) -> Table {
    let mut table = Table::new(["budget", "at most", "measured", ""]);
    let mut add = |what: &str,
                   server: Server,
                   limit: f64,
                   digits: usize,
                   measured: Measured<f64>| {
        let verdict = measured
            .as_ref()
            .map_or("unknown", |value| if *value <= limit { "kept" } else { "EXCEEDED" });
        let what = format!("{what}, {}", server.title());
        table.row([what, format!("{limit:.digits$}"), cell(&measured, digits), verdict.to_owned()]);
    };
    for (server, calls_max) in [(Server::SelectorMio, 3.01), (Server::SelectorPolling, 7.01)] {
        if let Some(pace) = many.servers.iter().find(|pace| pace.server == server) {
            add("CPU a message", server, 1.03, 3, Ok(pace.cpu_ratio.median));
        }
        if let Some(counts) = counts.iter().find(|counts| counts.server == server) {
            add("system calls", server, calls_max, 2, counts.all_calls());
            if server == Server::SelectorMio {
                add("instructions", server, 150.0, 0, counts.instructions_at_many.clone());
            }
        }
        if let Some(crowd) = crowds.iter().find(|crowd| crowd.server == server) {
            add("bytes an idle client", server, 300.0, 0, Ok(crowd.idle_bytes.median));
            add("growth of CPU a message", server, 1.10, 2, Ok(crowd.growth_from_few.median));
        }
    }
    table
}

fn cell(measured: &Measured<f64>, digits: usize) -> String {
    measured.as_ref().map_or_else(String::clone, |value| format!("{value:.digits$}"))
}

/// A whole number with a comma after each group of three digits.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_missing_says_why() {
        assert_eq!(cell(&Ok(3.004), 2), "3.00");
        assert_eq!(
            cell(&Err("not measured: strace is missing".to_owned()), 2),
            "not measured: strace is missing"
        );
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            [7.0, 999.0, 1000.0, 1_234_567.0].map(thousands),
            ["7", "999", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn a_server_whose_calls_could_not_be_counted_keeps_its_row() {
        let reason = "not measured: strace is missing".to_owned();
        let counts = |server, calls| Counts {
            server,
            calls,
            instructions_at_one: Err(reason.clone()),
            instructions_at_many: Err(reason.clone()),
        };
        let counted = counts(
            Server::RawEpoll,
            Ok([("recvfrom".to_owned(), 1.0), ("sendto".to_owned(), 1.0)].into()),
        );
        let page =
            calls(&[counted, counts(Server::SelectorMio, Err(reason.clone()))], "Measured here.\n");
        let rows: Vec<_> = page.text.lines().collect();
        let cells =
            |row: &str| row.split('|').map(str::trim).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cells(rows[2]), ["", "raw epoll in one loop", "1.00", "1.00", "2.00", ""]);
        assert_eq!(cells(rows[3]), ["", "chapter 03 over mio", "–", "–", &reason, ""]);
    }
}
