use crate::connect_error::ConnectErrors;
use crate::happy_eyeballs::{Attempt, HappyEyeballs};
use crate::interleave::interleave;
use chapter_04::{running_loop, sleep_until};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

/// How [`connect_any`] goes through the addresses. The default is one after another, in the order
/// given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RaceOptions {
    /// How long to wait for an attempt before the next one is started beside it;
    /// [`RECOMMENDED_DELAY`](crate::RECOMMENDED_DELAY) is a good value. `None`: until it has failed
    /// (HE-01).
    #[doc(alias = "happy_eyeballs_delay")]
    pub delay: Option<Duration>,
    /// So many addresses of the first family come first, then the families take turns, as
    /// [`interleave`] says; 0 leaves the addresses in their order. `None`: 1 with a delay, else 0
    /// (HE-01).
    pub interleave: Option<usize>,
}

impl RaceOptions {
    fn order(self, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        match self.interleave.unwrap_or(usize::from(self.delay.is_some())) {
            0 => addresses,
            first_count => interleave(addresses, first_count),
        }
    }
}

/// Connects to the address that answers first, and drops all other attempts before it returns: the
/// race of [`HappyEyeballs`] on the running loop. Of two attempts that are ready in the same turn
/// the one that was started first wins.
///
/// `connect` makes one attempt, which must own all that it opens. The attempts run inside the task
/// that awaits this, so nothing of them outlives it: dropping it ends them all (HE-07, D-19). At most
/// one for each address is under way.
///
/// # Errors
///
/// Every attempt failed, or there is no address (HE-08).
///
/// # Panics
///
/// When it is polled and no loop runs in this thread; when an attempt panics.
///
/// ```
/// use chapter_04::{AsyncSocket, run};
/// use chapter_05::{RECOMMENDED_DELAY, RaceOptions, connect_any};
/// use socket2::{Domain, Socket, Type};
/// use std::io;
/// use std::net::{SocketAddr, TcpListener};
///
/// async fn connect(address: SocketAddr) -> io::Result<AsyncSocket> {
///     let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
///     socket.set_nonblocking(true)?;
///     let socket = AsyncSocket::new(socket)?;
///     socket.connect(address).await?;
///     Ok(socket)
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
/// let addresses = vec![nobody, listener.local_addr()?];
/// let options = RaceOptions { delay: Some(RECOMMENDED_DELAY), ..Default::default() };
/// let socket = run(async move { connect_any(addresses, options, connect).await })??;
/// assert_eq!(socket.as_socket().peer_addr()?.as_socket(), Some(listener.local_addr()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn connect_any<T>(
    addresses: Vec<SocketAddr>,
    options: RaceOptions,
    connect: impl AsyncFn(SocketAddr) -> io::Result<T>,
) -> Result<T, ConnectErrors> {
    let addresses = options.order(addresses);
    let race = HappyEyeballs::new(addresses, options.delay);
    let mut race = race.ok_or_else(|| ConnectErrors::from(Vec::new()))?;
    loop {
        let deadline = race.start_due(now(), |address| Box::pin(connect(address)));
        match next_turn(&mut race, deadline).await {
            Turn::Won(value) => return Ok(race.won(value)),
            Turn::Lost(failures) => {
                for (attempt, error) in failures {
                    race = race.failed(attempt, error)?;
                }
            }
        }
    }
}

/// What a turn of the task has brought.
enum Turn<T> {
    /// An attempt succeeded.
    Won(T),
    /// These failed. If there are none, the deadline has come.
    Lost(Vec<(Attempt, io::Error)>),
}

/// Waits for a turn that brings anything. It asks every attempt, also when one has failed or the
/// deadline has come: a success of the same turn wins.
async fn next_turn<T, F: Future<Output = io::Result<T>>>(
    race: &mut HappyEyeballs<SocketAddr, Pin<Box<F>>, io::Error>,
    deadline: Option<Instant>,
) -> Turn<T> {
    let mut timer = deadline.map(sleep_until);
    poll_fn(|context| {
        let mut failures = Vec::new();
        for (attempt, connecting) in race.running_mut() {
            match connecting.as_mut().poll(context) {
                Poll::Ready(Ok(value)) => return Poll::Ready(Turn::Won(value)),
                Poll::Ready(Err(error)) => failures.push((attempt, error)),
                Poll::Pending => {}
            }
        }
        let is_due = timer.as_mut().is_some_and(|timer| Pin::new(timer).poll(context).is_ready());
        if failures.is_empty() && !is_due {
            return Poll::Pending;
        }
        Poll::Ready(Turn::Lost(failures))
    })
    .await
}

fn now() -> Instant {
    running_loop().unwrap_or_else(|error| panic!("{error}")).time()
}
