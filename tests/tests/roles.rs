//! The roles of the scenario server that not every layer plays.

use anyhow::{Result, ensure};
use conformance::{COLUMNS, Client, Column, Server, TEST_MAX, measure, within};
use std::path::Path;

const MIB: usize = 1024 * 1024;
/// How much a server's memory may grow, whatever its clients do not read.
const GROWTH_MAX: u64 = 4 * MIB as u64;

/// Plays a script against a role on each layer that has it, over both selectors.
fn on_each_layer(
    role: &str,
    arguments: &[&str],
    script: impl Fn(&Server) -> Result<()>,
) -> Result<()> {
    for column in COLUMNS.iter().filter(has_roles) {
        within(TEST_MAX, column.title, || {
            let mut command = column.stage(Path::new(env!("CARGO_BIN_EXE_stage")), role);
            script(&Server::start(command.args(arguments))?)
        })?;
    }
    Ok(())
}

fn has_roles(column: &&Column) -> bool {
    !["blocking", "busy-poll", "selector"].contains(&column.layer)
}

/// The greeting counts what this server has echoed, whoever sent it.
#[test]
fn a_greeting_tells_how_much_was_echoed() -> Result<()> {
    on_each_layer("greet", &[], |server| {
        let mut first = Client::connect("client-1", server.address())?;
        ensure!(first.receive_line()? == "000000\n");
        (0..3).try_for_each(|_| first.echo(b"x"))?;
        let mut second = Client::connect("client-2", server.address())?;
        ensure!(second.receive_line()? == "000003\n");
        second.echo(b"y")?;
        drop(first);
        let mut third = Client::connect("client-3", server.address())?;
        ensure!(third.receive_line()? == "000004\n");
        Ok(())
    })
}

/// SA-06: a send that the kernel takes in parts goes out to its end.
#[test]
fn a_flood_has_exactly_the_bytes_that_were_asked_for() -> Result<()> {
    for bytes in [0, 1, 65_536, 65_537, 10_000_019] {
        on_each_layer("flood", &["--bytes", &bytes.to_string()], |server| {
            for number in 1..=2 {
                let mut client = Client::connect(format!("client-{number}"), server.address())?;
                is_flood(&client.receive_to_end()?, bytes)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What a client does not read stays out of the server's memory, and keeps nobody waiting.
#[test]
fn a_flood_waits_for_a_slow_reader() -> Result<()> {
    const BYTES: usize = 48 * MIB;
    on_each_layer("flood", &["--bytes", &BYTES.to_string()], |server| {
        let pid = server.process().pid();
        is_flood(&Client::connect("client-1", server.address())?.receive_to_end()?, BYTES)?;
        let before = measure::resident(pid);
        let mut slow = Client::connect("slow", server.address())?;
        slow.receive(1)?;
        // By the end of this one, the server has sent the slow one all that the kernel takes.
        is_flood(&Client::connect("fast", server.address())?.receive_to_end()?, BYTES)?;
        is_flood(&slow.receive_to_end()?, BYTES - 1)?;
        if let (Some(before), Some(peak)) = (before, measure::resident_peak(pid)) {
            let grown = peak.saturating_sub(before);
            ensure!(grown < GROWTH_MAX, "memory has grown by {grown} bytes");
        }
        Ok(())
    })
}

/// SA-19: a client that goes in the middle of a flood is one client lost.
#[test]
fn a_flood_that_is_broken_off_ends_nothing_else() -> Result<()> {
    on_each_layer("flood", &["--bytes", "20000000"], |server| {
        let mut rude = Client::connect("rude", server.address())?;
        rude.receive(1)?;
        rude.reset()?;
        is_flood(&Client::connect("client-2", server.address())?.receive_to_end()?, 20_000_000)
    })
}

fn is_flood(received: &[u8], bytes: usize) -> Result<()> {
    ensure!(received.len() == bytes, "{} bytes instead of {bytes}", received.len());
    ensure!(received.iter().all(|byte| *byte == b'F'), "other bytes than F");
    Ok(())
}
