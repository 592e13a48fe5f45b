use crate::async_socket::{AsyncSocket, RECEIVE_MAX};
use crate::outcome::Outcome;
use crate::sleep::sleep;
use crate::task::spawn;
use chapter_01::{AcceptFault, Excerpt, Log};
use chapter_03::BACK_OFF;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;

/// Takes clients for ever and gives each a task of its own. It only ends when it is dropped.
///
/// What goes wrong with one client does not concern the others; while the process has no descriptor
/// left, clients wait, and it tries again every [`BACK_OFF`].
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
    let mut reported = false;
    loop {
        match listener.accept().await {
            Ok((client, peer)) => {
                reported = false;
                spawn(handle(client, peer)).detach();
            }
            Err(error) => match AcceptFault::of(&error) {
                AcceptFault::Client => {}
                AcceptFault::Exhausted => {
                    if !reported {
                        Log::report(format_args!(
                            "cannot accept: {error}; clients wait, trying again every {BACK_OFF:?}"
                        ));
                    }
                    reported = true;
                    sleep(BACK_OFF).await;
                }
                AcceptFault::Listener => return Err(error),
            },
        }
    }
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
