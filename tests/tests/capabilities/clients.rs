//! Many clients at a time.

use crate::{check, echo_server, echo_server_with};
use conformance::{Capability, Client, Column, Signal, Verdict, pattern};

const ONE_AT_A_TIME: &str =
    "the one thread sleeps in the first client's recv, and nobody else is accepted meanwhile";

pub(crate) static SECOND_CLIENT: Capability =
    Capability::new("a second client is served while the first is silent", second_client)
        .except(&[("blocking", ONE_AT_A_TIME)]);

fn second_client(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    let mut first = Client::connect("client-1", server.address())?;
    first.echo(b"x")?;
    let mut second = Client::connect("client-2", server.address())?;
    if first.is_served_beside(&mut second)? {
        return Ok(Verdict::Yes);
    }
    // It was only kept waiting: its turn comes when the first has gone.
    drop(first);
    second.receive_back(b"2")?;
    Ok(Verdict::No)
}

/// SK-07, SK-11: one client holds up the others on the blocking layer, and on no other.
#[test]
fn a_second_client_is_served_while_the_first_is_silent() {
    check(&SECOND_CLIENT);
}

pub(crate) static FIVE_HUNDRED: Capability =
    Capability::new("500 clients are served at once", five_hundred)
        .except(&[("blocking", ONE_AT_A_TIME)]);

fn five_hundred(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server_with(column, &["--backlog", "512"])?;
    let mut first = Client::connect("client-1", server.address())?;
    first.echo(b"x")?;
    let mut second = Client::connect("client-2", server.address())?;
    if !first.is_served_beside(&mut second)? {
        return Ok(Verdict::No);
    }
    let mut clients = vec![first, second];
    for number in 3..=500 {
        clients.push(Client::connect(format!("client-{number}"), server.address())?);
    }
    // All of them ask before the first one listens, twice.
    for message in [b"first ", b"second"] {
        clients.iter_mut().try_for_each(|client| client.send(message))?;
        clients.iter_mut().try_for_each(|client| client.receive_back(message))?;
    }
    Ok(Verdict::Yes)
}

/// SK-11: polling without rest is costly, but correct.
#[test]
fn five_hundred_clients_are_served_at_once() {
    check(&FIVE_HUNDRED);
}

pub(crate) static SLOW_READER: Capability = Capability::new(
    "a client that does not read holds up nobody",
    slow_reader,
)
.except(&[("blocking", "the one thread sleeps in that client's send until the client reads")]);

fn slow_reader(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    let mut slow = Client::connect("slow", server.address())?;
    let bytes = pattern(64 * 1024 * 1024);
    let stuck = |slow: &mut Client| {
        let sent = slow.send_until_stuck(&bytes)?;
        anyhow::ensure!(
            sent < bytes.len(),
            "the server has taken {sent} bytes of a client that reads nothing"
        );
        Ok(sent)
    };
    let sent = stuck(&mut slow)?;
    let mut fast = Client::connect("fast", server.address())?;
    fast.send(b"x")?;
    // The slow one reads at last and has some turns: by then the server would have answered the
    // fast one.
    slow.receive_back(&bytes[..sent])?;
    slow.turns()?;
    if fast.is_silent()? {
        drop(slow);
        fast.receive_back(b"x")?;
        return Ok(Verdict::No);
    }
    fast.receive_back(b"x")?;
    // Again, and now the slow one reads nothing at all.
    stuck(&mut slow)?;
    fast.turns()?;
    Ok(Verdict::Yes)
}

#[test]
fn a_slow_reader_holds_up_nobody() {
    check(&SLOW_READER);
}

pub(crate) static BACKLOG: Capability =
    Capability::new("clients that came before the server could accept are all served", backlog);

fn backlog(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server_with(column, &["--backlog", "60"])?;
    server.process().halt()?;
    let mut clients = Vec::new();
    // The kernel finishes these connections by itself.
    for number in 1..=50 {
        let mut client = Client::connect(format!("client-{number}"), server.address())?;
        client.send(b"x")?;
        clients.push(client);
    }
    server.process().signal(Signal::CONT)?;
    for mut client in clients {
        client.receive_back(b"x")?;
    }
    Ok(Verdict::Yes)
}

/// SK-14: the kernel completes connections up to the backlog and keeps what they send.
#[test]
fn clients_that_came_before_the_server_could_accept_are_served() {
    check(&BACKLOG);
}
