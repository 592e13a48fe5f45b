//! The bytes that go out come back.

use crate::{check, echo_server, in_role};
use anyhow::{Context, ensure};
use conformance::{Capability, Client, Column, Signal, Verdict, pattern};
use std::net::SocketAddr;

pub(crate) static ONE_BYTE: Capability = Capability::new("one byte comes back", |column| {
    let server = echo_server(column)?;
    Client::connect("client-1", server.address())?.echo(b"x")?;
    // The listener is still of use.
    Client::connect("client-2", server.address())?.echo(b"y")?;
    Ok(Verdict::Yes)
});

/// SK-02: accepting a client leaves the listener as it was.
#[test]
fn one_byte_comes_back() {
    check(&ONE_BYTE);
}

pub(crate) static SEGMENTS: Capability =
    Capability::new("3,000 segments of one byte come back in order", |column| {
        let server = echo_server(column)?;
        let mut client = Client::connect("client-1", server.address())?;
        let sent = pattern(3000);
        // The socket does not wait to fill a segment: each byte travels alone unless it meets
        // another in a buffer.
        sent.iter().try_for_each(|byte| client.send(&[*byte]))?;
        client.receive_back(&sent)?;
        Ok(Verdict::Yes)
    });

/// SK-04: TCP moves bytes and keeps no boundaries.
#[test]
fn three_thousand_one_byte_segments_come_back_in_order() {
    check(&SEGMENTS);
}

pub(crate) static HALF_CLOSE: Capability = Capability::new(
    "a client that has sent its last byte still gets every answer, then end of file",
    half_close,
);

fn half_close(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    let mut witness = Client::connect("witness", server.address())?;
    witness.turns()?;
    let mut beside = Client::connect("beside", server.address())?;
    let mut witness = witness.is_served_beside(&mut beside)?.then_some(witness);
    drop(beside);
    // From answers that the kernel takes at once to answers that the server must keep when the end
    // of file comes, in steps that are smaller than what a server keeps.
    for size in (1..).map(|step| step * 48 * 1024) {
        let bytes = pattern(size);
        let mut client = Client::connect(format!("client of {size} bytes"), server.address())?;
        let sent = client.send_until_stuck(&bytes)?;
        client.finish()?;
        // By now the server has read all that it is willing to read. (One that serves in turn has
        // no witness.)
        witness.as_mut().map_or(Ok(()), Client::turns)?;
        client.receive_back(&bytes[..sent])?;
        let rest = client.receive_to_end()?;
        ensure!(rest.is_empty(), "{} bytes too many", rest.len());
        if sent < size {
            return Ok(Verdict::Yes);
        }
    }
    anyhow::bail!("the server takes without end")
}

/// SK-05, SK-16: shutting down the sending side is the end of file for the peer, which can still
/// send.
#[test]
fn half_close_leaves_the_way_back_open() {
    check(&HALF_CLOSE);
}

pub(crate) static BEHIND_URGENT: Capability =
    Capability::new("bytes behind an urgent byte come back", behind_urgent);

fn behind_urgent(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    let mut client = Client::connect("client-1", server.address())?;
    client.echo(b"x")?;
    // All of it arrives before the server looks, so it is reported once.
    server.process().halt()?;
    client.send(b"abc")?;
    client.send_urgent(b'!')?;
    client.send(b"def")?;
    server.process().signal(Signal::CONT)?;
    client.receive_back(b"abcdef")?;
    Ok(Verdict::Yes)
}

/// SK-04: a receive stops at an urgent byte, so a short one does not say that nothing is left.
#[test]
fn bytes_behind_an_urgent_byte_come_back() {
    check(&BEHIND_URGENT);
}

pub(crate) static CLOSED: Capability = Capability::new(
    "32 MiB that were written without waiting, and then closed, reach a slow reader whole",
    closed,
)
.except(&[
    ("blocking", ONE_BY_ONE),
    ("busy-poll", ONE_BY_ONE),
    ("selector", ONE_BY_ONE),
    ("sock", "who sends waits until the kernel has taken all of it, so a close finds nothing left"),
]);

const ONE_BY_ONE: &str =
    "it sends nothing but answers, and while one of them waits for room it makes no other";

fn closed(column: &Column) -> anyhow::Result<Verdict> {
    const BYTES: usize = 32 * 1024 * 1024;
    let bytes = BYTES.to_string();
    let arguments = ["--bytes".as_ref(), bytes.as_ref()];
    let Some((_server, port)) = in_role(column, "floodclose", &arguments)? else {
        return Ok(Verdict::No);
    };
    let address = SocketAddr::from(([127, 0, 0, 1], port.parse().context("a port")?));
    let mut slow = Client::connect("slow", address)?;
    slow.receive(1)?;
    // By the end of this one, the server has closed the other one, too.
    is_flood(&Client::connect("fast", address)?.receive_to_end()?, BYTES)?;
    is_flood(&slow.receive_to_end()?, BYTES - 1)?;
    Ok(Verdict::Yes)
}

fn is_flood(received: &[u8], bytes: usize) -> anyhow::Result<()> {
    ensure!(received.len() == bytes, "{} bytes instead of {bytes}", received.len());
    ensure!(received.iter().all(|byte| *byte == b'F'), "other bytes than F");
    Ok(())
}

/// TR-26: a close sends everything that was written before.
#[test]
fn what_was_written_before_a_close_arrives() {
    check(&CLOSED);
}
