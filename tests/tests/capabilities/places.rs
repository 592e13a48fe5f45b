//! Where a server listens, and where a client may connect.

use crate::black_hole::BlackHole;
use crate::{check, echo_server, echo_server_with, in_role};
use anyhow::ensure;
use conformance::{Capability, Client, Column, PATIENCE, Verdict, pattern};
use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};

pub(crate) static BOTH_FAMILIES: Capability =
    Capability::new("both IP families are served, at one port number", both_families).except(&[
        ("blocking", ONE_LISTENER),
        ("busy-poll", ONE_LISTENER),
        ("selector", ONE_LISTENER),
        ("sock", ONE_LISTENER),
    ]);

const ONE_LISTENER: &str = "it has one listening socket, and that has one family";

fn both_families(column: &Column) -> anyhow::Result<Verdict> {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return Ok(Verdict::NotMeasured);
    }
    let server = echo_server_with(column, &["--host", "*"])?;
    Client::connect("client-1", server.address())?.echo(b"4")?;
    let six = SocketAddr::from((Ipv6Addr::LOCALHOST, server.address().port()));
    match TcpStream::connect_timeout(&six, PATIENCE) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(Verdict::No),
        Err(error) => Err(error.into()),
        Ok(_) => {
            Client::connect("client-2", six)?.echo(b"6")?;
            Ok(Verdict::Yes)
        }
    }
}

/// CS-02, CS-05, and D-39: where asyncio takes two port numbers for port 0, one is enough.
#[test]
fn d_39_both_families_are_served_at_one_port_number() {
    check(&BOTH_FAMILIES);
}

pub(crate) static PATH: Capability =
    Capability::new("a path of the file system is served, and gone with the server", path).except(
        &[("blocking", ONLY_IP), ("busy-poll", ONLY_IP), ("selector", ONLY_IP), ("sock", ONLY_IP)],
    );

const ONLY_IP: &str = "its server listens at an IP address";

fn path(column: &Column) -> anyhow::Result<Verdict> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("echo.socket");
    let Some((mut server, place)) = in_role(column, "unix", &["--path".as_ref(), path.as_ref()])?
    else {
        return Ok(Verdict::No);
    };
    ensure!(path.as_os_str() == &*place, "listens at {place:?}");
    let mut first = Client::connect_to_path("client-1", &path)?;
    first.turns()?;
    let mut second = Client::connect_to_path("client-2", &path)?;
    ensure!(first.is_served_beside(&mut second)?, "client-2 has to wait for client-1");
    let bytes = pattern(8 * 1024 * 1024);
    let sent = first.send_until_stuck(&bytes)?;
    first.send_rest_and_receive_back(&bytes, sent)?;
    server.signal(conformance::Signal::TERM)?;
    first.finish()?;
    second.finish()?;
    ensure!(first.receive_to_end()?.is_empty() && second.receive_to_end()?.is_empty());
    let status = server.wait()?;
    ensure!(status.code() == Some(0), "ended with {status}");
    ensure!(!path.exists(), "the path is left behind");
    Ok(Verdict::Yes)
}

/// UX-03, UX-06: a Unix socket is served as any other.
#[test]
fn a_path_is_served() {
    check(&PATH);
}

pub(crate) static CHOICE: Capability =
    Capability::new("a client passes over an address that does not answer", choice).except(&[
        ("blocking", NO_CLIENT),
        ("busy-poll", NO_CLIENT),
        ("selector", NO_CLIENT),
        ("sock", ONE_ATTEMPT),
    ]);

const NO_CLIENT: &str = "it has a server and no client";
const ONE_ATTEMPT: &str = "it connects to one address";

/// Connecting to the first address takes the kernel about two minutes, which nobody here waits for.
fn choice(column: &Column) -> anyhow::Result<Verdict> {
    if !cfg!(target_os = "linux") {
        // How full a listener is can be asked there alone.
        return Ok(Verdict::NotMeasured);
    }
    let (silent, server) = (BlackHole::new(), echo_server(column)?);
    let (first, second) = (silent.address.to_string(), server.address().to_string());
    let arguments = ["--addr", &first, "--addr", &second, "--he-delay", "0.05"];
    let Some((mut client, connected)) = in_role(column, "connect", &arguments.map(str::as_ref))?
    else {
        return Ok(Verdict::No);
    };
    let (status, said) = (client.wait()?, client.stderr().wait_for_end()?);
    ensure!(status.code() == Some(0) && said.is_empty(), "ended with {status}: {said}");
    ensure!(connected == second, "connected to {connected}");
    Ok(Verdict::Yes)
}

/// HE-03: the next address is tried beside one that keeps silent.
#[test]
fn a_silent_address_is_passed_over() {
    check(&CHOICE);
}
