//! A loop and sockets without a kernel, for tests: they do what a test has written down, in the
//! same way each time.

use crate::async_socket::AsyncSocket;
use crate::clock::{Clock, VirtualClock};
use crate::event_loop::EventLoop;
use crate::loop_core::Core;
use crate::observed::ObservedSocket;
use chapter_02::TryIo;
use chapter_02::fake::FakeSocket;
use chapter_03::Mode;
use chapter_03::fake::FakeBackend;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;

/// A loop whose kernel reports what the test says, and whose time moves only when it waits.
///
/// A wait that would have no end is a panic: in a test, a hang is a failure.
///
/// ```
/// use chapter_02::fake::FakeSocket;
/// use chapter_03::{Mode, Readiness};
/// use chapter_04::fake::FakeLoop;
/// use std::io::ErrorKind;
///
/// let mut fake = FakeLoop::new(Mode::Edge);
/// let script = FakeSocket::new().receives([Err(ErrorKind::WouldBlock), Ok("hi")]);
/// let socket = fake.socket(script)?;
/// // The first wait begins the task, the second reports source 0, which is the socket.
/// fake.backend.report([]);
/// fake.backend.report([(0, Readiness::READABLE)]);
/// let received = fake.event_loop.run_until_complete(async move {
///     socket.recv(10).await.map(|bytes| bytes.to_vec())
/// });
/// assert_eq!(received??, b"hi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FakeLoop {
    /// The loop.
    pub event_loop: EventLoop,
    /// The other handle of what the loop has in place of a kernel.
    pub backend: FakeBackend,
    /// The other handle of the loop's clock.
    pub clock: VirtualClock,
}

impl FakeLoop {
    /// A loop whose kernel claims to report in this mode.
    pub fn new(mode: Mode) -> FakeLoop {
        let (backend, clock) = (FakeBackend::new(mode), VirtualClock::new());
        let event_loop =
            EventLoop::with_backend(Box::new(backend.clone()), Clock::Virtual(clock.clone()));
        FakeLoop { event_loop, backend, clock }
    }

    /// Gives a scripted socket to the loop. What is registered for it is a descriptor of
    /// `/dev/null`, at which a [`FakeBackend`] does not look.
    ///
    /// # Errors
    ///
    /// What the back end was told to fail with.
    pub fn socket(&self, script: FakeSocket) -> io::Result<AsyncSocket<FakeSocket>> {
        register(Rc::clone(&self.event_loop.core), script)
    }

    /// Gives a scripted socket, of whatever kind, to the loop for an observer.
    ///
    /// # Errors
    ///
    /// As [`socket`](FakeLoop::socket).
    pub fn observed<S: TryIo>(&self, script: S) -> io::Result<ObservedSocket<S>> {
        let core = Rc::clone(&self.event_loop.core);
        ObservedSocket::with_source(core, Rc::new(script), stand_in()?, true)
    }
}

fn register(core: Rc<Core>, script: FakeSocket) -> io::Result<AsyncSocket<FakeSocket>> {
    AsyncSocket::with_source(core, Rc::new(script), stand_in()?, true)
}

/// A descriptor that can be registered.
fn stand_in() -> io::Result<Rc<OwnedFd>> {
    Ok(Rc::new(OwnedFd::from(File::open("/dev/null")?)))
}

impl AsyncSocket<FakeSocket> {
    /// As the `accept` of a real socket.
    ///
    /// # Errors
    ///
    /// What the script says, or the back end was told to fail with.
    pub async fn accept(&self) -> io::Result<(AsyncSocket<FakeSocket>, SocketAddr)> {
        let (socket, peer) = self.take_client().await?;
        Ok((register(Rc::clone(&self.core), socket)?, peer))
    }
}
