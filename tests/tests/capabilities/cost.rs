//! What a server wants of a processor when there is nothing to do.

use crate::{check, echo_server};
use conformance::{Capability, Client, Column, Server, Verdict, measure, pattern};
use std::time::Duration;

/// How much of a processor a server may want that has nothing to do.
const IDLE_SHARE_MAX: f64 = 0.025;
/// From which share on a server counts as one that never rests.
const BUSY_SHARE_MIN: f64 = 0.9;
/// Long against the time slices of a scheduler.
const WINDOW: Duration = Duration::from_millis(600);
/// How many windows a server is watched until one of them is clear.
const WINDOWS: usize = 8;

const NEVER_RESTS: &str =
    "it asks each socket again and again, whether or not there is anything to do";

/// Whether a server wants at most `share_max` of a processor. The other answer is that it wants all
/// of it: what lies between the two, window after window, is an error.
pub(crate) fn rests(server: &Server, share_max: f64) -> anyhow::Result<Verdict> {
    let mut shares = Vec::new();
    while shares.len() < WINDOWS {
        let Some(share) = measure::processor_share(server.process().pid(), WINDOW) else {
            return Ok(Verdict::NotMeasured);
        };
        if share < share_max {
            return Ok(Verdict::Yes);
        }
        if share > BUSY_SHARE_MIN {
            return Ok(Verdict::No);
        }
        shares.push(share);
    }
    anyhow::bail!("it neither rests nor never rests: shares of a processor {shares:.3?}")
}

pub(crate) static IDLE: Capability =
    Capability::new("100 idle clients cost no processor time", idle)
        .except(&[("busy-poll", NEVER_RESTS)]);

fn idle(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    let _clients = hundred_idle(&server)?;
    rests(&server, IDLE_SHARE_MAX)
}

/// SK-11, SE-11: below 2.5 % of a processor, or above 90 % if the server polls without rest.
#[test]
fn a_hundred_idle_clients_cost_no_processor_time() {
    check(&IDLE);
}

pub(crate) static URGENT: Capability =
    Capability::new("an urgent byte does not keep an idle server busy", urgent)
        .except(&[("busy-poll", NEVER_RESTS)]);

fn urgent(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    let mut client = Client::connect("client-1", server.address())?;
    client.turns()?;
    let mut witness = Client::connect("witness", server.address())?;
    let beside = client.is_served_beside(&mut witness)?;
    client.send_urgent(b'!')?;
    if beside {
        // The server has been told of the byte. (One that serves in turn sleeps in the first
        // client's recv.)
        witness.turns()?;
    }
    rests(&server, IDLE_SHARE_MAX)
}

/// SE-11: a level-triggered selector reports an urgent byte until a receive has passed it.
#[test]
fn an_urgent_byte_does_not_keep_an_idle_server_busy() {
    check(&URGENT);
}

pub(crate) static STUCK: Capability =
    Capability::new("a client that does not read costs no processor time", stuck)
        .except(&[("busy-poll", NEVER_RESTS)]);

fn stuck(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    let mut client = Client::connect("client-1", server.address())?;
    client.turns()?;
    let bytes = pattern(64 * 1024 * 1024);
    anyhow::ensure!(client.send_until_stuck(&bytes)? < bytes.len(), "the server takes without end");
    rests(&server, IDLE_SHARE_MAX)
}

/// SE-11: input that the server does not want yet must not wake it.
#[test]
fn a_client_that_does_not_read_costs_no_processor_time() {
    check(&STUCK);
}

/// A hundred clients that have each sent a byte and wait for nothing more, of a server that has
/// done all it can.
fn hundred_idle(server: &Server) -> anyhow::Result<Vec<Client>> {
    let mut clients = Vec::new();
    for number in 1..=100 {
        let mut client = Client::connect(format!("client-{number}"), server.address())?;
        client.send(b"x")?;
        clients.push(client);
    }
    clients[0].receive_back(b"x")?;
    clients[0].turns()?;
    Ok(clients)
}
