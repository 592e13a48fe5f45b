//! A server that is told to end.

use crate::{check, echo_server};
use anyhow::{bail, ensure};
use conformance::{Capability, Client, Column, PATIENCE, Server, Signal, Verdict, pattern};
use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

/// How long clients may stay after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// How often a script is tried that takes longer than that, on a machine that is busy with others.
const ATTEMPTS: usize = 5;

pub(crate) static TERMINATED: Capability = Capability::new(
    "SIGTERM lets clients come to an end and nobody new in, then the server ends with exit code 0",
    terminated,
)
.except(&[("blocking", NOBODY_HEARS), ("busy-poll", NOBODY_HEARS), ("selector", NOBODY_HEARS)]);

const NOBODY_HEARS: &str =
    "nothing in it hears a signal, so the process ends where it is, by the default action";

fn terminated(column: &Column) -> anyhow::Result<Verdict> {
    for _ in 0..ATTEMPTS {
        let mut server = echo_server(column)?;
        let mut client = Client::connect("client-1", server.address())?;
        client.turns()?;
        // In flight: what the client has sent and could not be sent back.
        let bytes = pattern(64 * 1024 * 1024);
        let sent = client.send_until_stuck(&bytes)?;
        ensure!(sent < bytes.len(), "the server takes without end");
        let begun = Instant::now();
        server.process().signal(Signal::TERM)?;
        wait_until_refused(&server)?;
        let received = receive_the_rest(&mut client, &bytes[..sent]);
        let status = server.process_mut().wait()?;
        if status.signal() == Some(Signal::TERM.as_raw()) {
            ensure!(received.is_err(), "a server that has ended has sent its answers");
            return Ok(Verdict::No);
        }
        if begun.elapsed() < GRACE {
            received?;
            ensure!(status.code() == Some(0), "ended with {status}");
            return Ok(Verdict::Yes);
        }
    }
    bail!("each time it took longer than {GRACE:?}");
}

/// All that comes after the signal: what is sent back, and the end.
fn receive_the_rest(client: &mut Client, sent: &[u8]) -> anyhow::Result<()> {
    client.finish()?;
    client.receive_back(sent)?;
    ensure!(client.receive_to_end()?.is_empty(), "bytes too many");
    Ok(())
}

/// Waits until nobody listens any more: the server has heard the signal.
fn wait_until_refused(server: &Server) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match TcpStream::connect_timeout(&server.address(), PATIENCE) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Ok(()),
            // It was not accepted any more when the listener was closed.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        ensure!(Instant::now() < deadline, "it still listens after {PATIENCE:?}");
        thread::yield_now();
    }
}

/// SG-06: stop accepting, finish what is in flight, exit 0.
#[test]
fn sigterm_lets_clients_come_to_an_end() {
    check(&TERMINATED);
}

pub(crate) static ENDS: Capability =
    Capability::new("SIGINT and SIGTERM end a server that has idle clients", ends);

fn ends(column: &Column) -> anyhow::Result<Verdict> {
    for signal in [Signal::INT, Signal::TERM] {
        let mut server = echo_server(column)?;
        let mut first = Client::connect("client-1", server.address())?;
        first.turns()?;
        let mut second = Client::connect("client-2", server.address())?;
        first.is_served_beside(&mut second)?;
        server.process().signal(signal)?;
        let status = server.process_mut().wait()?;
        ensure!(
            status.code() == Some(0) || status.signal() == Some(signal.as_raw()),
            "ended with {status}"
        );
        ensure!(first.receive_to_end()?.is_empty(), "client-1 was sent something");
    }
    Ok(Verdict::Yes)
}

/// RN-05: clients that do nothing do not keep a server alive.
#[test]
fn idle_clients_do_not_keep_a_server_alive() {
    check(&ENDS);
}

pub(crate) static CUT_OFF: Capability = Capability::new(
    "after SIGTERM a client that never reads is cut off when its time is over, with exit code 0",
    cut_off,
)
.except(&[("blocking", NOBODY_HEARS), ("busy-poll", NOBODY_HEARS), ("selector", NOBODY_HEARS)]);

fn cut_off(column: &Column) -> anyhow::Result<Verdict> {
    let mut server = echo_server(column)?;
    let mut client = Client::connect("client-1", server.address())?;
    client.turns()?;
    let bytes = pattern(64 * 1024 * 1024);
    let sent = client.send_until_stuck(&bytes)?;
    ensure!(sent < bytes.len(), "the server takes without end");
    let begun = Instant::now();
    server.process().signal(Signal::TERM)?;
    let status = server.process_mut().wait()?;
    if status.signal() == Some(Signal::TERM.as_raw()) {
        return Ok(Verdict::No);
    }
    ensure!(status.code() == Some(0), "ended with {status}");
    ensure!(begun.elapsed() >= GRACE, "the client was not given its time");
    let said = server.process().stderr().wait_for_end()?;
    ensure!(said.is_empty(), "said {said:?}");
    Ok(Verdict::Yes)
}

/// D-18: what is in flight has a limit, or one client keeps a server for ever.
#[test]
fn d_18_a_client_that_never_reads_is_cut_off() {
    check(&CUT_OFF);
}
