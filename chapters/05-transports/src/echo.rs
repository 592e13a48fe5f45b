use crate::protocol::{BaseProtocol, CallbackResult, ConnectionError, Protocol};
use crate::transport::Transport;
use chapter_01::{Excerpt, Log};
use std::rc::Rc;

/// Sends back what a client sends, and tells the log.
///
/// While an answer waits for room, nothing more is received: this bounds what is kept for a client.
#[derive(Debug, Clone, Copy)]
pub struct Echo {
    log: Log,
}

impl Echo {
    /// A protocol for one connection.
    pub fn new(log: Log) -> Echo {
        Echo { log }
    }
}

impl BaseProtocol for Echo {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.log.line(|| format!("{} connected", transport.peer_address()));
        Ok(())
    }

    fn pause_writing(&mut self, transport: &Rc<dyn Transport>) {
        transport.pause_reading();
    }

    fn resume_writing(&mut self, transport: &Rc<dyn Transport>) {
        transport.resume_reading();
    }

    fn connection_lost(&mut self, transport: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        let peer = transport.peer_address();
        self.log.line(|| match error {
            None => format!("{peer} closed"),
            Some(error) => format!("{peer} lost: {error}"),
        });
    }
}

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.log.line(|| format!("{} sent {}", transport.peer_address(), Excerpt(data)));
        Ok(transport.write(data)?)
    }
}
