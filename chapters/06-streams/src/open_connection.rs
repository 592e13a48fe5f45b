use crate::stream_limits::StreamLimits;
use crate::stream_protocol::StreamProtocol;
use crate::stream_reader::StreamReader;
use crate::stream_writer::StreamWriter;
use chapter_05::{
    CallbackResult, ConnectErrors, ConnectOptions, UnixConnectOptions, create_connection,
    create_unix_connection,
};
use std::cell::Cell;
use std::io;
use std::rc::Rc;

/// The two ends of a stream.
pub type Streams = (StreamReader, StreamWriter);

/// Connects, and makes a stream of the connection (ST-02). How and where to is as with
/// [`create_connection`].
///
/// # Errors
///
/// Those of [`create_connection`].
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
///
/// ```
/// use chapter_04::run;
/// use chapter_06::{StreamLimits, open_connection};
/// use std::io::Write;
/// use std::net::TcpListener;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// let line = run(async move {
///     let (mut reader, writer) = open_connection(address, StreamLimits::default()).await?;
///     listener.accept()?.0.write_all(b"hello\nworld\n")?;
///     let line = reader.readline().await?;
///     writer.close().await?;
///     anyhow::Ok(line)
/// })??;
/// assert_eq!(line, b"hello\n");
/// # anyhow::Ok(())
/// ```
pub async fn open_connection(
    to: impl Into<ConnectOptions>,
    limits: StreamLimits,
) -> Result<Streams, ConnectErrors> {
    let place = Place::default();
    create_connection(|| place.protocol(limits), to).await?;
    Ok(place.take())
}

/// As [`open_connection`], to a Unix socket.
///
/// # Errors
///
/// Those of [`create_unix_connection`].
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
pub async fn open_unix_connection(
    to: impl Into<UnixConnectOptions>,
    limits: StreamLimits,
) -> io::Result<Streams> {
    let place = Place::default();
    create_unix_connection(|| place.protocol(limits), to).await?;
    Ok(place.take())
}

/// Where the protocol of a new connection puts its stream. Its owners are that protocol and who has
/// asked for the connection: whoever is last drops what is there, and that closes it.
#[derive(Default)]
struct Place(Rc<Cell<Option<Streams>>>);

impl Place {
    fn protocol(&self, limits: StreamLimits) -> StreamProtocol {
        let place = Rc::clone(&self.0);
        StreamProtocol::new(limits, move |reader, writer| -> CallbackResult {
            place.set(Some((reader, writer)));
            Ok(())
        })
    }

    fn take(&self) -> Streams {
        self.0.take().expect("the connection is made, and was not asked for before")
    }
}
