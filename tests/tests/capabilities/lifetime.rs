//! A server's start and end, seen from its port.

use crate::{check, echo_server, echo_server_with};
use anyhow::ensure;
use conformance::{Capability, Client, Column, PATIENCE, Process, Verdict};
use socket2::{Domain, Socket, Type};
use std::io::ErrorKind;
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

pub(crate) static RESTART: Capability = Capability::new(
    "a new server has the port of one that was killed with clients, at once",
    restart,
);

fn restart(column: &Column) -> anyhow::Result<Verdict> {
    let mut server = echo_server(column)?;
    let address = server.address();
    let mut client = Client::connect("client-1", address)?;
    client.echo(b"x")?;
    // The server's side ends first, so that its side of the connection is the one to sit in
    // TIME_WAIT.
    server.process_mut().kill()?;
    client.receive_to_end()?;
    drop(client);
    let unprepared = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let error = unprepared.bind(&address.into()).err().map(|error| error.kind());
    ensure!(
        error == Some(ErrorKind::AddrInUse),
        "no old connection holds the port, so nothing is tried: {error:?}"
    );
    let server = echo_server_with(column, &["--port", &address.port().to_string()])?;
    Client::connect("client-2", server.address())?.echo(b"x")?;
    Ok(Verdict::Yes)
}

/// SK-03: SO_REUSEADDR gets past connections in TIME_WAIT.
#[test]
fn a_new_server_has_the_port_of_a_killed_one_at_once() {
    check(&RESTART);
}

pub(crate) static PORT_IN_USE: Capability =
    Capability::new("a port in use is refused in one line that names the address", port_in_use);

fn port_in_use(column: &Column) -> anyhow::Result<Verdict> {
    let server = echo_server(column)?;
    let mut command = column.stage(Path::new(env!("CARGO_BIN_EXE_stage")), "echo");
    command.args(["--port", &server.address().port().to_string()]);
    let mut second = Process::spawn(&mut command, Stdio::null())?;
    let status = second.wait()?;
    ensure!(status.code() == Some(1), "ended with {status}");
    let message = second.stderr().wait_for_end()?;
    ensure!(
        message.starts_with(&format!("stage: {} is in use", server.address())),
        "said {message:?}"
    );
    ensure!(message.lines().count() == 1, "said {message:?}");
    ensure!(second.stdout().wait_for_end()?.is_empty(), "announced a port it does not have");
    // The first one has not noticed.
    Client::connect("client-1", server.address())?.echo(b"x")?;
    Ok(Verdict::Yes)
}

/// SK-03: SO_REUSEADDR does not get past a server that lives.
#[test]
fn a_port_in_use_is_refused_by_its_address() {
    check(&PORT_IN_USE);
}

pub(crate) static REFUSED: Capability = Capability::new(
    "once the server has gone, its clients see the end and new ones are refused",
    refused,
);

fn refused(column: &Column) -> anyhow::Result<Verdict> {
    let mut server = echo_server(column)?;
    let mut client = Client::connect("client-1", server.address())?;
    client.echo(b"x")?;
    server.process_mut().kill()?;
    ensure!(client.receive_to_end()?.is_empty());
    let error =
        TcpStream::connect_timeout(&server.address(), PATIENCE).err().map(|error| error.kind());
    ensure!(error == Some(ErrorKind::ConnectionRefused), "connecting gave {error:?}");
    Ok(Verdict::Yes)
}

/// SK-18: nobody listens there any more.
#[test]
fn a_server_that_has_gone_refuses_new_clients() {
    check(&REFUSED);
}
