//! The roles of the scenario server that not every layer plays.

use anyhow::{Context, Result, ensure};
use conformance::{COLUMNS, Client, Column, Process, Server, TEST_MAX, measure, within};
use socket2::{Domain, Socket, Type};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

const MIB: usize = 1024 * 1024;
/// How much a server's memory may grow, whatever its clients do not read.
const GROWTH_MAX: u64 = 4 * MIB as u64;

/// Plays a script against a role on each layer that has it, over both selectors.
fn on_each_layer(
    role: &str,
    arguments: &[&str],
    script: impl Fn(&Server) -> Result<()>,
) -> Result<()> {
    for column in COLUMNS.iter().filter(has_roles) {
        within(TEST_MAX, column.title, || {
            script(&Server::start(stage(column, role).args(arguments))?).context(column.title)
        })?;
    }
    Ok(())
}

fn stage(column: &Column, role: &str) -> Command {
    column.stage(Path::new(env!("CARGO_BIN_EXE_stage")), role)
}

fn has_roles(column: &&Column) -> bool {
    !["blocking", "busy-poll", "selector"].contains(&column.layer)
}

fn has_addresses(column: &&Column) -> bool {
    ["proto", "stream"].contains(&column.layer)
}

/// The greeting counts what this server has echoed, whoever sent it.
#[test]
fn a_greeting_tells_how_much_was_echoed() -> Result<()> {
    on_each_layer("greet", &[], |server| {
        let mut first = Client::connect("client-1", server.address())?;
        ensure!(first.receive_line()? == "000000\n");
        (0..3).try_for_each(|_| first.echo(b"x"))?;
        let mut second = Client::connect("client-2", server.address())?;
        ensure!(second.receive_line()? == "000003\n");
        second.echo(b"y")?;
        drop(first);
        let mut third = Client::connect("client-3", server.address())?;
        ensure!(third.receive_line()? == "000004\n");
        Ok(())
    })
}

/// SA-06: a send that the kernel takes in parts goes out to its end.
#[test]
fn a_flood_has_exactly_the_bytes_that_were_asked_for() -> Result<()> {
    for bytes in [0, 1, 65_536, 65_537, 10_000_019] {
        on_each_layer("flood", &["--bytes", &bytes.to_string()], |server| {
            for number in 1..=2 {
                let mut client = Client::connect(format!("client-{number}"), server.address())?;
                is_flood(&client.receive_to_end()?, bytes)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What a client does not read stays out of the server's memory, and keeps nobody waiting.
#[test]
fn a_flood_waits_for_a_slow_reader() -> Result<()> {
    const BYTES: usize = 48 * MIB;
    on_each_layer("flood", &["--bytes", &BYTES.to_string()], |server| {
        let pid = server.process().pid();
        is_flood(&Client::connect("client-1", server.address())?.receive_to_end()?, BYTES)?;
        let before = measure::resident(pid);
        let mut slow = Client::connect("slow", server.address())?;
        slow.receive(1)?;
        // By the end of this one, the server has sent the slow one all that the kernel takes.
        is_flood(&Client::connect("fast", server.address())?.receive_to_end()?, BYTES)?;
        is_flood(&slow.receive_to_end()?, BYTES - 1)?;
        if let (Some(before), Some(peak)) = (before, measure::resident_peak(pid)) {
            let grown = peak.saturating_sub(before);
            ensure!(grown < GROWTH_MAX, "memory has grown by {grown} bytes");
        }
        Ok(())
    })
}

/// FC-13: the whole flood is many times what the kernel keeps for one client.
#[test]
fn a_flood_of_256_mebibytes_to_a_stalled_reader_costs_less_than_8() -> Result<()> {
    const BYTES: usize = 256 * MIB;
    on_each_layer("flood", &["--bytes", &BYTES.to_string()], |server| {
        let pid = server.process().pid();
        let before = measure::resident(pid);
        let mut stalled = Client::connect("stalled", server.address())?;
        stalled.receive(1)?;
        let mut quick = Client::connect("quick", server.address())?;
        // By now the server has sent the stalled one all that the kernel takes.
        (0..64).try_for_each(|_| quick.receive(MIB).map(drop))?;
        if let (Some(before), Some(peak)) = (before, measure::resident_peak(pid)) {
            let grown = peak.saturating_sub(before);
            ensure!(grown < 8 * MIB as u64, "memory has grown by {grown} bytes");
        }
        Ok(())
    })
}

/// SA-19: a client that goes in the middle of a flood is one client lost.
#[test]
fn a_flood_that_is_broken_off_ends_nothing_else() -> Result<()> {
    on_each_layer("flood", &["--bytes", "20000000"], |server| {
        let mut rude = Client::connect("rude", server.address())?;
        rude.receive(1)?;
        rude.reset()?;
        is_flood(&Client::connect("client-2", server.address())?.receive_to_end()?, 20_000_000)
    })
}

/// A client that says at once that it will send nothing is sent everything all the same.
#[test]
fn a_flood_goes_on_after_a_half_close() -> Result<()> {
    on_each_layer("flood", &["--bytes", "10000000"], |server| {
        let mut client = Client::connect("client-1", server.address())?;
        client.finish()?;
        is_flood(&client.receive_to_end()?, 10_000_000)
    })
}

/// CC-02: the addresses are tried one after another, and the first that answers is the one.
#[test]
fn a_client_passes_over_addresses_that_refuse() -> Result<()> {
    let (refusing, listener) = (refusing()?, TcpListener::bind("127.0.0.1:0")?);
    let (address, listener) = (address_of(&refusing)?, listener.local_addr()?);
    for delay in [&[][..], &["--he-delay", "0.25"]] {
        let outcome = connect(&[&address, &listener.to_string()], delay)?;
        ensure!(outcome == (Some(0), format!("CONNECTED {listener}\n"), String::new()));
    }
    Ok(())
}

/// HE-06: when nobody answers, each address is named with its error, in the order of the attempts.
#[test]
fn a_client_names_every_address_that_has_failed() -> Result<()> {
    let (first, second) = (refusing()?, refusing()?);
    let (first, second) = (address_of(&first)?, address_of(&second)?);
    let (code, output, errors) = connect(&[&first, &second], &["--he-delay", "0.25"])?;
    ensure!((code, &*output) == (Some(1), ""), "ended with {code:?}: {output}");
    let errors: Vec<_> = errors.lines().collect();
    ensure!(errors.len() == 3, "said {errors:?}");
    for (error, address) in errors.iter().zip([&first, &second]) {
        let refused = format!("stage: cannot connect to {address}: Connection refused");
        ensure!(error.starts_with(&refused), "said {error:?}");
    }
    ensure!(errors[2] == "stage: none of the 2 attempts has connected", "said {errors:?}");
    Ok(())
}

/// Bound, but nobody listens there.
fn refusing() -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    Ok(socket)
}

fn address_of(socket: &Socket) -> Result<String> {
    Ok(socket.local_addr()?.as_socket().context("an IP address")?.to_string())
}

/// Runs the client to its end, on each layer that has one, over each selector: all must do the same.
fn connect(addresses: &[&str], more: &[&str]) -> Result<(Option<i32>, String, String)> {
    let mut outcomes = Vec::new();
    for column in COLUMNS.iter().filter(has_addresses) {
        let mut command = stage(column, "connect");
        command.args(addresses.iter().flat_map(|address| ["--addr", address]));
        let mut client = Process::spawn(command.args(more), Stdio::null())?;
        let status = client.wait()?;
        let (output, errors) = (client.stdout().wait_for_end()?, client.stderr().wait_for_end()?);
        outcomes.push((status.code(), output, errors));
    }
    ensure!(outcomes.windows(2).all(|two| two[0] == two[1]), "{outcomes:?}");
    outcomes.pop().context("a layer that connects")
}

/// UX-01: the path of a server that was killed is free for the next one; D-31 (UX-02): that of one
/// that lives is not.
#[test]
fn d_31_a_path_is_taken_from_the_dead_alone() -> Result<()> {
    for column in COLUMNS.iter().filter(has_addresses) {
        within(TEST_MAX, column.title, || {
            let directory = tempfile::tempdir()?;
            let path = directory.path().join("echo.socket");
            let serve =
                || Process::spawn(stage(column, "unix").arg("--path").arg(&path), Stdio::null());
            let mut dead = serve()?;
            dead.stdout().wait_for_line("LISTENING")?;
            dead.kill()?;
            ensure!(path.exists(), "what is left behind is there");
            let alive = serve()?;
            alive.stdout().wait_for_line("LISTENING")?;
            let mut second = serve()?;
            let (status, said) = (second.wait()?, second.stderr().wait_for_end()?);
            let expected = format!("stage: {} is in use", path.display());
            ensure!(status.code() == Some(1) && said.starts_with(&expected), "{status}: {said}");
            Client::connect_to_path("client-1", &path)?.echo(b"x")
        })?;
    }
    Ok(())
}

fn is_flood(received: &[u8], bytes: usize) -> Result<()> {
    ensure!(received.len() == bytes, "{} bytes instead of {bytes}", received.len());
    ensure!(received.iter().all(|byte| *byte == b'F'), "other bytes than F");
    Ok(())
}
