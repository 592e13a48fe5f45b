use crate::accept_all::accept_all;
use crate::async_socket::{AsyncSocket, RECEIVE_MAX};
use crate::clients::Clients;
use crate::outcome::Outcome;
use crate::race::{Either, race};
use crate::timeout::timeout;
use chapter_01::{Excerpt, Log};
use std::convert::Infallible;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// Takes clients for ever and gives each a task of its own. It ends only when it is dropped or its
/// listener is broken; the clients' tasks go on then.
///
/// What goes wrong with one client does not concern the others. While the process has no descriptor
/// left, clients wait, which is reported to the loop's exception handler once; it tries again every
/// [`BACK_OFF`](chapter_03::BACK_OFF), or as soon as one of its own clients leaves.
///
/// # Errors
///
/// The listening socket itself is broken.
pub async fn serve<F>(
    listener: &AsyncSocket,
    handle: impl Fn(AsyncSocket, SocketAddr) -> F,
) -> io::Result<Infallible>
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    serve_clients(listener, handle, &Clients::new()).await
}

async fn serve_clients<F>(
    listener: &AsyncSocket,
    handle: impl Fn(AsyncSocket, SocketAddr) -> F,
    clients: &Rc<Clients<F::Output>>,
) -> io::Result<Infallible>
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    let take = |client, peer| clients.spawn(handle(client, peer));
    accept_all(|| listener.accept(), take, || clients.departure()).await
}

/// As [`serve`], until `stop` is done. Then it closes the listener, so that nobody can connect any
/// more, and gives the clients' tasks the time `grace` to end; those that are left are cancelled.
/// When it returns, every client's task has ended (SG-06).
///
/// ```
/// use chapter_04::{AsyncSocket, echo_client, run, running_loop, serve_until, signal};
/// use std::time::Duration;
///
/// let listener = chapter_01::listen("127.0.0.1:0".parse()?, 10)?;
/// listener.set_nonblocking(true)?;
/// run(async {
///     let stop = running_loop().expect("this is a task of one").signal_arrival(signal::SIGTERM)?;
///     let echo = |client, peer| echo_client(client, peer, chapter_01::Log::Quiet);
///     // As the system does when the process is asked to end.
///     signal_hook::low_level::raise(signal::SIGTERM)?;
///     serve_until(AsyncSocket::new(listener)?, echo, stop, Duration::from_secs(2)).await
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The listening socket itself is broken; the clients have had their time all the same.
pub async fn serve_until<F>(
    listener: AsyncSocket,
    handle: impl Fn(AsyncSocket, SocketAddr) -> F,
    stop: impl IntoFuture,
    grace: Duration,
) -> io::Result<()>
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    let clients = Clients::new();
    let ended = race(stop, serve_clients(&listener, handle, &clients)).await;
    drop(listener);
    if timeout(grace, clients.all_departures()).await.is_err() {
        clients.cancel_all();
        clients.all_departures().await;
    }
    match ended {
        Either::First(_) => Ok(()),
        Either::Second(broken) => broken.map(|never| match never {}),
    }
}

/// Sends back what a client sends, until it has nothing more to send, and tells the log.
///
/// While an answer waits for room, nothing more is received: this bounds what is buffered for a
/// client.
pub async fn echo_client(client: AsyncSocket, peer: SocketAddr, log: Log) {
    log.line(|| format!("{peer} connected"));
    let lost = loop {
        let received = match client.recv(RECEIVE_MAX).await {
            Ok(received) if received.is_empty() => return log.line(|| format!("{peer} closed")),
            Ok(received) => received,
            Err(error) => break error,
        };
        log.line(|| format!("{peer} sent {}", Excerpt(&received)));
        if let Err(error) = client.send_all(&received).await {
            break error;
        }
    };
    log.line(|| format!("{peer} lost: {lost}"));
}
