//! The roles on the sockets of chapter 04's event loop.

use crate::arguments::Arguments;
use crate::role::Role;
use crate::{CHUNK, GRACE, announce};
use chapter_01::Log;
use chapter_04::{
    AsyncSocket, Either, Outcome, RECEIVE_MAX, echo_client, race, run_with, running_loop,
    serve_until, signal,
};
use socket2::Socket;
use std::cell::Cell;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

pub(crate) fn play(listener: Socket, port: u16, arguments: &Arguments) -> anyhow::Result<()> {
    listener.set_nonblocking(true)?;
    let Arguments { role, bytes, selector, .. } = *arguments;
    run_with(selector, async move {
        let listener = AsyncSocket::new(listener)?;
        match role {
            Role::Echo => {
                let echo = |client, peer| echo_client(client, peer, Log::Quiet);
                serve_until_told(listener, port, echo).await
            }
            Role::Greet => {
                let echoed = Rc::new(Cell::new(0));
                let greet = move |client, _| greet(client, Rc::clone(&echoed));
                serve_until_told(listener, port, greet).await
            }
            Role::Flood => {
                let flood = move |client, _| flood(client, bytes);
                serve_until_told(listener, port, flood).await
            }
            _ => unreachable!("not on this layer"),
        }
    })?
}

/// Serves until SIGTERM, which leaves the clients [`GRACE`], or SIGINT, which does not.
async fn serve_until_told<F>(
    listener: AsyncSocket,
    port: u16,
    handle: impl Fn(AsyncSocket, SocketAddr) -> F + 'static,
) -> anyhow::Result<()>
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    let event_loop = running_loop()?;
    let interrupted = event_loop.signal_arrival(signal::SIGINT)?;
    let terminated = event_loop.signal_arrival(signal::SIGTERM)?;
    announce(port)?;
    match race(interrupted, serve_until(listener, handle, terminated.into_future(), GRACE)).await {
        Either::First(_) => Ok(()),
        Either::Second(ended) => Ok(ended?),
    }
}

/// Says how many chunks were echoed before, then echoes.
async fn greet(client: AsyncSocket, echoed: Rc<Cell<u32>>) {
    // A client that is lost takes nobody with it.
    let _ = greet_and_echo(&client, &echoed).await;
}

async fn greet_and_echo(client: &AsyncSocket, echoed: &Cell<u32>) -> io::Result<()> {
    client.send_all(format!("{:06}\n", echoed.get()).as_bytes()).await?;
    loop {
        let received = client.recv(RECEIVE_MAX).await?;
        if received.is_empty() {
            return Ok(());
        }
        client.send_all(&received).await?;
        echoed.set(echoed.get() + 1);
    }
}

/// Sends so many `F` and closes. What the client sends is not read.
async fn flood(client: AsyncSocket, bytes: usize) {
    // A client that is lost takes nobody with it.
    let _ = send_flood(&client, bytes).await;
}

async fn send_flood(client: &AsyncSocket, bytes: usize) -> io::Result<()> {
    let chunk = [b'F'; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let count = left.min(CHUNK);
        client.send_all(&chunk[..count]).await?;
        left -= count;
    }
    Ok(())
}
