//! New clients against those who are there.

use crate::{STAGE, check};
use conformance::{Capability, Client, Column, Server, Signal, Verdict};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::Stdio;

/// How many clients connect at once: as many as any kernel queues.
const FLOOD: usize = 120;
/// How many of them the server has descriptors for.
const ACCEPTED_MAX: usize = 100;

pub(crate) static FAIR: Capability =
    Capability::new("a client that is there is served before 100 new ones are accepted", fair);

/// The 101st new client makes the server complain of descriptors. Its standard error is a pipe that
/// is full, so there it stands still for ever: who is served is served before.
fn fair(column: &Column) -> anyhow::Result<Verdict> {
    let (_unread, full) = full_pipe()?;
    let mut command = column.stage(Path::new(STAGE), "echo");
    command.args(["--backlog", &FLOOD.to_string()]);
    let server = Server::start_with_stderr(&mut command, Stdio::from(full))?;
    let mut client = Client::connect("client-1", server.address())?;
    client.turns()?;
    let mut witness = Client::connect("witness", server.address())?;
    if client.is_served_beside(&mut witness)? {
        // A level-triggered kernel keeps who was reported last at the head of its list, until it is
        // asked again. Now it is the witness.
        witness.turns()?;
    }
    if !server.allow_descriptors(2 + ACCEPTED_MAX)? {
        return Ok(Verdict::NotMeasured);
    }
    server.process().halt()?;
    let mut flood = Vec::new();
    for number in 1..=FLOOD {
        flood.push(Client::connect(format!("new-{number}"), server.address())?);
    }
    // Last, so that the kernel reports the listener first.
    client.send(b"x")?;
    server.process().signal(Signal::CONT)?;
    client.receive_back(b"x")?;
    Ok(Verdict::Yes)
}

/// D-01 (SA-09): a loop around accept gives way to the clients that are there.
#[test]
fn d_01_a_flood_of_connections_does_not_starve_a_client() {
    check(&FAIR);
}

/// A pipe that takes no byte more. The end that reads must be kept.
fn full_pipe() -> anyhow::Result<(io::PipeReader, io::PipeWriter)> {
    let (reader, mut writer) = io::pipe()?;
    rustix::io::ioctl_fionbio(&writer, true)?;
    for piece in [&[b'.'; 4096][..], b"."] {
        loop {
            match writer.write(piece) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    rustix::io::ioctl_fionbio(&writer, false)?;
    Ok((reader, writer))
}
