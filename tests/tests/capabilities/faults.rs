//! Clients that end badly, or only often. The server lives, and keeps nothing of them.

use crate::{check, echo_server, echo_server_with};
use anyhow::{Context, ensure};
use conformance::{
    Capability, Client, Column, PATIENCE, Process, Server, Verdict, measure, pattern,
};
use std::process::{Command, Stdio};
use std::time::Instant;

pub(crate) static RESET_IN_FLOOD: Capability = Capability::new(
    "resets in the middle of a flood leave the server alive and nothing behind",
    reset_in_flood,
);

fn reset_in_flood(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    let bytes = pattern(1024 * 1024);
    leaves_nothing_behind(&server, || {
        for number in 1..=20 {
            let mut client = Client::connect(format!("client-{number}"), server.address())?;
            // Not until the flood stands still: half of the clients go while the server is at work
            // for them.
            client.send(&bytes[..64 * 1024])?;
            if number % 2 == 0 {
                client.receive_back(&bytes[..1024])?;
            }
            client.reset()?;
        }
        Ok(())
    })
}

/// SK-15: a reset is an error of one connection, on receive and on send, and no signal that ends
/// the server.
#[test]
fn resets_in_mid_flood_leave_the_server_alive() {
    check(&RESET_IN_FLOOD);
}

pub(crate) static RESET_AT_ONCE: Capability = Capability::new(
    "200 clients that connect and reset at once leave nothing behind",
    reset_at_once,
);

fn reset_at_once(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server_with(column, &["--backlog", "256"])?;
    leaves_nothing_behind(&server, || {
        (1..=200).try_for_each(|number| {
            Client::connect(format!("client-{number}"), server.address())?.reset()
        })
    })
}

/// SK-15: some of these are lost before they are accepted, some after.
#[test]
fn two_hundred_connects_that_reset_at_once_leave_nothing_behind() {
    check(&RESET_AT_ONCE);
}

pub(crate) static GONE: Capability =
    Capability::new("200 clients that have gone leave nothing behind", gone);

fn gone(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    leaves_nothing_behind(&server, || {
        (1..=200).try_for_each(|number| {
            Client::connect(format!("client-{number}"), server.address())?.echo(b"x")
        })
    })
}

/// SK-13: a client that is at its end is closed and forgotten.
#[test]
fn clients_that_have_gone_leave_nothing_behind() {
    check(&GONE);
}

pub(crate) static KILLED: Capability =
    Capability::new("a client that is killed leaves nothing behind", killed);

fn killed(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    leaves_nothing_behind(&server, || {
        let mut client = Client::connect("client-1", server.address())?;
        client.echo(b"x")?;
        client.send(b"unread when the client dies")?;
        // Some other program that waits becomes the only owner of the socket. What it reads from is
        // not its concern.
        let mut other = Command::new(env!("CARGO_BIN_EXE_stage"));
        other.args(["echo", "--layer", "blocking"]);
        let mut owner = Process::spawn(&mut other, Stdio::from(client.into_fd()))?;
        // The command keeps a copy for a second start.
        drop(other);
        owner.kill()?;
        Ok(())
    })
}

/// SK-13: the kernel closes the sockets of a process that is killed; to the server that is an end
/// like any other.
#[test]
fn a_killed_client_leaves_nothing_behind() {
    check(&KILLED);
}

/// Whether after the script a new client is served, and the server has the descriptors that it had
/// at its start.
fn leaves_nothing_behind(
    server: &Server,
    script: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Verdict> {
    script()?;
    let mut witness = Client::connect("witness", server.address())?;
    witness.turns()?;
    let Some(at_start) = server.descriptors_at_start() else { return Ok(Verdict::NotMeasured) };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let open = measure::descriptors(server.process().pid()).context("the server is gone")?;
        // One is the witness's.
        if open.len() <= at_start.len() + 1 {
            return Ok(Verdict::Yes);
        }
        ensure!(
            Instant::now() < deadline,
            "{} descriptors now, {} at the start",
            open.len(),
            at_start.len()
        );
        witness.turns()?;
    }
}
