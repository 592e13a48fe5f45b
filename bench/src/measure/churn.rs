//! The price of a client that connects, has one message echoed, and closes.

use crate::launch::{Launcher, Running};
use crate::process::Processor;
use crate::server::Server;
use crate::statistics::Summary;
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long one step of a client may take.
const STEP_MAX: Duration = Duration::from_secs(10);

/// How hard to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds; in each, every server has one slice.
    pub rounds: usize,
    /// Clients of a slice, one after the other.
    pub clients: usize,
}

/// What was seen of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Churn {
    /// Processor time of the server for one client, in microseconds.
    pub cpu: Summary,
    /// The same, the first server in the same round = 1.
    pub cpu_ratio: Summary,
    /// The same, tokio in the same round = 1, if tokio was there.
    pub tokio_ratio: Option<Summary>,
}

/// Measures `servers`, of which the first is what the others are compared to; one outcome for each, in their order.
///
/// # Errors
///
/// If a server or a client fails.
pub fn measure(
    launcher: &Launcher,
    servers: &[Server],
    effort: Effort,
) -> anyhow::Result<Vec<Churn>> {
    let running =
        servers.iter().map(|server| launcher.start(*server)).collect::<anyhow::Result<Vec<_>>>()?;
    let round = || {
        running
            .iter()
            .map(|running| slice(running, effort.clients))
            .collect::<anyhow::Result<Vec<_>>>()
    };
    round()?;
    let rounds = (0..effort.rounds).map(|_| round()).collect::<anyhow::Result<Vec<_>>>()?;
    let tokio = servers.iter().position(|server| *server == Server::Tokio);
    let each = |place: usize| {
        let ratio_to =
            |other: usize| Summary::of(rounds.iter().map(|round| round[place] / round[other]));
        Some(Churn {
            cpu: Summary::of(rounds.iter().map(|round| round[place]))?,
            cpu_ratio: ratio_to(0)?,
            tokio_ratio: tokio.and_then(ratio_to),
        })
    };
    (0..servers.len()).map(each).collect::<Option<_>>().context("no round was measured")
}

fn slice(server: &Running, clients: usize) -> anyhow::Result<f64> {
    let before = Processor::of(server.pid)?;
    for _ in 0..clients {
        visit(server.address)?;
    }
    Ok((Processor::of(server.pid)? - before).used.as_secs_f64() * 1e6 / clients as f64)
}

fn visit(server: SocketAddr) -> anyhow::Result<()> {
    let mut socket = TcpStream::connect_timeout(&server, STEP_MAX)?;
    socket.set_read_timeout(Some(STEP_MAX))?;
    let message = *b"connect, echo, close";
    let mut answer = [0; 20];
    socket.write_all(&message)?;
    socket.read_exact(&mut answer)?;
    ensure!(
        answer == message,
        "{:?} came back as {:?}",
        message.escape_ascii(),
        answer.escape_ascii()
    );
    Ok(())
}
