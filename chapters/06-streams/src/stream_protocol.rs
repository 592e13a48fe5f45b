use crate::connection_lost::ConnectionLost;
use crate::stream::Stream;
use crate::stream_limits::StreamLimits;
use crate::stream_reader::StreamReader;
use crate::stream_writer::StreamWriter;
use chapter_05::{AfterEof, BaseProtocol, CallbackResult, ConnectionError, Protocol, Transport};
use std::fmt;
use std::rc::{Rc, Weak};

/// The protocol that makes a stream of a connection: what is called goes into what is awaited.
///
/// [`start_server`](crate::start_server) and [`open_connection`](crate::open_connection) make one for
/// each connection. Whoever makes one by hand can have anything below it that has a transport, such
/// as a cipher.
#[doc(alias = "StreamReaderProtocol")]
pub struct StreamProtocol {
    state: State,
}

enum State {
    /// `connection_made` is yet to be called.
    New(StreamLimits, Box<Connected>),
    /// The transport owns this, so this does not own the transport.
    Made(Rc<Stream>, Weak<dyn Transport>),
}

/// Who is given the two ends of a new stream.
type Connected = dyn FnOnce(StreamReader, StreamWriter) -> CallbackResult;

impl StreamProtocol {
    /// A protocol for one connection. `connected` is called in its `connection_made`.
    ///
    /// What `connected` returns is what `connection_made` returns: an error ends the connection
    /// (D-07).
    #[doc(alias = "client_connected_cb")]
    pub fn new(
        limits: StreamLimits,
        connected: impl FnOnce(StreamReader, StreamWriter) -> CallbackResult + 'static,
    ) -> StreamProtocol {
        StreamProtocol { state: State::New(limits, Box::new(connected)) }
    }

    fn stream(&self) -> Option<&Rc<Stream>> {
        match &self.state {
            State::Made(stream, _) => Some(stream),
            State::New(..) => None,
        }
    }
}

impl BaseProtocol for StreamProtocol {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        let State::New(limits, _) = &self.state else { return Ok(()) };
        let stream = Stream::new(*limits)?;
        let reader = StreamReader::new(Rc::clone(&stream), Rc::clone(transport));
        let writer = StreamWriter::new(Rc::clone(&stream), Rc::clone(transport));
        let made = State::Made(stream, Rc::downgrade(transport));
        match std::mem::replace(&mut self.state, made) {
            State::New(_, connected) => connected(reader, writer),
            State::Made(..) => unreachable!("it was new"),
        }
    }

    fn pause_writing(&mut self, _: &Rc<dyn Transport>) {
        if let Some(stream) = self.stream() {
            stream.pause_writing();
        }
    }

    fn resume_writing(&mut self, _: &Rc<dyn Transport>) {
        if let Some(stream) = self.stream() {
            stream.resume_writing();
        }
    }

    /// The peer has finished, and may still be answered (ST-07).
    fn eof_received(&mut self, _: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        if let Some(stream) = self.stream() {
            stream.inbox().borrow_mut().feed_eof();
            stream.wake_reader();
        }
        Ok(AfterEof::KeepOpen)
    }

    fn connection_lost(&mut self, transport: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        if let Some(stream) = self.stream() {
            stream.has_ended(ConnectionLost::new(error, transport.unsent()));
        }
    }
}

impl Protocol for StreamProtocol {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        let Some(stream) = self.stream() else { return Ok(()) };
        stream.inbox().borrow_mut().feed_data(data);
        if stream.is_to_pause() {
            transport.pause_reading();
        }
        stream.wake_reader();
        Ok(())
    }
}

/// Where the loop is closed, or another protocol put in the place of this one, there is no
/// `connection_lost`, and nobody is to wait for it. The transport is the other one's: it goes on, and
/// the reader has nothing to do with it any more.
impl Drop for StreamProtocol {
    fn drop(&mut self) {
        let State::Made(stream, transport) = &self.state else { return };
        if stream.lost().is_some() {
            return;
        }
        let transport = transport.upgrade();
        if stream.takes_back_its_pause() {
            transport.iter().for_each(|transport| transport.resume_reading());
        }
        let unsent = transport.map_or(0, |transport| transport.unsent());
        stream.has_ended(ConnectionLost::abandoned(unsent));
    }
}

impl fmt::Debug for StreamProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamProtocol").field("made", &self.stream().is_some()).finish()
    }
}
