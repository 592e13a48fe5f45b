//! A client that has the choice between several addresses.

use crate::arguments::Arguments;
use anyhow::{Result, bail};
use chapter_01::{Log, resolve};
use chapter_04::{FutureCell, run_with};
use chapter_05::{
    BaseProtocol, ConnectOptions, ConnectionError, Protocol, RaceOptions, Transport,
    create_connection,
};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;

/// Connects to one of the addresses, says to which, and closes.
pub(crate) fn play(arguments: Arguments) -> Result<()> {
    let mut addresses = Vec::new();
    for text in &arguments.addresses {
        addresses.extend(resolve(text)?);
    }
    let race = RaceOptions { delay: arguments.he_delay, interleave: None };
    run_with(arguments.selector, visit_one(addresses, race))?
}

async fn visit_one(addresses: Vec<SocketAddr>, race: RaceOptions) -> Result<()> {
    let to = ConnectOptions::addresses(addresses).race(race);
    let lost = FutureCell::new();
    match create_connection(|| Visit { lost: lost.clone() }, to).await {
        Ok((transport, _)) => {
            writeln!(io::stdout(), "CONNECTED {}", transport.peer_address())?;
            transport.close();
            // Nobody fails or cancels it.
            let _ = lost.await;
            Ok(())
        }
        Err(failures) => {
            let errors = failures.errors();
            errors.iter().for_each(|error| Log::report(format_args!("stage: {error}")));
            bail!("none of the {} attempts has connected", errors.len())
        }
    }
}

struct Visit {
    lost: FutureCell<()>,
}

impl BaseProtocol for Visit {
    fn connection_lost(&mut self, _: &Rc<dyn Transport>, _: Option<ConnectionError>) {
        self.lost.set_result(()).expect("a connection is lost once");
    }
}

impl Protocol for Visit {}
