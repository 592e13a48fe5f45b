//! A connection without a kernel, for tests: its stream does what a test has written down, in the
//! same way each time.

use crate::any_protocol::{AnyProtocol, ProtocolKind};
use crate::open::Connection;
use crate::socket_transport::{Ends, SocketTransport};
use crate::stream::Stream;
use chapter_02::TryIo;
use chapter_02::fake::FakeSocket;
use chapter_04::fake::FakeLoop;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::task::Poll;

/// Makes a connection over a scripted stream. The first pass of the loop calls `connection_made`,
/// after which the second turn begins to read.
///
/// ```
/// use chapter_03::{Mode, Readiness};
/// use chapter_04::fake::FakeLoop;
/// use chapter_05::fake::{Call, FakeStream, connect};
/// use chapter_05::{BaseProtocol, CallbackResult, Protocol, Transport};
/// use std::rc::Rc;
///
/// struct Shout;
///
/// impl BaseProtocol for Shout {}
///
/// impl Protocol for Shout {
///     fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
///         Ok(transport.write(&data.to_ascii_uppercase())?)
///     }
/// }
///
/// let mut fake = FakeLoop::new(Mode::Edge);
/// let stream = FakeStream::new().receives([Ok("hi")]).takes([Ok(Some(1))]);
/// let (transport, _) = connect(&fake, stream.clone(), Shout)?;
/// // A run that is stopped before it begins is one pass.
/// for readiness in [Readiness::READABLE, Readiness::NONE, Readiness::WRITABLE] {
///     fake.backend.report([(0, readiness)]);
///     fake.event_loop.stop();
///     fake.event_loop.run_forever()?;
/// }
/// assert_eq!(stream.sent(), b"HI");
/// assert_eq!(stream.calls(), [Call::Send(2), Call::Send(1)]);
/// assert_eq!(transport.write_buffer_size(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// What the back end was told to fail with.
pub fn connect<P: ProtocolKind>(
    fake: &FakeLoop,
    stream: impl Stream,
    protocol: P,
) -> io::Result<Connection<P>> {
    let socket = fake.observed(stream)?;
    let end = |port| SocketAddr::from(([127, 0, 0, 1], port)).into();
    let ends = Ends { local: end(1), peer: end(2) };
    let (protocol, shared) = AnyProtocol::new(protocol);
    let event_loop = fake.event_loop.clone();
    let transport = SocketTransport::open(socket, event_loop, ends, protocol, None, None);
    Ok((transport, shared))
}

/// A stream that a test has written down. Clones share one script and one record.
///
/// Where a script is used up, nothing is there to be received, and everything sent is taken.
#[derive(Debug, Clone, Default)]
pub struct FakeStream {
    socket: FakeSocket,
    state: Rc<RefCell<State>>,
}

#[derive(Debug, Default)]
struct State {
    takes: VecDeque<Result<Option<usize>, ErrorKind>>,
    shutdown: Option<ErrorKind>,
    is_shut_down: bool,
    calls: Vec<Call>,
    failure: Option<ErrorKind>,
}

/// What a [`FakeStream`] was asked to do with the sending half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// To send so many bytes.
    Send(usize),
    /// To send pieces of these lengths.
    SendVectored(Vec<usize>),
    /// To close the sending half.
    ShutdownWrite,
}

impl FakeStream {
    /// A stream that has nothing to say.
    pub fn new() -> FakeStream {
        FakeStream::default()
    }

    /// What the next receives give, as those of a [`FakeSocket`].
    #[must_use]
    pub fn receives<T: AsRef<[u8]>>(
        self,
        script: impl IntoIterator<Item = Result<T, ErrorKind>>,
    ) -> FakeStream {
        FakeStream { socket: self.socket.receives(script), ..self }
    }

    /// How many bytes the next sends of either kind take, before everything is taken; `None` is
    /// "not yet".
    #[must_use]
    pub fn takes(
        self,
        script: impl IntoIterator<Item = Result<Option<usize>, ErrorKind>>,
    ) -> FakeStream {
        self.state.borrow_mut().takes.extend(script);
        self
    }

    /// Makes the shutdown of the sending half fail.
    #[must_use]
    pub fn fails_to_shut_down(self, kind: ErrorKind) -> FakeStream {
        self.state.borrow_mut().shutdown = Some(kind);
        self
    }

    /// Everything that was sent and taken.
    pub fn sent(&self) -> Vec<u8> {
        self.socket.sent()
    }

    /// What was asked, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state.borrow().calls.clone()
    }

    /// How many bytes were offered to it, if need be again.
    #[cfg(test)]
    pub(crate) fn offered(&self) -> usize {
        let length = |call: &Call| match call {
            Call::Send(length) => *length,
            Call::SendVectored(lengths) => lengths.iter().sum(),
            Call::ShutdownWrite => 0,
        };
        self.state.borrow().calls.iter().map(length).sum()
    }

    /// The first error that was given as an answer.
    pub fn failure(&self) -> Option<ErrorKind> {
        self.state.borrow().failure
    }

    /// Whether the sending half was closed. From then on, every send is a broken pipe.
    pub fn is_shut_down(&self) -> bool {
        self.state.borrow().is_shut_down
    }

    /// How many bytes of the script nobody has received yet.
    pub fn left_to_receive(&self) -> usize {
        self.socket.left_to_receive()
    }

    /// Whether nobody but this handle has the stream any more: its connection is over.
    pub fn is_closed_elsewhere(&self) -> bool {
        Rc::strong_count(&self.state) == 1
    }

    fn answer<T>(&self, answer: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &answer {
            self.state.borrow_mut().failure.get_or_insert(error.kind());
        }
        answer
    }

    fn take(&self, call: Call, bytes: &[u8]) -> io::Result<Poll<usize>> {
        let mut state = self.state.borrow_mut();
        state.calls.push(call);
        let taken = if state.is_shut_down {
            Err(ErrorKind::BrokenPipe)
        } else {
            state.takes.pop_front().unwrap_or(Ok(Some(usize::MAX)))
        };
        drop(state);
        self.answer(match taken {
            Ok(Some(count)) => self.socket.try_send(&bytes[..count.min(bytes.len())]),
            Ok(None) => Ok(Poll::Pending),
            Err(kind) => Err(kind.into()),
        })
    }
}

impl TryIo for FakeStream {
    /// A connection is no listener: nobody is ever there.
    fn try_accept(&self) -> io::Result<Poll<(FakeStream, SocketAddr)>> {
        Ok(Poll::Pending)
    }

    fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Poll<usize>> {
        self.answer(self.socket.try_recv(buffer))
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<Poll<usize>> {
        self.take(Call::Send(bytes.len()), bytes)
    }
}

impl Stream for FakeStream {
    fn try_send_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<Poll<usize>> {
        let lengths = pieces.iter().map(|piece| piece.len()).collect();
        let mut bytes = Vec::new();
        pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
        self.take(Call::SendVectored(lengths), &bytes)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.calls.push(Call::ShutdownWrite);
        let outcome = state.shutdown.map_or(Ok(()), |kind| Err(kind.into()));
        state.is_shut_down = outcome.is_ok();
        drop(state);
        self.answer(outcome)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
