//! `cargo run --release -p bench`: measures the layers of the book beside raw epoll and prints the tables.

use anyhow::{Context, bail};
use bench::measure::{churn, counts, crowd, idle, pace};
use bench::report::{self, Page};
use bench::{Launcher, Load, Machine, Plan, Server, load_average, pin_to, raise_descriptor_limit};
use lexopt::{Arg, Parser, ValueExt};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
Measures what each layer costs, beside raw epoll, all of them in turn; a few minutes, on this machine alone.

Usage: bench [--quick] [--write]
       bench serve NAME [--core N]
       bench load ADDRESS [--connections N] [--bytes N] [--messages N] [--window N]

  --quick   fewer rounds: figures to develop by, not to publish
  --write   put the tables into book/measured, too
  serve     be one of the servers: raw-epoll, mio-by-hand, busy-poll, selector-mio, selector-polling
  load      put load on any echo server, and check what comes back
            (default: 50 connections, 1024 bytes, 100000 messages, window 1)";

/// Bytes of a message, for all measures of a message.
const MESSAGE_BYTES: usize = 1024;

/// Clients of the measure of chapter 02.
const IDLE_CLIENTS: usize = 100;

/// Connections of the large crowd.
const CROWD: usize = 9_000;

/// Descriptors that are neither the large crowd's nor worth counting: the other connections, files, pipes.
const DESCRIPTORS_SPARE: u64 = 200;

fn main() -> ExitCode {
    chapter_01::exit_code("bench", run(Parser::from_env()))
}

fn run(mut parser: Parser) -> anyhow::Result<()> {
    let (mut quick, mut write) = (false, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(word) if word == "serve" => return serve(parser),
            Arg::Value(word) if word == "load" => return load(parser),
            Arg::Long("quick") => quick = true,
            Arg::Long("write") => write = true,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    if cfg!(debug_assertions) {
        bail!("a debug build says nothing about cost: cargo run --release -p bench");
    }
    for page in measure(quick)? {
        if write {
            let folder =
                Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("book").join("measured");
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(page.name), page.text)?;
        }
    }
    Ok(())
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
    let (mut active, mut bytes, mut messages, mut window) = (50, MESSAGE_BYTES, 100_000, 1);
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

/// Measures everything, prints it, and gives the pages for the book.
fn measure(quick: bool) -> anyhow::Result<Vec<Page>> {
    let machine = Machine::here();
    // A server on one core and the load on another do not take time away from each other.
    let apart = machine.cores() > 1;
    if apart {
        pin_to(1)?;
    }
    let descriptors = raise_descriptor_limit()?;
    let launcher = Launcher { program: std::env::current_exe()?, core: apart.then_some(0) };
    let full = |full, short| if quick { short } else { full };
    let source = report::source(&machine, quick);
    println!("{machine}; load average {}", load_average());
    let show = |page: Page| {
        println!("\n{}", page.text);
        page
    };

    let servers = [Server::BusyPoll, Server::SelectorMio, Server::SelectorPolling];
    let idles = idle::measure(&launcher, &servers, IDLE_CLIENTS, Duration::from_secs(2))?;
    let idle = show(report::idle(&idles, IDLE_CLIENTS, &source));

    let count = counts::Effort {
        strace_messages: full(1_000, 200),
        callgrind_messages: full(2_000, 500),
        message_bytes: MESSAGE_BYTES,
        connections: crowd::ACTIVE,
    };
    let counts = Server::RESTING.iter().map(|server| counts::measure(&launcher, *server, count));
    let counts = counts.collect::<anyhow::Result<Vec<_>>>()?;
    let calls = show(report::calls(&counts, &source));

    let effort = |active, messages| pace::Effort {
        launches: full(8, 2),
        rounds: full(8, 3),
        plan: Plan {
            active,
            messages,
            window: 1,
            pause: Duration::ZERO,
            time_max: Duration::from_secs(60),
        },
        message_bytes: MESSAGE_BYTES,
    };
    let many = pace::measure(&launcher, &Server::RESTING, effort(crowd::ACTIVE, 20_000))?;
    let one = pace::measure(&launcher, &Server::RESTING, effort(1, 2_000))?;
    let pace = show(report::pace(&many, &one, &source));

    let connections = CROWD.min(usize::try_from(descriptors.saturating_sub(DESCRIPTORS_SPARE))?);
    let effort = crowd::Effort {
        launches: full(3, 1),
        rounds: full(8, 3),
        connections,
        messages: 20_000,
        message_bytes: MESSAGE_BYTES,
        idle: Duration::from_secs(2),
    };
    let crowds = crowd::measure(&launcher, &Server::RESTING, effort)?;
    let effort = churn::Effort { rounds: full(12, 3), clients: 500 };
    let churns = churn::measure(&launcher, &Server::RESTING, effort)?;
    let crowd = show(report::crowd(&crowds, &churns, connections, &source));

    let cost = show(report::cost(&many, &counts, &crowds, MESSAGE_BYTES, &source));

    println!("{}\nload average {}", report::budgets(&many, &counts, &crowds), load_average());
    Ok(vec![idle, calls, pace, crowd, cost])
}
