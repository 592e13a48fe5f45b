use super::thousands;
use crate::chart::{Bar, Chart, Group};
use crate::results::{Results, Row};
use crate::tool::Measured;

/// The charts of the book's page about costs.
pub(super) fn all(results: &Results) -> Vec<Chart> {
    let chart =
        |name, title, bars| Chart { name, title, groups: vec![Group { heading: None, bars }] };
    vec![
        chart(
            "costs-cpu",
            "CPU a message, raw epoll = 1",
            bars(results, |row| Ok(row.many.cpu_ratio.median), |value| format!("{value:.2}")),
        ),
        chart(
            "costs-calls",
            "System calls a message at one connection",
            bars(results, |row| row.counts.all_calls(), |value| format!("{value:.2}")),
        ),
        chart(
            "costs-instructions",
            "User-space instructions a message at 50 connections",
            bars(results, |row| row.counts.instructions_at_many.clone(), thousands),
        ),
        chart(
            "costs-idle",
            "Resident bytes of an idle connection",
            bars(results, |row| Ok(row.crowd.idle_bytes.median), thousands),
        ),
        chart(
            "costs-visit",
            "CPU of a client that connects, has one message echoed and closes, raw epoll = 1",
            bars(results, |row| Ok(row.churn.cpu_ratio.median), |value| format!("{value:.2}")),
        ),
        Chart {
            name: "costs-micro",
            title: "Processor time of single steps of a loop",
            groups: micro(results),
        },
    ]
}

/// A bar for each server of which there is a figure.
fn bars(
    results: &Results,
    value: impl Fn(&Row) -> Measured<f64>,
    figure: impl Fn(f64) -> String,
) -> Vec<Bar> {
    let bar = |row: &Row| {
        let value = value(row).ok()?;
        let (label, part) = (row.server.title(), row.server.part());
        Some(Bar { label, part, value: value.max(0.0), figure: figure(value) })
    };
    results.servers.iter().filter_map(bar).collect()
}

fn micro(results: &Results) -> Vec<Group> {
    let group = |taken: &crate::micro::Taken| Group {
        heading: Some(taken.step.title()),
        bars: taken
            .by
            .iter()
            .map(|by| Bar {
                label: by.contender.title(),
                part: by.contender.part(),
                value: by.nanos.median,
                figure: format!("{} ns", thousands(by.nanos.median)),
            })
            .collect(),
    };
    results.micro.steps.iter().map(group).collect()
}
