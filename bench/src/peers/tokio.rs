use std::convert::Infallible;
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::{TcpListener, TcpStream};

/// How many bytes one receive may bring, as in every other server.
const RECEIVE_MAX: usize = 64 * 1024;

/// Serves with a task for each client on tokio's current-thread runtime.
///
/// # Errors
///
/// Only if the runtime or the listener itself fails.
pub(crate) fn serve<F>(
    listener: std::net::TcpListener,
    echo: fn(TcpStream) -> F,
) -> io::Result<Infallible>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (client, _) = listener.accept().await?;
            client.set_nodelay(true)?;
            // The end of one client, in peace or not, is no matter of the server.
            tokio::spawn(echo(client));
        }
    })
}

/// Reads into a buffer of the task and writes that back.
pub(crate) async fn plain(mut client: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; RECEIVE_MAX];
    loop {
        let count = client.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        client.write_all(&buffer[..count]).await?;
    }
}

/// The same through tokio's buffered halves, of their default size.
pub(crate) async fn buffered(client: TcpStream) -> io::Result<()> {
    let (reader, writer) = client.into_split();
    let (mut reader, mut writer) = (BufReader::new(reader), BufWriter::new(writer));
    loop {
        let received = reader.fill_buf().await?;
        if received.is_empty() {
            return Ok(());
        }
        let count = received.len();
        writer.write_all(received).await?;
        writer.flush().await?;
        reader.consume(count);
    }
}
