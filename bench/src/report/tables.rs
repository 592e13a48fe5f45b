use super::{Page, cell, thousands};
use crate::measure::crowd::ACTIVE;
use crate::micro::Micro;
use crate::results::{Results, Row};
use crate::table::Table;
use std::collections::BTreeSet;

/// The line below every table: where, when and how it was measured.
fn source(results: &Results) -> String {
    format!("Measured on {}, by `{}`.\n", results.machine, results.command)
}

/// What idle clients cost.
pub(super) fn idle(name: &str, results: &Results) -> Page {
    let shared = format!("server, {} idle clients", results.idle_clients);
    let mut table = Table::new([&shared, "share of a core", "polls a second", "wake-ups a second"]);
    for idle in &results.idle {
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
    Page::table(name, format!("{table}\n{}", source(results)))
}

/// What a message and an idle client cost.
pub(super) fn cost(name: &str, rows: &[&Row], results: &Results) -> Page {
    let mut table = Table::new([
        "server",
        "CPU a message",
        "system calls",
        "instructions",
        "instructions alone",
        "idle bytes",
    ]);
    for Row { server, counts, many, crowd, .. } in rows {
        table.row([
            server.title().to_owned(),
            format!("{:.2}", many.cpu_ratio),
            cell(&counts.all_calls(), 2),
            cell(&counts.instructions_at_many, 0),
            cell(&counts.instructions_at_one, 0),
            format!("{:.0}", crowd.idle_bytes.median),
        ]);
    }
    let explained = format!(
        "{ACTIVE} connections, {} bytes a message, the next one when the last is back. CPU is that of the \
         server, raw epoll in the same round = 1; in brackets, the middle half of {} rounds in which the servers took \
         turns. System calls are those of a message at one connection, instructions those of user space, at {ACTIVE} \
         connections and at one (\"alone\"). Idle bytes: resident memory of a client that has had one echo and rests.",
        results.message_bytes, results.rounds,
    );
    Page::table(name, format!("{table}\n{explained}\n\n{}", source(results)))
}

/// How much gets through, and how long it takes.
pub(super) fn pace(name: &str, rows: &[&Row], results: &Results) -> Page {
    let head =
        ["server", "messages a second", "p50 (µs)", "p99 (µs)", "alone: p50 (µs)", "p99 (µs)"];
    let mut table = Table::new(head);
    for Row { server, many, one, .. } in rows {
        table.row([
            server.title().to_owned(),
            format!("{:.2}", many.rate_ratio),
            format!("{:.0}", many.p50.median),
            format!("{:.0}", many.p99.median),
            format!("{:.0}", one.p50.median),
            format!("{:.0}", one.p99.median),
        ]);
    }
    let explained = format!(
        "Messages a second at {ACTIVE} connections, raw epoll in the same round = 1; in brackets, the middle half of \
         {} rounds{}. Half of the messages are back within p50, all but one of a hundred within p99; \"alone\" is one \
         connection.",
        results.rounds,
        disturbance(results.disturbed),
    );
    Page::table(name, format!("{table}\n{explained}\n\n{}", source(results)))
}

/// What is to be said of the rounds in which the machine had something else to do.
fn disturbance(rounds: usize) -> String {
    match rounds {
        0 => String::new(),
        count => format!(
            "; in {count} of them something else ran on the core for over a twentieth of the time, which spoils these \
             figures"
        ),
    }
}

/// Which system calls a message takes.
pub(super) fn calls(name: &str, rows: &[&Row], results: &Results) -> Page {
    let names: BTreeSet<_> = rows
        .iter()
        .filter_map(|row| row.counts.calls.as_ref().ok())
        .flat_map(|c| c.keys())
        .collect();
    let head =
        ["server"].into_iter().chain(names.iter().map(|name| name.as_str())).chain(["together"]);
    let mut table = Table::new(head);
    for Row { server, counts, .. } in rows {
        let of =
            |name: &str| counts.calls.as_ref().map(|calls| calls.get(name).copied().unwrap_or(0.0));
        let figures = names
            .iter()
            .map(|name| of(name).map_or("–".to_owned(), |calls| format!("{calls:.2}")));
        let sum = cell(&counts.all_calls(), 2);
        table.row([server.title().to_owned()].into_iter().chain(figures).chain([sum]));
    }
    let explained = "System calls a message at one connection, counted by strace.";
    Page::table(name, format!("{table}\n{explained}\n\n{}", source(results)))
}

/// What a crowd costs, and what its coming and going does.
pub(super) fn crowd(name: &str, rows: &[&Row], results: &Results) -> Page {
    let many = thousands(results.crowd as f64);
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
    for Row { server, crowd, churn, .. } in rows {
        let micros = |nanos: f64| format!("{:.2}", nanos / 1e3);
        table.row([
            server.title().to_owned(),
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
    Page::table(name, format!("{table}\n{explained}\n\n{}", source(results)))
}

/// What single steps take.
pub(super) fn micro(name: &str, results: &Results) -> Page {
    Page::table(name, format!("{}\n\n{}", micro_table(&results.micro), source(results)))
}

/// The table and what its figures mean, without the source.
pub(super) fn micro_table(micro: &Micro) -> String {
    let by = micro.steps.first().map_or(&[][..], |taken| &taken.by);
    let Some(first) = by.first().map(|by| by.contender.title()) else { return String::new() };
    let times = by.iter().map(|by| format!("{} (ns)", by.contender.title()));
    let ratios = by[1..].iter().map(|by| format!("{first} / {}", by.contender.title()));
    let mut table = Table::new(["step".to_owned()].into_iter().chain(times).chain(ratios));
    for taken in &micro.steps {
        let times = taken.by.iter().map(|by| thousands(by.nanos.median));
        let ratios = taken.by[1..].iter().map(|by| format!("{:.2}", by.first_over_this));
        table.row([taken.step.title().to_owned()].into_iter().chain(times).chain(ratios));
    }
    format!(
        "{table}\nProcessor time of the process for one step; ratios are those of the same round, in brackets the \
         middle half of {} rounds in which the runtimes took turns. While timers are set and cancelled, {} others stay \
         set. The loop that another thread wakes shares its processor with it and sleeps before it is woken.",
        micro.rounds,
        thousands(micro.timers as f64),
    )
}
