//! A socket for tests: it gives the answers that a test has written down.

use crate::try_io::TryIo;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;

/// A socket without a kernel. Clones share one script and one record, so that a test keeps a clone
/// of what it has given away.
///
/// Where a script is used up, nothing is there to be accepted or received, and everything sent is
/// taken.
///
/// ```
/// use chapter_02::{TryIo, fake::FakeSocket};
/// use std::task::Poll;
///
/// let socket = FakeSocket::new().receives([Ok("hi")]).takes([Some(1)]);
/// assert_eq!(socket.try_recv(&mut [0; 8])?, Poll::Ready(2));
/// assert_eq!(socket.try_recv(&mut [0; 8])?, Poll::Pending);
/// assert_eq!(socket.try_send(b"hi")?, Poll::Ready(1));
/// assert_eq!(socket.sent(), b"h");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct FakeSocket {
    state: Rc<RefCell<State>>,
}

#[derive(Debug, Default)]
struct State {
    accepts: VecDeque<Result<FakeSocket, io::Error>>,
    receives: VecDeque<Result<Vec<u8>, ErrorKind>>,
    takes: VecDeque<Option<usize>>,
    broken: Option<ErrorKind>,
    sent: Vec<u8>,
}

impl FakeSocket {
    /// A socket that has nothing to say.
    pub fn new() -> FakeSocket {
        FakeSocket::default()
    }

    /// What the next accepts give, before "not yet".
    #[must_use]
    pub fn accepts(
        self,
        script: impl IntoIterator<Item = Result<FakeSocket, io::Error>>,
    ) -> FakeSocket {
        self.state.borrow_mut().accepts.extend(script);
        self
    }

    /// What the next receives give, before "not yet": bytes (none of them: end of file) or an
    /// error. `WouldBlock` is a "not yet" in between. What a receive has no room for, the next one
    /// gets.
    #[must_use]
    pub fn receives<T: AsRef<[u8]>>(
        self,
        script: impl IntoIterator<Item = Result<T, ErrorKind>>,
    ) -> FakeSocket {
        let script = script.into_iter().map(|piece| piece.map(|bytes| bytes.as_ref().to_vec()));
        self.state.borrow_mut().receives.extend(script);
        self
    }

    /// How many bytes the next sends take, before everything is taken; `None` is "not yet".
    #[must_use]
    pub fn takes(self, script: impl IntoIterator<Item = Option<usize>>) -> FakeSocket {
        self.state.borrow_mut().takes.extend(script);
        self
    }

    /// Makes every further send fail.
    pub fn break_with(&self, kind: ErrorKind) {
        self.state.borrow_mut().broken = Some(kind);
    }

    /// Everything that was sent and taken.
    pub fn sent(&self) -> Vec<u8> {
        self.state.borrow().sent.clone()
    }

    /// How many bytes of the script nobody has received yet.
    pub fn left_to_receive(&self) -> usize {
        self.state.borrow().receives.iter().flatten().map(Vec::len).sum()
    }

    /// Whether nobody but this handle has the socket any more: a server has closed it.
    pub fn is_closed_elsewhere(&self) -> bool {
        Rc::strong_count(&self.state) == 1
    }
}

impl TryIo for FakeSocket {
    fn try_accept(&self) -> io::Result<Poll<(FakeSocket, SocketAddr)>> {
        match self.state.borrow_mut().accepts.pop_front() {
            Some(Ok(socket)) => Ok(Poll::Ready((socket, SocketAddr::from(([127, 0, 0, 1], 1))))),
            Some(Err(error)) => Err(error),
            None => Ok(Poll::Pending),
        }
    }

    fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Poll<usize>> {
        let receives = &mut self.state.borrow_mut().receives;
        match receives.pop_front() {
            Some(Ok(mut bytes)) => {
                let count = bytes.len().min(buffer.len());
                buffer[..count].copy_from_slice(&bytes[..count]);
                if count < bytes.len() {
                    receives.push_front(Ok(bytes.split_off(count)));
                }
                Ok(Poll::Ready(count))
            }
            Some(Err(ErrorKind::WouldBlock)) | None => Ok(Poll::Pending),
            Some(Err(kind)) => Err(kind.into()),
        }
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<Poll<usize>> {
        let state = &mut *self.state.borrow_mut();
        if let Some(kind) = state.broken {
            return Err(kind.into());
        }
        let Some(count) = state.takes.pop_front().unwrap_or(Some(usize::MAX)) else {
            return Ok(Poll::Pending);
        };
        let count = count.min(bytes.len());
        state.sent.extend_from_slice(&bytes[..count]);
        Ok(Poll::Ready(count))
    }
}
