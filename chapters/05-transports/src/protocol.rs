use crate::any_protocol::AnyProtocol;
use crate::transport::Transport;
use std::error::Error;
use std::fmt;
use std::io;
use std::rc::Rc;

/// What a callback gives back. An error ends the connection: it is reported to the loop's exception
/// handler and handed to `connection_lost` (TR-13). So does a panic.
pub type CallbackResult<T = ()> = Result<T, Box<dyn Error>>;

/// What every protocol is told: a protocol gives the bytes of one connection a meaning.
///
/// The calls come in this order, all on the thread of the loop and never one inside another
/// (TR-03, PR-01):
///
/// ```text
/// connection_made  (data_received | pause_writing | resume_writing)*  eof_received?
///                  (pause_writing | resume_writing)*  connection_lost
/// ```
///
/// `connection_made` and `connection_lost` come once each; `pause_writing` and `resume_writing` in
/// turn, the former first (FC-11). Every call lends the transport; a protocol that wants it between
/// the calls keeps a clone, which the connection lets go of when it is lost.
///
/// Every method has a default, which does nothing (PR-02).
pub trait BaseProtocol {
    /// The connection is there; nothing was received yet (TR-01).
    ///
    /// # Errors
    ///
    /// The protocol does not want this connection: it is aborted (D-07).
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        let _ = transport;
        Ok(())
    }

    /// The connection is over. Without an error, it was closed or aborted at this end, or the peer
    /// has closed it (PR-03). Nothing follows.
    fn connection_lost(&mut self, transport: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        let _ = (transport, error);
    }

    /// More is written than the high-water mark, and not sent: write no more until
    /// [`resume_writing`](BaseProtocol::resume_writing). Whoever goes on is not stopped: the memory
    /// is his (FC-04).
    ///
    /// It is called inside the write that crosses the mark (FC-03), or, if that is made by a
    /// callback, right after this one.
    fn pause_writing(&mut self, transport: &Rc<dyn Transport>) {
        let _ = transport;
    }

    /// So much was sent that the low-water mark is reached: write on (FC-05).
    fn resume_writing(&mut self, transport: &Rc<dyn Transport>) {
        let _ = transport;
    }

    /// The peer will send no more. The answer says what becomes of the connection; the default is
    /// to close it (TR-08).
    ///
    /// # Errors
    ///
    /// The connection is ended with this error.
    fn eof_received(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        let _ = transport;
        Ok(AfterEof::Close)
    }

    /// The protocol above, which this one calls, if it is that of a [`Layer`](crate::Layer): while
    /// somebody lends that one, a transport tells neither of them anything.
    fn above(&self) -> Option<AnyProtocol> {
        None
    }
}

/// A protocol that is lent the bytes as they come, in a buffer of the loop.
pub trait Protocol: BaseProtocol {
    /// Bytes have come, at least one (TR-07). How many at a time says nothing of how they were sent.
    ///
    /// # Errors
    ///
    /// The connection is ended with this error.
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        let _ = (transport, data);
        Ok(())
    }
}

/// A protocol that has the bytes received into a buffer of its own, so that they need not be copied
/// to where they belong.
pub trait BufferedProtocol: BaseProtocol {
    /// The buffer to receive into, at least one byte long. `size_hint` is the most that one receive
    /// of a [`Protocol`] takes; a smaller buffer means more calls (PR-04, PR-06).
    fn get_buffer(&mut self, size_hint: usize) -> &mut [u8];

    /// So many bytes, at least one, are in the buffer that was asked for last (PR-04).
    ///
    /// # Errors
    ///
    /// The connection is ended with this error.
    fn buffer_updated(&mut self, transport: &Rc<dyn Transport>, count: usize) -> CallbackResult;
}

/// What becomes of a connection whose peer sends no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterEof {
    /// It is closed: what was written is sent, then `connection_lost(None)` follows.
    #[default]
    Close,
    /// It stays open for writing, until somebody closes it.
    KeepOpen,
}

/// Why a connection is lost, if not in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The network: `ConnectionReset` for a reset by the peer, `BrokenPipe` for a write to a peer
    /// that is gone (TR-36, TR-37). It is nobody's mistake, so it is not reported (TR-12).
    Io(io::Error),
    /// A callback of the protocol has failed with this.
    Protocol(Box<dyn Error>),
    /// A callback of the protocol has panicked with this message.
    Panicked(String),
}

impl ConnectionError {
    /// The network's error, if it is one.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            ConnectionError::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionError::Io(error) => error.fmt(f),
            ConnectionError::Protocol(error) => error.fmt(f),
            ConnectionError::Panicked(message) => write!(f, "the protocol panicked: {message}"),
        }
    }
}

impl Error for ConnectionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ConnectionError::Io(error) => Some(error),
            ConnectionError::Protocol(error) => Some(error.as_ref()),
            ConnectionError::Panicked(_) => None,
        }
    }
}
