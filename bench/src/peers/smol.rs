use async_executor::LocalExecutor;
use async_io::Async;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use std::convert::Infallible;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;

/// How many bytes one receive may bring, as in every other server.
const RECEIVE_MAX: usize = 64 * 1024;

/// Serves with a task for each client on one executor, which runs in the thread that also waits for readiness.
///
/// # Errors
///
/// Only if the listener itself fails.
pub(crate) fn serve(listener: TcpListener) -> io::Result<Infallible> {
    let executor = Rc::new(LocalExecutor::new());
    // A task of its own: what `run` itself is given is polled, and would try to accept, at each event.
    let accepting = executor.spawn(accept(listener, Rc::clone(&executor)));
    async_io::block_on(executor.run(accepting))
}

async fn accept(
    listener: TcpListener,
    executor: Rc<LocalExecutor<'static>>,
) -> io::Result<Infallible> {
    let listener = Async::new(listener)?;
    loop {
        let (client, _) = listener.accept().await?;
        client.get_ref().set_nodelay(true)?;
        // The end of one client, in peace or not, is no matter of the server.
        executor.spawn(echo(client)).detach();
    }
}

async fn echo(mut client: Async<TcpStream>) -> io::Result<()> {
    let mut buffer = vec![0; RECEIVE_MAX];
    loop {
        let count = client.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        client.write_all(&buffer[..count]).await?;
    }
}
