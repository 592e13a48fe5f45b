//! `idle`: clients that nobody reads from.

use crate::{GRACE, KIB, MIB, growing_by_less_than, on_streams, until_accepted};
use anyhow::{Result, ensure};
use conformance::{Client, Server, Signal};
use std::time::Instant;

/// RD-13: twice the limit and one receive of 256 KiB is what is kept of a client; the rest waits
/// with the kernel, and with the client.
#[test]
fn a_client_that_nobody_reads_from_is_made_to_wait() -> Result<()> {
    const CLIENTS: usize = 8;
    const KEPT_MAX: usize = (2 * 64 + 256) * KIB;
    on_streams("idle", &["--limit", "65536"], |server| {
        growing_by_less_than(CLIENTS * KEPT_MAX + MIB, server, || {
            let mut clients = Vec::new();
            for number in 1..=CLIENTS {
                let mut client = Client::connect(format!("client-{number}"), server.address())?;
                until_accepted(number, server)?;
                is_made_to_wait(&mut client)?;
                clients.push(client);
            }
            Ok(())
        })
    })
}

fn is_made_to_wait(client: &mut Client) -> Result<()> {
    // More than all the buffers of the kernel between the two take.
    let bytes = vec![b'a'; 64 * MIB];
    let sent = client.send_until_stuck(&bytes)?;
    ensure!(sent < bytes.len(), "the server has taken {sent} bytes that nobody reads");
    Ok(())
}

/// SG-06, D-18: a handler that waits for its client alone does not keep the server.
#[test]
fn d_18_sigterm_ends_a_server_that_never_reads() -> Result<()> {
    on_streams("idle", &[], |server| {
        let mut silent = Client::connect("silent", server.address())?;
        let mut loud = Client::connect("loud", server.address())?;
        until_accepted(2, server)?;
        is_made_to_wait(&mut loud)?;
        let begun = Instant::now();
        ends_in_order(server, Signal::TERM)?;
        ensure!(begun.elapsed() >= GRACE, "the clients were not given their time");
        ensure!(silent.receive_to_end()?.is_empty());
        Ok(())
    })
}

/// RN-05: and Ctrl-C leaves it no time.
#[test]
fn sigint_ends_a_server_that_never_reads() -> Result<()> {
    on_streams("idle", &[], |server| {
        let mut silent = Client::connect("silent", server.address())?;
        let mut loud = Client::connect("loud", server.address())?;
        until_accepted(2, server)?;
        is_made_to_wait(&mut loud)?;
        ends_in_order(server, Signal::INT)?;
        ensure!(silent.receive_to_end()?.is_empty());
        Ok(())
    })
}

fn ends_in_order(server: &mut Server, signal: Signal) -> Result<()> {
    server.process().signal(signal)?;
    let status = server.process_mut().wait()?;
    let said = server.process().stderr().wait_for_end()?;
    ensure!(status.code() == Some(0) && said.is_empty(), "ended with {status}: {said}");
    Ok(())
}
