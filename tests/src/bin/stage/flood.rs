//! Many bytes for each client, on transports.

use crate::CHUNK;
use chapter_04::{FutureCell, spawn, yield_now};
use chapter_05::{
    AfterEof, BaseProtocol, CallbackResult, ConnectionError, Protocol, Transport, WriteError,
};
use std::cell::RefCell;
use std::rc::Rc;

/// Sends so many `F` and closes. It awaits room for each chunk. What the client sends is thrown
/// away.
pub(crate) struct Flood {
    bytes: usize,
    room: Rc<Room>,
}

impl Flood {
    pub(crate) fn new(bytes: usize) -> Flood {
        Flood { bytes, room: Rc::default() }
    }
}

impl BaseProtocol for Flood {
    /// The chunks are written by a task: a callback would not be told of the high-water mark before
    /// it returns.
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        let (transport, room, bytes) = (Rc::clone(transport), Rc::clone(&self.room), self.bytes);
        let flood = async move {
            // A connection that is lost takes nobody with it.
            let _ = write_flood(&*transport, &room, bytes).await;
        };
        spawn(flood).detach();
        Ok(())
    }

    fn pause_writing(&mut self, _: &Rc<dyn Transport>) {
        self.room.end();
    }

    fn resume_writing(&mut self, _: &Rc<dyn Transport>) {
        self.room.begin();
    }

    fn eof_received(&mut self, _: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        Ok(AfterEof::KeepOpen)
    }

    fn connection_lost(&mut self, _: &Rc<dyn Transport>, _: Option<ConnectionError>) {
        // The next write fails.
        self.room.begin();
    }
}

impl Protocol for Flood {}

async fn write_flood(
    transport: &dyn Transport,
    room: &Room,
    bytes: usize,
) -> Result<(), WriteError> {
    let chunk = [b'F'; CHUNK];
    let mut left = bytes;
    while left > 0 {
        room.wait().await;
        let count = left.min(CHUNK);
        transport.write(&chunk[..count])?;
        left -= count;
        // A client that reads as fast as this writes must not keep the others waiting.
        yield_now().await;
    }
    transport.close();
    Ok(())
}

/// Whether there is room, for the task that writes; the protocol says so.
#[derive(Default)]
struct Room {
    /// Done when there is room again; `None` while there is.
    again: RefCell<Option<FutureCell<()>>>,
}

impl Room {
    fn end(&self) {
        *self.again.borrow_mut() = Some(FutureCell::new());
    }

    fn begin(&self) {
        let again = self.again.take();
        if let Some(again) = again {
            // Nobody else sets it.
            let _ = again.set_result(());
        }
    }

    async fn wait(&self) {
        let again = self.again.borrow().clone();
        if let Some(again) = again {
            // Nobody fails or cancels it.
            let _ = again.await;
        }
    }
}

/// Writes so many `F` at once, however few of them there is room for, and closes.
pub(crate) struct FloodClose {
    bytes: usize,
}

impl FloodClose {
    pub(crate) fn new(bytes: usize) -> FloodClose {
        FloodClose { bytes }
    }
}

impl BaseProtocol for FloodClose {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        transport.write(&vec![b'F'; self.bytes])?;
        transport.close();
        Ok(())
    }
}

impl Protocol for FloodClose {}
