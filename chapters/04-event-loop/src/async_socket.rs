use crate::loop_core::{Core, GaveWay};
use crate::reactor::{Direction, Watched};
use crate::received::Received;
use crate::running;
use crate::waiters::WaitNumber;
use chapter_02::TryIo;
use chapter_03::{Readiness, Source, Token};
use socket2::{Socket, Type};
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The most that one receive takes.
pub const RECEIVE_MAX: usize = chapter_02::RECEIVE_MAX;

/// A socket of a loop: its operations are awaited.
///
/// It owns the socket and its registration, so that the descriptor cannot be closed while the
/// kernel watches it for this loop (D-04, D-25). Dropping it ends the registration and closes the
/// socket, in this order, at once.
///
/// Every operation may be cancelled by dropping it. Bytes and clients are taken from the kernel in
/// the poll that returns them, so a receive or an accept that is dropped loses none (D-02, D-22); of
/// a send, a part may be out. Any number of tasks may wait for the same socket; all are served
/// (D-03).
pub struct AsyncSocket<S = Socket> {
    pub(crate) core: Rc<Core>,
    watched: Rc<Watched>,
    token: Token,
    socket: Rc<S>,
    /// Whether a receive gives all that is there, as that of a TCP stream does. Of datagrams it gives
    /// one, however short, and others may stand behind it; and over a Unix stream it stops after
    /// bytes that descriptors were sent with.
    gives_all: bool,
}

impl AsyncSocket {
    /// Gives a socket to the running loop. Only a plain socket can be given (SA-16), and nobody else
    /// has it then (SA-17):
    ///
    /// ```compile_fail,E0382
    /// # use chapter_04::AsyncSocket;
    /// # fn give(socket: socket2::Socket) -> std::io::Result<()> {
    /// let mine = AsyncSocket::new(socket)?;
    /// let yours = AsyncSocket::new(socket)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` if the socket is in blocking mode: one call on it would stop the whole loop
    /// (SA-18). Else the kernel's. The socket is closed.
    ///
    /// # Panics
    ///
    /// No loop runs in this thread.
    #[track_caller]
    pub fn new(socket: Socket) -> io::Result<AsyncSocket> {
        let gives_all = check(&socket)?;
        AsyncSocket::register(running::current(), socket, gives_all)
    }

    fn register(core: Rc<Core>, socket: Socket, gives_all: bool) -> io::Result<AsyncSocket> {
        let socket = Rc::new(socket);
        let source = Rc::clone(&socket) as Rc<dyn Source>;
        AsyncSocket::with_source(core, socket, source, gives_all)
    }

    /// The socket, to ask for its addresses and to set its options.
    pub fn as_socket(&self) -> &Socket {
        &self.socket
    }

    /// Waits for a client and takes it.
    ///
    /// # Errors
    ///
    /// Those of `accept(2)`; [`AcceptFault`](chapter_01::AcceptFault) sorts them. Or the kernel
    /// cannot watch the client.
    #[doc(alias = "sock_accept")]
    pub async fn accept(&self) -> io::Result<(AsyncSocket, SocketAddr)> {
        let (socket, peer) = self.take_client().await?;
        Ok((AsyncSocket::register(Rc::clone(&self.core), socket, self.gives_all)?, peer))
    }
}

/// Whether a receive from a socket gives all that is there.
///
/// # Errors
///
/// It is in blocking mode.
pub(crate) fn check(socket: &Socket) -> io::Result<bool> {
    if !socket.nonblocking()? {
        let advice = "a blocking socket would stop the loop: call set_nonblocking(true) first";
        return Err(io::Error::new(ErrorKind::InvalidInput, advice));
    }
    Ok(socket.r#type()? == Type::STREAM && !socket.local_addr()?.is_unix())
}

impl<S: TryIo> AsyncSocket<S> {
    /// A socket whose registration is that of another source: for tests, whose sockets have no
    /// descriptor.
    pub(crate) fn with_source(
        core: Rc<Core>,
        socket: Rc<S>,
        source: Rc<dyn Source>,
        gives_all: bool,
    ) -> io::Result<AsyncSocket<S>> {
        let (token, watched) = core.reactor.register(source)?;
        Ok(AsyncSocket { core, watched, token, socket, gives_all })
    }

    /// Waits for a client and takes it from the kernel's queue. No loop watches it yet.
    ///
    /// # Errors
    ///
    /// As `accept`.
    pub fn take_client(&self) -> impl Future<Output = io::Result<(S, SocketAddr)>> {
        self.operation(Direction::Read, |listener, readiness| {
            let accepted = listener.try_accept()?;
            if accepted.is_pending() {
                readiness.after_receive(&Poll::Pending, 0);
            }
            Ok(accepted)
        })
    }

    /// Receives what is there, or waits until something is: at most `max` bytes, and never more
    /// than [`RECEIVE_MAX`]. No bytes mean that the peer will send no more (SA-04), unless `max` is
    /// zero: then it only waits.
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`: the connection is lost.
    #[doc(alias = "sock_recv")]
    pub fn recv(&self, max: usize) -> impl Future<Output = io::Result<Received<'_>>> {
        self.operation(Direction::Read, move |socket, readiness| {
            self.core.buffers.fill(max, |buffer| self.try_recv(socket, readiness, buffer))
        })
    }

    /// Receives into the caller's buffer and gives the number of bytes; zero means that the peer
    /// will send no more (SA-05), unless the buffer is empty.
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`: the connection is lost.
    #[doc(alias = "sock_recv_into")]
    pub fn recv_into<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + 'a {
        self.operation(Direction::Read, move |socket, readiness| {
            self.try_recv(socket, readiness, buffer)
        })
    }

    /// Sends everything, in as many pieces as the kernel takes (SA-06). Nothing is copied (SA-07).
    ///
    /// # Errors
    ///
    /// Those of `send(2)`: the connection is lost, and nobody knows how much went out. A send that
    /// is dropped may have sent a part, too.
    #[doc(alias = "sock_sendall")]
    pub async fn send_all(&self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut left = bytes;
        self.operation(Direction::Write, move |socket, readiness| {
            left = &left[try_send(socket, readiness, left)?..];
            Ok(if left.is_empty() { Poll::Ready(()) } else { Poll::Pending })
        })
        .await
    }

    /// A short read tells that a stream has nothing left; the size of a datagram tells nothing.
    #[inline]
    fn try_recv(
        &self,
        socket: &S,
        readiness: &mut Readiness,
        buffer: &mut [u8],
    ) -> io::Result<Poll<usize>> {
        let received = socket.try_recv(buffer)?;
        if self.gives_all || received.is_pending() {
            readiness.after_receive(&received, buffer.len());
        }
        Ok(received)
    }

    /// Ends the registration and gives the socket back, which stays open.
    pub fn into_socket(self) -> S {
        let socket = Rc::clone(&self.socket);
        drop(self);
        Rc::into_inner(socket).expect("the registration was the other owner")
    }

    /// Takes away what is known of the socket's readiness.
    pub(crate) fn forget(&self, readiness: Readiness) {
        self.watched.readiness.set(self.watched.readiness.get() - readiness);
    }

    pub(crate) fn operation<T, F>(&self, direction: Direction, attempt: F) -> Operation<'_, S, F>
    where
        F: FnMut(&S, &mut Readiness) -> io::Result<Poll<T>> + Unpin,
    {
        Operation { socket: self, direction, attempt, number: None, gave_way: GaveWay::default() }
    }
}

/// Sends what the kernel takes now, which may be nothing.
#[inline]
pub(crate) fn try_send<S: TryIo>(
    socket: &S,
    readiness: &mut Readiness,
    bytes: &[u8],
) -> io::Result<usize> {
    let count = match socket.try_send(bytes)? {
        Poll::Ready(count) => count,
        Poll::Pending => 0,
    };
    if count < bytes.len() {
        readiness.after_partial_send();
    }
    Ok(count)
}

/// Something that is tried when the socket may be ready, and again after each report until it
/// succeeds or fails.
///
/// An attempt gives a value, an error or "not yet", and takes away from the readiness what it has
/// disproved.
pub(crate) struct Operation<'a, S, F> {
    socket: &'a AsyncSocket<S>,
    direction: Direction,
    attempt: F,
    /// Of its entry among those that wait.
    number: Option<WaitNumber>,
    gave_way: GaveWay,
}

impl<T, S, F> Future for Operation<'_, S, F>
where
    F: FnMut(&S, &mut Readiness) -> io::Result<Poll<T>> + Unpin,
{
    type Output = io::Result<T>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Operation { socket, direction, attempt, gave_way, .. } = &mut *self;
        let mut readiness = socket.watched.readiness.get();
        if readiness.contains(direction.flag()) {
            if !socket.core.may_go_on(gave_way, context.waker()) {
                return Poll::Pending;
            }
            let outcome = attempt(&socket.socket, &mut readiness);
            socket.watched.readiness.set(readiness);
            match outcome {
                Ok(Poll::Ready(value)) => return Poll::Ready(Ok(value)),
                Ok(Poll::Pending) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.wait(context)
    }
}

impl<S, F> Operation<'_, S, F> {
    /// Waits for a report. An entry of an earlier wait is replaced, for its waker may be an old one.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.leave();
        let AsyncSocket { core, watched, token, .. } = self.socket;
        match core.reactor.wait_for(*token, watched, self.direction, context.waker()) {
            Ok(number) => {
                self.number = Some(number);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn leave(&mut self) {
        if let Some(number) = self.number.take() {
            self.socket.watched.leave(self.direction, number);
        }
    }
}

/// A wait that is given up is withdrawn at once.
impl<S, F> Drop for Operation<'_, S, F> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<S> Drop for AsyncSocket<S> {
    fn drop(&mut self) {
        // The loop may be closed; then the kernel watches nothing of it any more.
        let _ = self.core.reactor.unregister(self.token);
    }
}

impl<S: fmt::Debug> fmt::Debug for AsyncSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncSocket")
            .field("socket", &self.socket)
            .field("watched", &self.watched)
            .finish_non_exhaustive()
    }
}
