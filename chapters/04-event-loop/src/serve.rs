use crate::async_socket::{AsyncSocket, RECEIVE_MAX};
use crate::clients::Clients;
use crate::outcome::Outcome;
use crate::sleep::sleep;
use chapter_01::{AcceptFault, Excerpt, Log};
use chapter_03::BACK_OFF;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// Takes clients for ever and gives each a task of its own. It only ends when it is dropped; the
/// clients' tasks go on then.
///
/// What goes wrong with one client does not concern the others. While the process has no descriptor
/// left, clients wait, and it tries again every [`BACK_OFF`], or as soon as one of its own clients
/// leaves.
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
    accept_all(listener, handle, &Clients::new()).await
}

/// As [`serve`], until `stop` is done. Then it closes the listener, so that nobody can connect any
/// more, and gives the clients' tasks the time `grace` to end; those that are left are cancelled.
/// When it returns, every client's socket is closed (SG-06).
///
/// # Errors
///
/// The listening socket itself is broken; the clients have had their time all the same.
pub async fn serve_until<F>(
    listener: AsyncSocket,
    handle: impl Fn(AsyncSocket, SocketAddr) -> F,
    stop: impl Future,
    grace: Duration,
) -> io::Result<()>
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    let clients = Clients::new();
    let broken = unless(stop, accept_all(&listener, handle, &clients)).await;
    drop(listener);
    if unless(sleep(grace), clients.all_departures()).await.is_none() {
        clients.cancel_all();
        clients.all_departures().await;
    }
    match broken {
        Some(Err(error)) => Err(error),
        None => Ok(()),
    }
}

async fn accept_all<F>(
    listener: &AsyncSocket,
    handle: impl Fn(AsyncSocket, SocketAddr) -> F,
    clients: &Rc<Clients<F::Output>>,
) -> io::Result<Infallible>
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    // A shortage is reported once: it is over when nobody waits any more.
    let mut short = false;
    loop {
        let accepted = {
            let mut accept = pin!(listener.accept());
            poll_fn(|context| {
                let polled = accept.as_mut().poll(context);
                short &= polled.is_ready();
                polled
            })
            .await
        };
        match accepted {
            Ok((client, peer)) => clients.spawn(handle(client, peer)),
            Err(error) => match AcceptFault::of(&error) {
                AcceptFault::Client => {}
                AcceptFault::Exhausted => {
                    if !std::mem::replace(&mut short, true) {
                        Log::report(format_args!(
                            "cannot accept: {error}; clients wait, trying again every {BACK_OFF:?}"
                        ));
                    }
                    // A descriptor may become free anywhere in the process, but here we know it.
                    unless(sleep(BACK_OFF), clients.departure()).await;
                }
                AcceptFault::Listener => return Err(error),
            },
        }
    }
}

/// What `work` gives, unless `end` is done before or at the same time: then `work` is dropped.
async fn unless<T>(end: impl Future, work: impl Future<Output = T>) -> Option<T> {
    let (mut end, mut work) = (pin!(end), pin!(work));
    poll_fn(|context| {
        if end.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// Sends back what a client sends, until it has nothing more to send, and tells the log.
pub async fn echo_client(client: AsyncSocket, peer: SocketAddr, log: Log) {
    log.line(|| format!("{peer} connected"));
    match echo(&client, peer, log).await {
        Ok(()) => log.line(|| format!("{peer} closed")),
        Err(error) => log.line(|| format!("{peer} lost: {error}")),
    }
}

/// While an answer waits for room, nothing more is received: this is the bound on what is buffered
/// for a client.
async fn echo(client: &AsyncSocket, peer: SocketAddr, log: Log) -> io::Result<()> {
    loop {
        let received = client.recv(RECEIVE_MAX).await?;
        if received.is_empty() {
            return Ok(());
        }
        log.line(|| format!("{peer} sent {}", Excerpt(&received)));
        client.send_all(&received).await?;
    }
}
