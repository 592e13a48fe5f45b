//! A greeting, on transports.

use chapter_01::Log;
use chapter_05::{BaseProtocol, CallbackResult, Echo, Protocol, Transport};
use std::cell::Cell;
use std::rc::Rc;

/// Says how many chunks this server has echoed before, then echoes.
pub(crate) struct Greet {
    echo: Echo,
    /// Shared with the other connections of the server.
    echoed: Rc<Cell<u32>>,
}

impl Greet {
    pub(crate) fn new(echoed: Rc<Cell<u32>>) -> Greet {
        Greet { echo: Echo::new(Log::Quiet), echoed }
    }
}

impl BaseProtocol for Greet {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        Ok(transport.write(format!("{:06}\n", self.echoed.get()).as_bytes())?)
    }

    fn pause_writing(&mut self, transport: &Rc<dyn Transport>) {
        self.echo.pause_writing(transport);
    }

    fn resume_writing(&mut self, transport: &Rc<dyn Transport>) {
        self.echo.resume_writing(transport);
    }
}

impl Protocol for Greet {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.echo.data_received(transport, data)?;
        self.echoed.set(self.echoed.get() + 1);
        Ok(())
    }
}
