use chapter_04::{Family, LoopHandle};
use socket2::Socket;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// Where a socket is bound before it connects: one of the addresses of a host of this machine.
#[derive(Debug)]
pub(crate) struct LocalAddress {
    host: String,
    addresses: Vec<SocketAddr>,
}

impl LocalAddress {
    pub(crate) async fn resolve(
        event_loop: &LoopHandle,
        host: String,
        port: u16,
        family: Family,
    ) -> io::Result<LocalAddress> {
        let addresses = event_loop.getaddrinfo(&host, port, family).await?;
        Ok(LocalAddress { host, addresses })
    }

    /// Binds a socket to the first address that can be had. Those of another family than the one
    /// that it is to connect to are skipped (CC-04).
    ///
    /// # Errors
    ///
    /// The last refusal, or there is no address of that family.
    pub(crate) fn bind(&self, socket: &Socket, to: SocketAddr) -> io::Result<()> {
        let mut outcome = Err(self.no_address_for(to));
        for local in self.addresses.iter().filter(|local| local.is_ipv4() == to.is_ipv4()) {
            outcome = socket.bind(&(*local).into()).map_err(|error| {
                let text = format!("cannot connect to {to} from {local}: {error}");
                io::Error::new(error.kind(), text)
            });
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    fn no_address_for(&self, to: SocketAddr) -> io::Error {
        let family = if to.is_ipv4() { Family::V4 } else { Family::V6 };
        let LocalAddress { host, .. } = self;
        let text =
            format!("cannot connect to {to} from {host:?}: it has no {family} address to bind to");
        io::Error::new(ErrorKind::AddrNotAvailable, text)
    }
}
