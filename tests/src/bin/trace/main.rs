//! The trace interpreter: plays scenarios with chapter 05's transports and prints what happened in
//! each, in the order in which it happened. `trace --help` says how.
//!
//! `tests/scenarios/record.py` plays the same scenarios with asyncio's transports.
//!
//! A scenario has a `name`, what its protocol does `on` its callbacks, and what to `do`, step after
//! step, to a client's connection and to the raw socket of its peer. It may also say how many bytes
//! the peer has sent `early`, before there is a transport. Members of other names are for the reader.
//!
//! | in `do` | |
//! |---|---|
//! | `["peer_send", n]`, `["peer_shutdown"]`, `["peer_close"]`, `["peer_rst"]` | the peer sends bytes, closes its sending half, closes, resets; what it cannot do any more is passed over |
//! | `["peer_drain"]` | it reads until it sees an end, or until nothing is left for it to read |
//! | `["settle"]` | the loop runs until nothing is left to do; so it does after the last step |
//!
//! | in `do` and in `on` | |
//! |---|---|
//! | `["write", n]`, `["writelines", [n, ...]]`, `["write_eof"]`, `["close"]`, `["abort"]`, `["pause_reading"]`, `["resume_reading"]` | the methods of the transport |
//! | `["limits", {"high": n, "low": n}]`, `["limits_from_size", ...]` | moves the water marks: to so many bytes, or to so many more than are kept |
//! | `["fill"]` | puts the marks out of the way and writes until the transport has to keep something |
//! | `["q"]`, `["mark", x]` | logs the state; logs `x` |
//!
//! `on` has lists for `made`, `data`, `eof`, `pause`, `resume` and `lost`, where `["raise"]` has the
//! callback fail and `["only", k]` has what follows done at the `k`-th call alone; and `keep_open`,
//! the answer to the end of file. [`Event`] lists what a trace is made of.

mod actor;
mod event;
mod peer;
mod play;
mod scenario;
mod settle;
mod wire;

use anyhow::{Context, Result, anyhow, ensure};
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
    let mut lines = Vec::new();
    for scenario in scenarios {
        match play::play(scenario, selector) {
            Ok(trace) => lines.push(line(&scenario.name, &trace)),
            Err(error) => {
                Log::report(format_args!("trace: scenario {:?}: {error:#}", scenario.name));
            }
        }
    }
    writeln!(io::stdout(), "{{\n{}\n}}", lines.join(",\n")).context("standard output")?;
    let missing = scenarios.len() - lines.len();
    ensure!(missing == 0, "{missing} of {} scenarios have no trace", scenarios.len());
    Ok(())
}

fn line(name: &str, trace: &[Event]) -> String {
    let trace: Vec<Value> = trace.iter().map(Event::to_json).collect();
    format!("{}: {}", Value::from(name), Value::from(trace))
}
