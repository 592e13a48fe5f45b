//! A client that has the choice between several addresses.

use crate::arguments::Arguments;
use crate::role::Layer;
use anyhow::{Error, Result, anyhow};
use chapter_01::{Log, resolve};
use chapter_04::{FutureCell, run_with};
use chapter_05::{
    Address, BaseProtocol, ConnectErrors, ConnectOptions, ConnectionError, Protocol, RaceOptions,
    Transport, create_connection,
};
use chapter_06::{StreamLimits, open_connection};
use std::io::{self, Write};
use std::rc::Rc;

/// Connects to one of the addresses, says to which, and closes.
pub(crate) fn play(arguments: Arguments) -> Result<()> {
    let mut addresses = Vec::new();
    for text in &arguments.addresses {
        addresses.extend(resolve(text)?);
    }
    let race = RaceOptions { delay: arguments.he_delay, interleave: None };
    let to = ConnectOptions::addresses(addresses).race(race);
    run_with(arguments.selector, async move {
        match arguments.layer {
            Layer::Stream => visit_by_stream(to).await,
            _ => visit_by_transport(to).await,
        }
    })?
}

async fn visit_by_transport(to: ConnectOptions) -> Result<()> {
    let lost = FutureCell::new();
    let connected = create_connection(|| Visit { lost: lost.clone() }, to).await;
    let (transport, _) = connected.map_err(report)?;
    announce(transport.peer_address())?;
    transport.close();
    // Nobody fails or cancels it.
    let _ = lost.await;
    Ok(())
}

async fn visit_by_stream(to: ConnectOptions) -> Result<()> {
    let connected = open_connection(to, StreamLimits::default()).await;
    let (_reader, writer) = connected.map_err(report)?;
    announce(writer.peer_address())?;
    // Nothing was written that could be lost.
    let _ = writer.close().await;
    Ok(())
}

fn announce(address: &Address) -> io::Result<()> {
    writeln!(io::stdout(), "CONNECTED {address}")
}

/// Says what each attempt has failed with, and makes one error of them all.
fn report(failures: ConnectErrors) -> Error {
    let errors = failures.errors();
    errors.iter().for_each(|error| Log::report(format_args!("stage: {error}")));
    anyhow!("none of the {} attempts has connected", errors.len())
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
