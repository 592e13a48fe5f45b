use crate::address::Address;
use crate::any_protocol::AnyProtocol;
use crate::water_marks::{LimitsError, WaterMarks};
use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// What every transport can do: the state of one connection, in the hands of whoever needs it.
///
/// A transport may be kept, cloned (`Rc<dyn Transport>`) and used from any task and callback of its
/// loop. After the connection is lost, every method is harmless (TR-32).
///
/// The string-keyed `get_extra_info` is a method for each thing here: [`peer_address`], [`local_address`]
/// and [`with_descriptor`].
///
/// [`peer_address`]: BaseTransport::peer_address
/// [`local_address`]: BaseTransport::local_address
/// [`with_descriptor`]: BaseTransport::with_descriptor
#[doc(alias = "get_extra_info")]
pub trait BaseTransport {
    /// Closes the connection in order: nothing is received any more, what was written is sent, then
    /// `connection_lost(None)` is called. Again, it does nothing (TR-26).
    ///
    /// A peer that never reads keeps it from its end (TR-28): see
    /// [`close_within`](BaseTransport::close_within).
    fn close(&self);

    /// As [`close`](BaseTransport::close), but what is not sent when this time has passed is thrown
    /// away (D-13).
    fn close_within(&self, limit: Duration);

    /// Whether the connection is lost or on its way to that: closed, aborted or failed (TR-30).
    fn is_closing(&self) -> bool;

    /// Where the peer is. It is known also after the connection is lost (TR-31).
    #[doc(alias = "peername")]
    fn peer_address(&self) -> &Address;

    /// Where this end is. It is known also after the connection is lost (TR-31).
    #[doc(alias = "sockname")]
    fn local_address(&self) -> &Address;

    /// Lends the descriptor, to set options of the socket with `socket2::SockRef` (TR-39). `false` if
    /// it is closed, or there is none.
    ///
    /// To send or receive by it would cut in between the bytes of the transport.
    #[doc(alias = "socket")]
    fn with_descriptor(&self, look: &mut dyn FnMut(BorrowedFd<'_>)) -> bool;

    /// Has another protocol get the callbacks from the next one on. Its `connection_made` is not
    /// called (TR-38).
    fn set_protocol(&self, protocol: AnyProtocol);

    /// The protocol that gets the callbacks. `None` after the connection is lost.
    #[doc(alias = "get_protocol")]
    fn protocol(&self) -> Option<AnyProtocol>;
}

/// The half that receives.
pub trait ReadTransport: BaseTransport {
    /// Keeps everything that arrives, and the end of file, in the kernel until
    /// [`resume_reading`](ReadTransport::resume_reading): the peer feels it when the kernel's
    /// buffers are full (TR-33). Again, it does nothing.
    fn pause_reading(&self);

    /// Goes on after [`pause_reading`](ReadTransport::pause_reading). Again, after the end of file,
    /// or when closing, it does nothing (TR-33).
    fn resume_reading(&self);

    /// Whether something that arrives would be delivered: not if reading is paused, after the end
    /// of file (D-06), or when closing.
    fn is_reading(&self) -> bool;
}

/// The half that sends.
pub trait WriteTransport: BaseTransport {
    /// Sends bytes, at once if nothing waits before them; what the kernel does not take is kept and
    /// sent later, in order (TR-16, TR-18). It never waits: the protocol is told by
    /// `pause_writing` when more is kept than the high-water mark.
    ///
    /// The bytes are the caller's again when it returns. asyncio may keep them instead of a copy, and
    /// send what the caller has made of them since; here a transport that did so would not compile
    /// (D-09):
    ///
    /// ```compile_fail,E0521
    /// struct Keeper {
    ///     unsent: Vec<&'static [u8]>,
    /// }
    ///
    /// impl Keeper {
    ///     fn write(&mut self, data: &[u8]) {
    ///         self.unsent.push(data);
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`]: the bytes are not sent. What happens to bytes that were taken, and then the
    /// connection is lost, `connection_lost` tells.
    fn write(&self, data: &[u8]) -> Result<(), WriteError>;

    /// As [`write`](WriteTransport::write) of each piece in turn, in fewer system calls (TR-24).
    ///
    /// # Errors
    ///
    /// As [`write`](WriteTransport::write).
    fn writelines(&self, pieces: &[&[u8]]) -> Result<(), WriteError>;

    /// Closes the sending half when everything that was written is sent: the peer then reads the end
    /// of file. Receiving goes on. Again, or when closing, it does nothing (TR-25).
    ///
    /// # Errors
    ///
    /// `Unsupported` where [`can_write_eof`](WriteTransport::can_write_eof) says so.
    fn write_eof(&self) -> io::Result<()>;

    /// Whether the sending half can be closed alone.
    fn can_write_eof(&self) -> bool;

    /// Ends the connection at once: what was not sent is thrown away, and `connection_lost(None)` is
    /// called soon (TR-29).
    fn abort(&self);

    /// How many bytes were written and not yet taken by the kernel (FC-06).
    #[doc(alias = "get_write_buffer_size")]
    fn write_buffer_size(&self) -> usize;

    /// How many bytes were written and thrown away, because the connection was lost before the kernel
    /// had taken them: aborted, reset, or closed with a limit. Zero before, and if all were taken.
    ///
    /// Whether the peer has got what the kernel has taken, it does not say.
    fn unsent(&self) -> usize;

    /// The marks between which the protocol is told to pause and to go on.
    #[doc(alias = "get_write_buffer_limits")]
    fn write_buffer_limits(&self) -> WaterMarks;

    /// Moves the marks; see [`WaterMarks::new`] for what is left out (FC-01). If more is kept
    /// than the new high mark, the protocol is told to pause; raising it resumes nothing before the
    /// next send (FC-08).
    ///
    /// # Errors
    ///
    /// `high` is below `low`: the marks stay (FC-02).
    fn set_write_buffer_limits(
        &self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), LimitsError>;
}

/// A connection: both halves.
pub trait Transport: ReadTransport + WriteTransport {}

impl<T: ReadTransport + WriteTransport> Transport for T {}

/// Why bytes were not taken. asyncio says nothing in the second case, and logs a warning from the
/// fifth time on (TR-19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteError {
    /// The sending half was closed before, by `write_eof` (TR-17).
    AfterEof,
    /// The connection is lost, or closed with everything sent.
    Closed,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WriteError::AfterEof => {
                "cannot write after write_eof: the peer was told that it is all"
            }
            WriteError::Closed => "cannot write: the connection is closed",
        })
    }
}

impl Error for WriteError {}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> io::Error {
        io::Error::new(io::ErrorKind::BrokenPipe, error)
    }
}
