//! What a client can make a server keep.

use crate::{check, echo_server};
use anyhow::ensure;
use conformance::{Capability, Client, Column, Server, Verdict, measure, pattern};

const MIB: usize = 1024 * 1024;
/// How much a server's memory may grow, whatever one client does.
const GROWTH_MAX: u64 = 4 * MIB as u64;

pub(crate) static UNREAD: Capability = Capability::new(
    "8 MiB sent before any of it is read come back, at less than 4 MiB of memory",
    |column| {
        let server = echo_server(column)?;
        bounded(&server, |client| {
            let bytes = pattern(8 * MIB);
            let sent = client.send_until_stuck(&bytes)?;
            client.send_rest_and_receive_back(&bytes, sent)
        })
    },
);

/// SK-06: what a send does not take is sent later.
#[test]
fn eight_mebibytes_sent_before_any_is_read_come_back() {
    check(&UNREAD);
}

pub(crate) static ENDLESS_LINE: Capability =
    Capability::new("a line of 16 MiB without an end costs less than 4 MiB of memory", |column| {
        let server = echo_server(column)?;
        bounded(&server, |client| client.send_rest_and_receive_back(&vec![b'a'; 16 * MIB], 0))
    });

#[test]
fn an_endless_line_costs_no_memory() {
    check(&ENDLESS_LINE);
}

pub(crate) static NEVER_READS: Capability =
    Capability::new("a client that sends for ever and reads nothing is made to wait", never_reads);

fn never_reads(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    bounded(&server, |client| {
        // More than all the buffers of the kernel between the two take.
        let bytes = vec![b'a'; 128 * MIB];
        let sent = client.send_until_stuck(&bytes)?;
        ensure!(
            sent < bytes.len(),
            "the server has taken {sent} bytes of a client that reads nothing"
        );
        Ok(())
    })
}

/// SK-06: the server stops reading while it cannot send.
#[test]
fn a_client_that_never_reads_is_made_to_wait() {
    check(&NEVER_READS);
}

/// Whether a script with one client costs the server less than [`GROWTH_MAX`].
fn bounded(
    server: &Server,
    script: impl FnOnce(&mut Client) -> anyhow::Result<()>,
) -> anyhow::Result<Verdict> {
    let pid = server.process().pid();
    let mut client = Client::connect("client-1", server.address())?;
    client.turns()?;
    let before = measure::resident(pid);
    script(&mut client)?;
    let (Some(before), Some(peak)) = (before, measure::resident_peak(pid)) else {
        return Ok(Verdict::NotMeasured);
    };
    let grown = peak.saturating_sub(before);
    ensure!(grown < GROWTH_MAX, "memory has grown by {grown} bytes");
    Ok(Verdict::Yes)
}
