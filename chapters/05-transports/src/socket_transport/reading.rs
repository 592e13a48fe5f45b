use super::{Reading, SocketTransport, Start};
use crate::any_protocol::{AnyProtocol, EmptyBuffer, InUse};
use crate::protocol::{AfterEof, BufferedProtocol, CallbackResult, ConnectionError, Protocol};
use crate::stream::Stream;
use crate::transport::{ReadTransport, Transport};
use chapter_04::TURN_MAX;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::Poll;

/// What a receive has brought.
enum Arrival {
    Data,
    EndOfFile,
    NotYet,
}

impl<S: Stream> SocketTransport<S> {
    /// Receives once, if something is there and wanted (TR-06).
    #[inline]
    pub(super) fn receive(&self, transport: &Rc<dyn Transport>) {
        if !self.is_receiving() || !self.socket.readiness().is_readable() {
            return;
        }
        let protocol = self.protocol.borrow();
        let arrival = match &*protocol {
            Some(AnyProtocol::Chunks(current)) => {
                let current = Rc::clone(current);
                drop(protocol);
                self.receive_chunk(transport, current)
            }
            Some(AnyProtocol::InPlace(current)) => {
                let current = Rc::clone(current);
                drop(protocol);
                self.receive_in_place(transport, current)
            }
            None => return,
        };
        match arrival {
            Ok(Arrival::Data) => {}
            Ok(Arrival::NotYet) => return,
            Ok(Arrival::EndOfFile) => return self.end_of_file(transport),
            Err(error) => return self.lose(Some(ConnectionError::Io(error))),
        }
        // There is more. Everybody else has a turn first.
        if self.socket.readiness().is_readable() && self.is_receiving() {
            self.socket.defer_turn();
        }
    }

    #[inline]
    fn receive_chunk(
        &self,
        transport: &Rc<dyn Transport>,
        protocol: Rc<RefCell<dyn Protocol>>,
    ) -> io::Result<Arrival> {
        let received = self.socket.receive(|data| {
            if data.is_empty() {
                return Arrival::EndOfFile;
            }
            self.call(transport, protocol, |protocol| {
                protocol.try_borrow_mut().map_err(|_| InUse)?.data_received(transport, data)
            });
            Arrival::Data
        });
        Ok(match received? {
            Poll::Ready(arrival) => arrival,
            Poll::Pending => Arrival::NotYet,
        })
    }

    /// Receives into the protocol's own buffer (PR-04).
    fn receive_in_place(
        &self,
        transport: &Rc<dyn Transport>,
        protocol: Rc<RefCell<dyn BufferedProtocol>>,
    ) -> io::Result<Arrival> {
        let mut arrival = Ok(Arrival::Data);
        self.call(transport, protocol, |protocol| -> CallbackResult {
            let mut protocol = protocol.try_borrow_mut().map_err(|_| InUse)?;
            let buffer = protocol.get_buffer(TURN_MAX);
            if !self.is_receiving() {
                // It has closed the connection, or paused: what is there stays in the kernel.
                arrival = Ok(Arrival::NotYet);
                return Ok(());
            }
            if buffer.is_empty() {
                return Err(EmptyBuffer.into());
            }
            match self.socket.receive_into(buffer) {
                Ok(Poll::Ready(0)) => arrival = Ok(Arrival::EndOfFile),
                Ok(Poll::Ready(count)) => protocol.buffer_updated(transport, count)?,
                Ok(Poll::Pending) => arrival = Ok(Arrival::NotYet),
                Err(error) => arrival = Err(error),
            }
            Ok(())
        });
        arrival
    }

    fn end_of_file(&self, transport: &Rc<dyn Transport>) {
        self.reading.set(Reading::Eof);
        self.settle();
        let Some(protocol) = self.current() else { return };
        let answer = self.call(transport, protocol, |protocol| protocol.eof_received(transport));
        if answer == Some(AfterEof::Close) {
            self.begin_closing();
        }
    }
}

impl<S: Stream> ReadTransport for SocketTransport<S> {
    fn pause_reading(&self) {
        if self.is_receiving() {
            self.reading.set(Reading::Paused);
            self.settle();
        }
    }

    fn resume_reading(&self) {
        if self.reading.get() != Reading::Paused {
            return;
        }
        self.reading.set(Reading::Open);
        self.settle();
        // An edge that came meanwhile is known, and not reported again. Who pauses and resumes in
        // each turn has one in each pass all the same (TR-06).
        if self.start.get() == Start::Started && self.socket.readiness().is_readable() {
            self.socket.defer_turn();
        }
    }

    fn is_reading(&self) -> bool {
        self.is_receiving()
    }
}
