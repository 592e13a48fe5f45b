//! The trace interpreter: plays scenarios with chapter 05's transports and prints what happened in
//! each, in the order in which it happened. `trace --help` says how.
//!
//! `tests/scenarios/record.py` plays the same scenarios with asyncio's transports.

mod actor;
mod event;
mod peer;
mod play;
mod scenario;
mod wire;

use anyhow::{Context, Result, anyhow};
use chapter_01::{Log, exit_code};
use chapter_03::SelectorKind;
use event::Event;
use lexopt::{Arg, Parser, ValueExt};
use scenario::Scenario;
use serde_json::Value;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

const USAGE: &str = "\
Plays scenarios and prints one JSON object: for each name its trace.

Usage: trace SCENARIOS.json [--selector mio|polling]";

fn main() -> ExitCode {
    match read_arguments(Parser::from_env()) {
        Ok((scenarios, selector)) => exit_code("trace", run(&scenarios, selector)),
        Err(error) => {
            Log::report(format_args!("trace: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn read_arguments(mut parser: Parser) -> Result<(Vec<Rc<Scenario>>, SelectorKind)> {
    let (mut path, mut selector) = (None, SelectorKind::default());
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(value) if path.is_none() => path = Some(PathBuf::from(value)),
            Arg::Long("selector") => selector = parser.value()?.parse()?,
            Arg::Long("help") | Arg::Short('h') => {
                Log::Stdout.line(|| USAGE);
                std::process::exit(0);
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let path = path.ok_or_else(|| anyhow!("which scenarios? give a JSON file of them"))?;
    let read = || {
        let text = std::fs::read_to_string(&path)?;
        Scenario::read_all(&serde_json::from_str(&text)?)
    };
    let scenarios = read().with_context(|| path.display().to_string())?;
    Ok((scenarios, selector))
}

fn run(scenarios: &[Rc<Scenario>], selector: SelectorKind) -> Result<()> {
    let mut traces = Vec::new();
    for scenario in scenarios {
        let trace = play::play(scenario, selector);
        traces.push(trace.with_context(|| format!("scenario {:?}", scenario.name))?);
    }
    print(scenarios, &traces).context("standard output")
}

/// One line for each scenario, in their order.
fn print(scenarios: &[Rc<Scenario>], traces: &[Vec<Event>]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let line = |(scenario, trace): (&Rc<Scenario>, &Vec<Event>)| {
        let trace: Vec<Value> = trace.iter().map(Event::to_json).collect();
        format!("{}: {}", Value::from(scenario.name.as_str()), Value::from(trace))
    };
    let lines: Vec<String> = scenarios.iter().zip(traces).map(line).collect();
    writeln!(out, "{{\n{}\n}}", lines.join(",\n"))
}
