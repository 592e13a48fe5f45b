use super::cell;
use crate::micro::Step;
use crate::results::{Results, Row};
use crate::server::{Part, Server};
use crate::table::Table;
use crate::tool::Measured;

/// What a layer may cost, raw epoll being 1 where nothing else is said.
struct Budget {
    server: Server,
    cpu_max: f64,
    calls_max: f64,
    /// User-space instructions a message at many connections.
    instructions_max: Option<f64>,
    idle_bytes_max: f64,
    /// A visit, tokio being 1.
    visit_max: Option<f64>,
}

/// The growth of a message's price from 10 connections to the large crowd.
const GROWTH_MAX: f64 = 1.10;

/// Processor time of a crowd that is idle, in microseconds a second. None is asked for; the account has its grain.
const IDLE_CPU_MAX: f64 = 1.0;

const BUDGETS: [Budget; 8] = [
    Budget {
        server: Server::SelectorMio,
        cpu_max: 1.03,
        calls_max: 3.01,
        instructions_max: Some(150.0),
        idle_bytes_max: 300.0,
        visit_max: None,
    },
    Budget {
        server: Server::SelectorPolling,
        cpu_max: 1.03,
        // Its own timer and notifier take four.
        calls_max: 7.01,
        instructions_max: None,
        idle_bytes_max: 300.0,
        visit_max: None,
    },
    Budget {
        server: Server::SockMio,
        cpu_max: 1.05,
        calls_max: 3.01,
        instructions_max: Some(450.0),
        idle_bytes_max: 800.0,
        visit_max: Some(1.15),
    },
    Budget {
        server: Server::SockPolling,
        cpu_max: 1.05,
        calls_max: 7.01,
        instructions_max: None,
        idle_bytes_max: 800.0,
        visit_max: None,
    },
    Budget {
        server: Server::ProtoMio,
        cpu_max: 1.05,
        calls_max: 3.01,
        instructions_max: Some(350.0),
        idle_bytes_max: 700.0,
        visit_max: Some(1.15),
    },
    Budget {
        server: Server::ProtoPolling,
        cpu_max: 1.05,
        calls_max: 7.01,
        instructions_max: None,
        idle_bytes_max: 700.0,
        visit_max: None,
    },
    Budget {
        server: Server::StreamMio,
        cpu_max: 1.10,
        calls_max: 3.01,
        instructions_max: Some(700.0),
        idle_bytes_max: 1_500.0,
        visit_max: Some(1.15),
    },
    Budget {
        server: Server::StreamPolling,
        cpu_max: 1.10,
        calls_max: 7.01,
        instructions_max: None,
        idle_bytes_max: 1_500.0,
        visit_max: None,
    },
];

/// Steps that may not be dearer than a peer's. The others have no budget.
const BUDGETED: [Step; 3] = [Step::Spawn, Step::Wake, Step::Timer];

/// What the layers may cost, beside what they do.
pub fn budgets(results: &Results) -> Table {
    let mut table = Table::new(["budget", "at most", "measured", ""]);
    for budget in &BUDGETS {
        if let Some(row) = results.of(budget.server) {
            budget.compare(row, &mut table);
        }
    }
    for taken in results.micro.steps.iter().filter(|taken| BUDGETED.contains(&taken.step)) {
        let [ours, peers @ ..] = &taken.by[..] else { continue };
        for peer in peers.iter().filter(|_| ours.contender.part() == Part::Ours) {
            let what = format!("{}, {} = 1", taken.step.title(), peer.contender.title());
            compare(&mut table, what, 1.0, 2, &Ok(peer.first_over_this.median));
        }
    }
    table
}

impl Budget {
    fn compare(&self, row: &Row, table: &mut Table) {
        let Row { counts, many, crowd, churn, .. } = row;
        let mut add = |what: &str, limit: f64, digits: usize, measured: Measured<f64>| {
            let what = format!("{what}, {}", row.server.title());
            compare(table, what, limit, digits, &measured);
        };
        add("CPU a message", self.cpu_max, 3, Ok(many.cpu_ratio.median));
        add("system calls", self.calls_max, 2, counts.all_calls());
        if let Some(limit) = self.instructions_max {
            add("instructions", limit, 0, counts.instructions_at_many.clone());
        }
        add("bytes an idle client", self.idle_bytes_max, 0, Ok(crowd.idle_bytes.median));
        add("µs a second for an idle crowd", IDLE_CPU_MAX, 0, Ok(crowd.idle_cpu.median));
        add("growth of CPU a message", GROWTH_MAX, 2, Ok(crowd.growth_from_few.median));
        if let Some(limit) = self.visit_max {
            let ratio = churn.tokio_ratio.map(|ratio| ratio.median);
            let measured = ratio.ok_or_else(|| "not measured: tokio is missing".to_owned());
            add("CPU a visit, tokio = 1", limit, 2, measured);
        }
    }
}

fn compare(table: &mut Table, what: String, limit: f64, digits: usize, measured: &Measured<f64>) {
    let verdict = measured
        .as_ref()
        .map_or("unknown", |value| if *value <= limit { "kept" } else { "EXCEEDED" });
    table.row([what, format!("{limit:.digits$}"), cell(measured, digits), verdict.to_owned()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_kept_exceeded_or_unknown() {
        let mut table = Table::new(["budget", "at most", "measured", ""]);
        compare(&mut table, "a".to_owned(), 1.0, 2, &Ok(1.0));
        compare(&mut table, "b".to_owned(), 1.0, 2, &Ok(1.001));
        compare(&mut table, "c".to_owned(), 1.0, 2, &Err("no tool".to_owned()));
        let text = table.to_string();
        let verdicts: Vec<_> =
            text.lines().skip(2).map(|row| row.trim_end_matches('|').rsplit('|').next()).collect();
        let verdicts: Vec<_> = verdicts.into_iter().flatten().map(str::trim).collect();
        assert_eq!(verdicts, ["kept", "EXCEEDED", "unknown"]);
    }
}
