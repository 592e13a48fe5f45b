use crate::backend::{Backend, Mode};
use crate::event::{Event, Interest, Readiness, Token};
use crate::source::Source;
use mio::unix::SourceFd;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

/// The waker's own token; no source has it, for no serial is `u32::MAX`.
const WAKER: mio::Token = mio::Token(usize::MAX);

/// Whether `mio` is made to use poll(2), which has no edges, by the flag that it has for tests.
const OVER_POLL: bool = cfg!(mio_unsupported_force_poll_poll);

/// epoll or kqueue through `mio`, edge-triggered.
///
/// Timeouts are rounded up to a millisecond.
pub(crate) struct OverMio {
    poll: mio::Poll,
    events: mio::Events,
    waker: Arc<mio::Waker>,
}

impl OverMio {
    pub(crate) fn new() -> io::Result<OverMio> {
        let poll = mio::Poll::new()?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKER)?);
        Ok(OverMio { poll, events: mio::Events::with_capacity(64), waker })
    }
}

impl<S: Source> Backend<S> for OverMio {
    fn mode(&self) -> Mode {
        // In place of an edge, `mio` over poll(2) takes the interest away with each report.
        if OVER_POLL { Mode::Oneshot } else { Mode::Edge }
    }

    fn add(&mut self, source: &S, token: Token, interest: Interest) -> io::Result<()> {
        let fd = source.as_fd().as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&fd), to_mio(token), to_mio_interest(interest))
    }

    fn modify(&mut self, source: &S, token: Token, interest: Interest) -> io::Result<()> {
        let fd = source.as_fd().as_raw_fd();
        match self.poll.registry().reregister(
            &mut SourceFd(&fd),
            to_mio(token),
            to_mio_interest(interest),
        ) {
            // Over poll(2), `mio` forgets a source by itself once it has reported that the peer
            // hung up.
            Err(error) if error.kind() == ErrorKind::NotFound && OVER_POLL => {
                self.add(source, token, interest)
            }
            outcome => outcome,
        }
    }

    fn remove(&mut self, source: &S) -> io::Result<()> {
        let fd = source.as_fd().as_raw_fd();
        match self.poll.registry().deregister(&mut SourceFd(&fd)) {
            Err(error) if error.kind() == ErrorKind::NotFound && OVER_POLL => Ok(()),
            outcome => outcome,
        }
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        sources: usize,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        // One more for the waker. With a smaller buffer the kernel would report some now and the
        // others later (SE-06).
        if self.events.capacity() <= sources {
            self.events = mio::Events::with_capacity((sources + 1).next_power_of_two());
        }
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            outcome => outcome?,
        }
        let reported = self.events.iter().filter(|event| event.token() != WAKER);
        events.extend(reported.map(|event| Event {
            token: Token::from_word(event.token().0),
            readiness: to_readiness(event),
        }));
        Ok(())
    }

    fn wake(&self) -> Box<dyn Fn() + Send + Sync> {
        let waker = Arc::clone(&self.waker);
        // The kernel refuses only when its counter is full, and then the wake-up is pending
        // already.
        Box::new(move || drop(waker.wake()))
    }
}

fn to_mio(token: Token) -> mio::Token {
    mio::Token(token.to_word())
}

fn to_mio_interest(interest: Interest) -> mio::Interest {
    // To be told of an urgent byte is to be told that a receive will stop at it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let reads = mio::Interest::READABLE | mio::Interest::PRIORITY;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let reads = mio::Interest::READABLE;
    match interest {
        Interest::READ => reads,
        Interest::WRITE => mio::Interest::WRITABLE,
        _ => reads | mio::Interest::WRITABLE,
    }
}

/// An error or a hang-up concerns both directions: the next call on the socket will tell (SE-07).
fn to_readiness(event: &mio::event::Event) -> Readiness {
    let (error, read_closed) = (event.is_error(), event.is_read_closed());
    Readiness::READABLE.when(event.is_readable() || read_closed || error)
        | Readiness::WRITABLE.when(event.is_writable() || event.is_write_closed() || error)
        | Readiness::READ_CLOSED.when(read_closed || error)
        | Readiness::URGENT.when(event.is_priority())
}
