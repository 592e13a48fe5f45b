//! No descriptor left (EMFILE). The clients wait in the kernel's queue, so the listener stays
//! readable.

use crate::cost::rests;
use crate::{check, echo_server};
use anyhow::ensure;
use conformance::{Capability, Client, Column, Server, Verdict, measure};
use std::time::Duration;

/// How long a server is watched while it is full: several of its attempts.
const FULL: Duration = Duration::from_millis(600);

/// How much of a processor a server may want while it looks now and then whether a descriptor is
/// free. One that looks without rest wants all of it. One that looks ten times a second wants next
/// to none, but on a busy machine each look waits for its turn.
const RETRIES_SHARE_MAX: f64 = 0.5;

pub(crate) static WAIT_FOR_DESCRIPTOR: Capability = Capability::new(
    "without a free descriptor clients wait, the server says so once, and serves them when one is free",
    wait_for_descriptor,
);

fn wait_for_descriptor(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    let Some(clients) = exhaust(&server)? else { return Ok(Verdict::NotMeasured) };
    let _ = measure::processor_share(server.process().pid(), FULL);
    for client in &clients {
        ensure!(client.is_silent()?, "a client was served without a descriptor");
    }
    server.allow_descriptors(100)?;
    for mut client in clients {
        client.receive_back(b"x")?;
    }
    let said = server.process().stderr().text();
    ensure!(said.lines().count() == 1, "the server said {said:?}");

    // The same when nobody helps from outside: the last descriptor is taken, and a client that goes
    // gives it back.
    server.allow_descriptors(1)?;
    let mut first = Client::connect("first", server.address())?;
    first.echo(b"x")?;
    let mut second = Client::connect("second", server.address())?;
    second.send(b"x")?;
    first.turns()?;
    ensure!(second.is_silent()?, "there was one descriptor for two clients");
    drop(first);
    second.receive_back(b"x")?;
    Ok(Verdict::Yes)
}

#[test]
fn without_a_descriptor_clients_wait_until_one_is_free() {
    check(&WAIT_FOR_DESCRIPTOR);
}

pub(crate) static REST_WITHOUT_DESCRIPTOR: Capability = Capability::new(
    "without a free descriptor the server rests between two attempts",
    rest_without_descriptor,
)
.except(&[("busy-poll", "it asks its listener again in each round, and never rests anyway")]);

fn rest_without_descriptor(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    let Some(_clients) = exhaust(&server)? else { return Ok(Verdict::NotMeasured) };
    rests(&server, RETRIES_SHARE_MAX)
}

#[test]
fn without_a_descriptor_the_server_does_not_spin() {
    check(&REST_WITHOUT_DESCRIPTOR);
}

/// Takes all free descriptors from a server, and gives it three clients that have sent an `x`.
/// `None` where that cannot be done.
fn exhaust(server: &Server) -> anyhow::Result<Option<Vec<Client>>> {
    // A blocking accept has reserved its descriptor before it sleeps. This client takes that one,
    // and gives it back when there is no number for it any more.
    let mut last = Client::connect("last", server.address())?;
    last.turns()?;
    if !server.allow_descriptors(0)? {
        return Ok(None);
    }
    drop(last);
    let mut clients = Vec::new();
    for number in 1..=3 {
        let mut client = Client::connect(format!("client-{number}"), server.address())?;
        client.send(b"x")?;
        clients.push(client);
    }
    server.process().stderr().wait_for_line("cannot accept: ")?;
    Ok(Some(clients))
}
