use chapter_02::{TryIo, answer};
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use socket2::Socket;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::Poll;

/// How many pieces one system call takes: `IOV_MAX` on Linux.
pub(crate) const PIECES_MAX: usize = 1024;

/// What a connection is made over: a stream socket, or what a test puts in its place.
pub trait Stream: TryIo + 'static {
    /// Sends as much of the pieces, at most 1,024, as the kernel takes at once, in their order
    /// (TR-21).
    ///
    /// # Errors
    ///
    /// Those of `sendmsg(2)`: the connection is lost.
    fn try_send_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<Poll<usize>>;

    /// Closes the sending half: the peer reads the end of file behind what was sent.
    ///
    /// # Errors
    ///
    /// Those of `shutdown(2)`: the connection is lost.
    fn shutdown_write(&self) -> io::Result<()>;

    /// The descriptor, if there is one.
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;
}

impl Stream for Socket {
    fn try_send_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<Poll<usize>> {
        answer(|| {
            let nothing = &mut SendAncillaryBuffer::default();
            Ok(sendmsg(self, pieces, nothing, SendFlags::NOSIGNAL)?)
        })
    }

    fn shutdown_write(&self) -> io::Result<()> {
        // After a reset that nobody has noticed yet, shutdown(2) says only that there is no connection;
        // the socket has kept why (TR-36).
        self.shutdown(Shutdown::Write)
            .map_err(|error| self.take_error().ok().flatten().unwrap_or(error))
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}
