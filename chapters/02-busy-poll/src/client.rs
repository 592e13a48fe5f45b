use crate::outbox::Outbox;
use crate::try_io::TryIo;
use chapter_01::{End, Excerpt, Log, Reply};
use std::io;
use std::net::SocketAddr;
use std::task::Poll;

/// How many bytes one receive may bring.
pub const RECEIVE_MAX: usize = 64 * 1024;

/// What a receive needs for the length of the call. One pair serves all clients of a server: an
/// idle client holds no buffer.
#[derive(Debug)]
pub struct Buffers {
    incoming: Box<[u8]>,
    /// Where a reply is put together.
    space: Vec<u8>,
}

impl Default for Buffers {
    fn default() -> Buffers {
        Buffers { incoming: vec![0; RECEIVE_MAX].into(), space: Vec::new() }
    }
}

/// What must be remembered of a client from one "not yet" to the next (SK-12).
///
/// The socket is not part of it: who owns the socket is what the chapters differ in.
#[derive(Debug)]
pub struct Client<R> {
    peer: SocketAddr,
    reply: R,
    outbox: Outbox,
    /// Set once nothing more is to be received from the client; what it is owed is still sent.
    end: Option<End>,
}

impl<R: Reply> Client<R> {
    /// A client that has just connected.
    pub fn new(peer: SocketAddr, reply: R, log: Log) -> Client<R> {
        log.line(|| format!("{peer} connected"));
        Client { peer, reply, outbox: Outbox::default(), end: None }
    }

    /// Whether there is a point in receiving: the client may send, and there is room for the
    /// answer.
    #[inline]
    pub fn wants_to_receive(&self) -> bool {
        self.end.is_none() && !self.outbox.is_full()
    }

    /// Whether bytes wait to be sent.
    #[inline]
    pub fn wants_to_send(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// How the client has ended, once it is owed nothing any more: then its socket can be closed.
    #[inline]
    pub fn ended(&self) -> Option<End> {
        self.end.filter(|_| self.outbox.is_empty())
    }

    /// Receives once, answers, and says how many bytes came. Zero is the end of what the client
    /// sends.
    ///
    /// # Errors
    ///
    /// Those of [`TryIo`]: the client is lost.
    #[inline]
    pub fn receive(
        &mut self,
        socket: &impl TryIo,
        buffers: &mut Buffers,
        log: Log,
    ) -> io::Result<Poll<usize>> {
        let Poll::Ready(count) = socket.try_recv(&mut buffers.incoming)? else {
            return Ok(Poll::Pending);
        };
        if count == 0 {
            self.end = Some(End::of(&self.reply));
            return Ok(Poll::Ready(0));
        }
        let received = &buffers.incoming[..count];
        log.line(|| format!("{} sent {}", self.peer, Excerpt(received)));
        buffers.space.clear();
        let outgoing = match self.reply.reply(received, &mut buffers.space) {
            Ok(outgoing) => outgoing,
            Err(too_long) => {
                self.end = Some(End::LineTooLong(too_long));
                &buffers.space
            }
        };
        self.outbox.send(socket, outgoing)?;
        Ok(Poll::Ready(count))
    }

    /// Sends what waits. "Not yet" means that some of it still does.
    ///
    /// # Errors
    ///
    /// Those of [`TryIo::try_send`]: the client is lost.
    pub fn flush(&mut self, socket: &impl TryIo) -> io::Result<Poll<()>> {
        self.outbox.flush(socket)
    }

    /// Tells the log how the client went.
    pub fn log_end(&self, outcome: io::Result<End>, log: Log) {
        match outcome {
            Ok(end) => log.line(|| format!("{} {end}", self.peer)),
            Err(error) => log.line(|| format!("{} lost: {error}", self.peer)),
        }
    }
}
