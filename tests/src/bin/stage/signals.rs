//! What ends a server.

use crate::{GRACE, announce};
use anyhow::{Context, Result};
use chapter_04::{Either, FutureCell, race, running_loop, signal};
use chapter_05::{Address, Server};
use std::time::Duration;

/// The signals that a server is ended by. They are listened to before it is announced.
pub(crate) struct Signals {
    interrupted: FutureCell<()>,
    terminated: FutureCell<()>,
}

impl Signals {
    pub(crate) fn listen() -> Result<Signals> {
        let event_loop = running_loop()?;
        let interrupted = event_loop.signal_arrival(signal::SIGINT)?;
        let terminated = event_loop.signal_arrival(signal::SIGTERM)?;
        Ok(Signals { interrupted, terminated })
    }

    /// Says where the server listens, and serves until SIGTERM, which leaves the connections
    /// [`GRACE`], or SIGINT, which does not.
    pub(crate) async fn serve(self, server: &Server) -> Result<()> {
        match server.addresses().first().context("a server listens somewhere")? {
            Address::Ip(address) => announce(address.port())?,
            place => announce(place)?,
        }
        let in_order = async {
            // A server is also closed by a listener that is broken, which it has reported.
            race(self.terminated, server.wait_closed()).await;
            server.shutdown(GRACE).await;
        };
        if let Either::First(_) = race(self.interrupted, in_order).await {
            server.shutdown(Duration::ZERO).await;
        }
        Ok(())
    }
}
