//! The busy-polling server: `cargo run -p chapter-02`, then `nc -C 127.0.0.1 8000`.

use chapter_01::{EchoLines, Log, Options, exit_code};
use chapter_02::BusyPoll;
use signal_hook::consts::SIGINT;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const USAGE: &str = "\
Serves many clients without rest; answers each line with `Buffer: ` and the line.
Ctrl-C says what it has cost.

Usage: chapter-02 [--listen HOST:PORT] [--quiet]

  --listen HOST:PORT   where to listen (default 127.0.0.1:8000; port 0 takes any free one)
  --quiet              do not tell what happens";

fn main() -> ExitCode {
    exit_code("chapter-02", run())
}

fn run() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &[])?;
    // A server that never sleeps can look at a flag in each round; one that sleeps needs to be
    // woken (chapter 03).
    let stop = Arc::new(AtomicBool::new(false));
    // A second Ctrl-C ends the process at once, should the first find it asleep in a full pipe.
    signal_hook::flag::register_conditional_default(SIGINT, Arc::clone(&stop))?;
    signal_hook::flag::register(SIGINT, Arc::clone(&stop))?;
    let listener = options.open_listener()?;
    listener.set_nonblocking(true)?;
    let polls = BusyPoll::new(listener, EchoLines::default, options.log).run(&stop)?;
    Log::Stdout.line(|| format!("{polls}"));
    Ok(())
}
