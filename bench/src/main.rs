//! `cargo run --release -p bench`: measures the layers of the book beside raw epoll and other runtimes and prints the
//! tables.

use anyhow::{Context, bail};
use bench::{
    Launcher, Load, Machine, Plan, Results, Server, load_average, micro, pin_to,
    raise_descriptor_limit, report, run,
};
use lexopt::{Arg, Parser, ValueExt};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
Measures what each layer costs, beside raw epoll and other runtimes, all of them in turn; a few minutes, on this
machine alone.

Usage: bench [--quick] [--write]
       bench micro [--quick]
       bench redraw
       bench serve NAME [--core N]
       bench load ADDRESS [--connections N] [--bytes N] [--messages N] [--window N]

  --quick   fewer rounds: figures to develop by, not to publish
  --write   put the results into book/measured/costs.json, and the tables and charts that follow from them into the book
  micro     measure only the single steps of a loop
  redraw    make the tables and charts anew from book/measured/costs.json
  serve     be one of the servers:";

const USAGE_LOAD: &str = "
  load      put load on any echo server, and check what comes back
            (default: 50 connections, 1024 bytes, 100000 messages, window 1)";

fn main() -> ExitCode {
    chapter_01::exit_code("bench", command(Parser::from_env()))
}

fn command(mut parser: Parser) -> anyhow::Result<()> {
    let (mut micro, mut quick, mut write) = (false, false, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(word) if word == "serve" => return serve(parser),
            Arg::Value(word) if word == "load" => return load(parser),
            Arg::Value(word) if word == "redraw" => return redraw(),
            Arg::Value(word) if word == "micro" => micro = true,
            Arg::Long("quick") => quick = true,
            Arg::Long("write") if !micro => write = true,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE} {}{USAGE_LOAD}", Server::ALL.map(Server::name).join(", "));
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    if cfg!(debug_assertions) {
        bail!("a debug build says nothing about cost: cargo run --release -p bench");
    }
    let machine = Machine::here();
    println!("{machine}; load average {}", load_average());
    // A server on one core and the load on another do not take time away from each other.
    let apart = machine.cores() > 1;
    if apart {
        pin_to(1)?;
    }
    if micro {
        let outcome = micro::measure(run::micro_effort(quick))?;
        println!("\n{}", report::micro(&outcome));
        return Ok(());
    }
    let launcher = Launcher { program: std::env::current_exe()?, core: apart.then_some(0) };
    let results = run::everything(&launcher, machine, quick)?;
    println!("\n{}\nload average {}", report::terminal(&results), load_average());
    if write {
        results.write(&Results::path())?;
        redraw()?;
    }
    Ok(())
}

fn redraw() -> anyhow::Result<()> {
    let results = Results::read(&Results::path())?;
    report::pages(&results)
        .iter()
        .try_for_each(|page| page.write().with_context(|| page.name.clone()))
}

fn serve(mut parser: Parser) -> anyhow::Result<()> {
    let name = parser.value()?.string()?;
    let mut core = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("core") => core = Some(parser.value()?.parse()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    Server::named(&name).with_context(|| format!("there is no server {name:?}"))?.run(core)
}

fn load(mut parser: Parser) -> anyhow::Result<()> {
    let server: SocketAddr = parser.value()?.parse()?;
    let (mut active, mut bytes, mut messages, mut window) = (50, run::MESSAGE_BYTES, 100_000, 1);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("connections") => active = parser.value()?.parse()?,
            Arg::Long("bytes") => bytes = parser.value()?.parse()?,
            Arg::Long("messages") => messages = parser.value()?.parse()?,
            Arg::Long("window") => window = parser.value()?.parse()?,
            _ => return Err(argument.unexpected().into()),
        }
    }
    raise_descriptor_limit()?;
    let mut load = Load::new(server, bytes)?;
    load.open(active, Duration::from_secs(60))?;
    let plan = Plan {
        active,
        messages,
        window,
        pause: Duration::ZERO,
        time_max: Duration::from_secs(600),
    };
    let elapsed = load.run(plan)?.elapsed;
    println!(
        "{messages} messages in {elapsed:.3?}, {:.0} a second",
        messages as f64 / elapsed.as_secs_f64()
    );
    Ok(())
}
