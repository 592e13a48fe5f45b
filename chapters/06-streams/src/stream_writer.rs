use crate::connection_lost::ConnectionLost;
use crate::stream::Stream;
use crate::wait_closed::WaitClosed;
use chapter_04::{Outcome, yield_now};
use chapter_05::{Address, Transport, WriteError};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// The writing end of a connection.
///
/// Its methods take `&self`: several tasks may write through an `Rc` of it, each write whole.
///
/// Dropping it closes the connection, in order: what was written is sent in the background, nothing
/// more is received, and nobody is told how it ended (D-28). So does a handler that returns, fails,
/// panics or is cancelled while it owns it. Whoever must know awaits [`close`](StreamWriter::close).
#[must_use = "the connection is closed when its writer is dropped"]
pub struct StreamWriter {
    stream: Rc<Stream>,
    transport: Rc<dyn Transport>,
}

impl StreamWriter {
    pub(crate) fn new(stream: Rc<Stream>, transport: Rc<dyn Transport>) -> StreamWriter {
        StreamWriter { stream, transport }
    }

    /// Sends bytes, at once if nothing waits before them; what the kernel does not take is kept and
    /// sent later. Whoever writes much awaits [`drain`](StreamWriter::drain) in between, or
    /// memory fills (WR-01).
    ///
    /// # Errors
    ///
    /// The bytes are not sent: the sending half was closed before, or the connection is lost.
    pub fn write(&self, data: &[u8]) -> Result<(), WriteError> {
        self.transport.write(data)
    }

    /// As [`write`](StreamWriter::write) of each piece in turn, in fewer system calls.
    ///
    /// # Errors
    ///
    /// As [`write`](StreamWriter::write).
    pub fn writelines(&self, pieces: &[&[u8]]) -> Result<(), WriteError> {
        self.transport.writelines(pieces)
    }

    /// Waits until there is room: until what is kept has fallen to the low-water mark, if it had
    /// crossed the high one, else not at all (WR-02). Any number of tasks may wait, and each may
    /// stop on its own (WR-03, D-34).
    ///
    /// After 64 drains and reads in a row that did not have to wait, the task gives way to others.
    ///
    /// # Errors
    ///
    /// The connection is lost, in whichever way (WR-04, WR-05). If bytes that were written are lost
    /// with it, the error says how many (D-21).
    ///
    /// # Panics
    ///
    /// When it is polled while the connection closes, and no loop runs in this thread.
    pub async fn drain(&self) -> Result<(), ConnectionLost> {
        if self.transport.is_closing() {
            // The end may be one turn away. And a loop around this gives way (WR-06).
            yield_now().await;
        } else {
            self.stream.give_way().await;
        }
        if let Some(lost) = self.stream.lost() {
            return Err(lost);
        }
        match self.stream.resumed() {
            Some(resumed) => resumed.await.expect("it is set, and neither failed nor cancelled"),
            None => Ok(()),
        }
    }

    /// Closes the sending half when everything that was written is sent. Reading goes on (WR-13).
    ///
    /// # Errors
    ///
    /// `Unsupported` where [`can_write_eof`](StreamWriter::can_write_eof) says so.
    pub fn write_eof(&self) -> io::Result<()> {
        self.transport.write_eof()
    }

    /// Whether the sending half can be closed alone.
    pub fn can_write_eof(&self) -> bool {
        self.transport.can_write_eof()
    }

    /// Closes the connection, in order: nothing is received any more, and what was written is sent
    /// (WR-08). It is begun when this returns; awaiting what is returned tells how it ended.
    ///
    /// A peer that never reads keeps it from its end: see
    /// [`close_within`](StreamWriter::close_within).
    pub fn close(&self) -> WaitClosed {
        self.transport.close();
        self.wait_closed()
    }

    /// As [`close`](StreamWriter::close), but what is not sent when this time has passed is thrown
    /// away, and counted in the error (D-13).
    pub fn close_within(&self, limit: Duration) -> WaitClosed {
        self.transport.close_within(limit);
        self.wait_closed()
    }

    /// Waits until the connection has ended, whoever ends it (WR-10). Any number of tasks may wait,
    /// each may stop on its own, and all are told the same (WR-09, D-23).
    pub fn wait_closed(&self) -> WaitClosed {
        WaitClosed::new(Rc::clone(&self.stream))
    }

    /// Whether the connection is lost or on its way to that: closed, aborted or failed.
    pub fn is_closing(&self) -> bool {
        self.transport.is_closing()
    }

    /// Where the peer is. It is known also after the connection is lost.
    #[doc(alias = "peername")]
    pub fn peer_address(&self) -> &Address {
        self.transport.peer_address()
    }

    /// Where this end is. It is known also after the connection is lost.
    #[doc(alias = "sockname")]
    pub fn local_address(&self) -> &Address {
        self.transport.local_address()
    }

    /// The transport below: to abort it, to move its water marks, to ask for its socket.
    pub fn transport(&self) -> &Rc<dyn Transport> {
        &self.transport
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        self.transport.close();
    }
}

/// A task may end with a writer, which is closed if nobody takes it.
impl Outcome for StreamWriter {}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter")
            .field("peer", self.peer_address())
            .field("is_closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}
