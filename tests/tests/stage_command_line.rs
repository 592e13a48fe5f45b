//! The scenario server's command line, apart from what it serves.

use anyhow::ensure;
use conformance::{COLUMNS, Client, Process, Server, Signal, TEST_MAX, within};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

fn stage(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stage"));
    command.args(arguments.split_whitespace());
    command
}

#[test]
fn what_is_not_understood_is_refused_by_its_name() -> anyhow::Result<()> {
    let cases = [
        ("juggle --layer blocking", "there is no role \"juggle\""),
        ("echo --layer attic", "there is no layer \"attic\""),
        ("greet --layer blocking", "role \"greet\" is not in this layer"),
        ("echo --layer blocking --limit 3", "option --limit is not in this layer"),
        (
            "collect --layer sock",
            "role \"collect\" is not in this layer: choose echo, greet or flood",
        ),
        ("flood --layer selector", "role \"flood\" is not in this layer: choose echo"),
        ("echo --layer sock --delay 1", "option --delay is not in this layer"),
        ("echo --layer sock --bytes 1", "option --bytes is not for this role"),
        ("flood --layer sock --bytes many", "many"),
        ("echo --layer sock --path p", "option --path is not in this layer: no role of it"),
        ("echo --layer proto --path p", "option --path is not for this role: only unix takes one"),
        ("echo --layer proto --limit 3", "option --limit is not in this layer"),
        ("line --layer proto", "role \"line\" is not in this layer: choose echo, greet, "),
        ("connect --layer sock --addr 127.0.0.1:1", "role \"connect\" is not in this layer"),
        ("connect --layer proto", "where to? give --addr HOST:PORT"),
        ("connect --layer proto --port 1", "option --port is not for this role: echo, greet, "),
        ("connect --layer proto --addr 127.0.0.1:1 --he-delay -1", "\"-1\""),
        ("connect --layer proto --addr 127.0.0.1:1 --he-delay soon", "soon"),
        ("echo --layer stream --limit 0", "the limit of a stream cannot be zero"),
        ("echo --layer stream --limit many", "many"),
        ("connect --layer stream --addr 127.0.0.1:1 --limit 9", "option --limit is not for this"),
        ("echo --layer stream --delay 1", "option --delay is not for this role: only collect"),
        ("collect --layer stream --delay -1", "\"-1\""),
        ("tiny --layer stream --bytes 9", "this role: flood and floodclose take one"),
        ("tiny --layer stream --path p", "option --path is not for this role: only unix takes one"),
        ("unix --layer stream", "where? give --path PATH"),
        ("juggle --layer stream", "there is no role \"juggle\": choose echo, greet, "),
        ("unix --layer proto", "where? give --path PATH"),
        ("unix --layer proto --path p --host localhost", "option --host is not for this role"),
        ("echo --layer busy-poll --selector mio", "option --selector is not in this layer"),
        ("echo --layer selector --selector crystal-ball", "crystal-ball"),
        ("echo --layer blocking --loud", "'--loud'"),
        ("echo --layer blocking --port 65536", "65536"),
        ("echo --layer blocking again", "\"again\""),
        ("echo", "which layer?"),
        ("--layer blocking", "which role?"),
    ];
    cases.iter().try_for_each(|(arguments, expected)| ends_with(2, arguments, expected))
}

#[test]
fn an_address_that_cannot_be_had_ends_it_with_code_one() -> anyhow::Result<()> {
    ends_with(1, "echo --layer blocking --host no-such-host.invalid", "no-such-host.invalid")?;
    ends_with(1, "echo --layer selector --host 192.0.2.77", "192.0.2.77:0")?;
    ends_with(1, "echo --layer sock --host 192.0.2.77", "192.0.2.77:0")?;
    for layer in ["proto", "stream"] {
        let on_layer = |rest: &str| format!("{rest} --layer {layer}");
        ends_with(1, &on_layer("echo --host 192.0.2.77"), "192.0.2.77:0")?;
        ends_with(1, &on_layer("echo --host no-such-host.invalid"), "no-such-host.invalid")?;
        ends_with(1, &on_layer("unix --path /no/such/directory"), "/no/such/directory")?;
        ends_with(1, &on_layer("connect --addr 127.0.0.1"), "\"127.0.0.1\" is no address")?;
    }
    Ok(())
}

/// Runs `stage` to its end: it names `expected` in one line and has this exit code.
fn ends_with(code: i32, arguments: &str, expected: &str) -> anyhow::Result<()> {
    within(TEST_MAX, arguments, || {
        let mut process = Process::spawn(&mut stage(arguments), Stdio::null())?;
        let status = process.wait()?;
        let message = process.stderr().wait_for_end()?;
        ensure!(status.code() == Some(code), "`{arguments}` ended with {status}");
        ensure!(
            message.contains(expected) && message.lines().count() == 1,
            "`{arguments}` said {message:?}"
        );
        Ok(())
    })
}

/// A layer with a loop hears a signal and ends in order; the others are ended.
#[test]
fn every_layer_ends_on_sigint_and_sigterm() -> anyhow::Result<()> {
    for column in &COLUMNS {
        for signal in [Signal::INT, Signal::TERM] {
            within(TEST_MAX, column.title, || {
                let mut command = column.stage(Path::new(env!("CARGO_BIN_EXE_stage")), "echo");
                let mut server = Server::start(&mut command)?;
                Client::connect("client-1", server.address())?.echo(b"x")?;
                server.process().signal(signal)?;
                let status = server.process_mut().wait()?;
                let as_expected = match column.layer {
                    "blocking" | "busy-poll" | "selector" => {
                        status.signal() == Some(signal.as_raw())
                    }
                    _ => status.code() == Some(0),
                };
                ensure!(as_expected, "{}: ended with {status}", column.title);
                let said = server.process().stderr().wait_for_end()?;
                ensure!(said.is_empty(), "{}: said {said:?}", column.title);
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// SK-19: a star is any address of this machine.
#[test]
fn a_star_listens_on_every_address() -> anyhow::Result<()> {
    within(TEST_MAX, "a star", || {
        for layer in ["selector", "proto", "stream"] {
            let server = Server::start(stage("echo --host * --layer").arg(layer))?;
            for host in [[127, 0, 0, 1], [127, 1, 2, 3]] {
                Client::connect("client-1", (host, server.address().port()).into())?.echo(b"x")?;
            }
        }
        Ok(())
    })
}
