//! The servers on the transports of chapter 05.

use crate::arguments::Arguments;
use crate::flood::{Flood, FloodClose};
use crate::greet::Greet;
use crate::role::Role;
use crate::{GRACE, announce};
use anyhow::{Context, Result};
use chapter_01::Log;
use chapter_04::{Either, FutureCell, race, run_with, running_loop, signal};
use chapter_05::{
    Address, Echo, Server, ServerOptions, UnixServerOptions, create_server, create_unix_server,
};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

pub(crate) fn play(arguments: Arguments) -> Result<()> {
    run_with(arguments.selector, async move {
        let signals = Signals::listen()?;
        let (bytes, at) = (arguments.bytes, listen_at(&arguments));
        let server = match arguments.role {
            Role::Echo => create_server(|| Echo::new(Log::Quiet), at).await?,
            Role::Greet => {
                let echoed = Rc::new(Cell::new(0));
                create_server(move || Greet::new(Rc::clone(&echoed)), at).await?
            }
            Role::Flood => create_server(move || Flood::new(bytes), at).await?,
            Role::FloodClose => create_server(move || FloodClose::new(bytes), at).await?,
            Role::Unix => {
                let at = UnixServerOptions::path(arguments.path).backlog(arguments.backlog);
                create_unix_server(|| Echo::new(Log::Quiet), at).await?
            }
            Role::Connect => unreachable!("it is no server"),
        };
        match server.addresses().first().context("a server listens somewhere")? {
            Address::Ip(address) => announce(address.port())?,
            place => announce(place)?,
        }
        signals.serve(&server).await;
        Ok(())
    })?
}

/// There is one port number to announce, however many addresses the host has.
fn listen_at(arguments: &Arguments) -> ServerOptions {
    let Arguments { host, port, backlog, .. } = arguments;
    let at = match host.as_str() {
        "*" => ServerOptions::any(*port),
        host => ServerOptions::host(host.trim_matches(['[', ']']), *port),
    };
    at.same_port(true).backlog(*backlog)
}

/// What ends a server.
struct Signals {
    interrupted: FutureCell<()>,
    terminated: FutureCell<()>,
}

impl Signals {
    fn listen() -> Result<Signals> {
        let event_loop = running_loop()?;
        let interrupted = event_loop.signal_arrival(signal::SIGINT)?;
        let terminated = event_loop.signal_arrival(signal::SIGTERM)?;
        Ok(Signals { interrupted, terminated })
    }

    /// Serves until SIGTERM, which leaves the connections [`GRACE`], or SIGINT, which does not.
    async fn serve(self, server: &Server) {
        let in_order = async {
            // A server is also closed by a listener that is broken, which it has reported.
            race(self.terminated, server.wait_closed()).await;
            server.shutdown(GRACE).await;
        };
        if let Either::First(_) = race(self.interrupted, in_order).await {
            server.shutdown(Duration::ZERO).await;
        }
    }
}
