use crate::stream_limits::StreamLimits;
use crate::stream_protocol::StreamProtocol;
use crate::stream_reader::StreamReader;
use crate::stream_writer::StreamWriter;
use chapter_04::{ErrorContext, JoinError, LoopHandle, Outcome, Subject, running_loop};
use chapter_05::{
    Server, ServerOptions, Transport, UnixServerOptions, create_server, create_unix_server,
};
use std::future::Future;
use std::io;
use std::rc::Rc;

/// Makes a server that gives each client a stream and a task (ST-01): `handle` is called with the
/// two ends, and its future is the task. Where the server listens is as with [`create_server`].
///
/// What a handler does with its client concerns no other. One that fails or panics is reported to
/// the loop's exception handler, and its connection is closed (ST-03), as is that of one that was
/// cancelled (ST-04). If `handle` itself panics, the connection is aborted (D-07).
///
/// A handler that returns has closed the connection if it still owns the writer, which is dropped
/// then (D-28); it may have given it to somebody else.
///
/// # Errors
///
/// Those of [`create_server`].
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
///
/// ```
/// use chapter_04::run;
/// use chapter_05::Address;
/// use chapter_06::{StreamLimits, StreamReader, StreamWriter, open_connection, start_server};
///
/// async fn shout(mut reader: StreamReader, writer: StreamWriter) -> anyhow::Result<()> {
///     let mut lines = reader.lines();
///     while let Some(line) = lines.next().await? {
///         writer.write(&line.to_ascii_uppercase())?;
///         writer.drain().await?;
///     }
///     Ok(())
/// }
///
/// let answer = run(async {
///     let limits = StreamLimits::default();
///     let server = start_server(shout, ("127.0.0.1", 0), limits).await?;
///     let address = server.addresses()[0].ip().expect("it has one");
///     let (mut reader, writer) = open_connection(address, limits).await?;
///     writer.write(b"hello\n")?;
///     anyhow::Ok(reader.readline().await?)
/// })??;
/// assert_eq!(answer, b"HELLO\n");
/// # anyhow::Ok(())
/// ```
pub async fn start_server<H, F>(
    handle: H,
    at: impl Into<ServerOptions>,
    limits: StreamLimits,
) -> io::Result<Server>
where
    H: Fn(StreamReader, StreamWriter) -> F + 'static,
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    create_server(protocols(handle, limits), at).await
}

/// As [`start_server`], on a Unix socket.
///
/// # Errors
///
/// Those of [`create_unix_server`].
///
/// # Panics
///
/// When it is polled and no loop runs in this thread.
pub async fn start_unix_server<H, F>(
    handle: H,
    at: impl Into<UnixServerOptions>,
    limits: StreamLimits,
) -> io::Result<Server>
where
    H: Fn(StreamReader, StreamWriter) -> F + 'static,
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    create_unix_server(protocols(handle, limits), at).await
}

/// What makes the protocol of each connection: one whose stream is served by a task of its own.
///
/// `start_server` gives it to [`create_server`]. Whoever has something between the socket and the
/// stream, such as a cipher, wraps what it makes.
pub fn protocols<H, F>(handle: H, limits: StreamLimits) -> impl Fn() -> StreamProtocol + 'static
where
    H: Fn(StreamReader, StreamWriter) -> F + 'static,
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    let handle = Rc::new(handle);
    move || {
        let handle = Rc::clone(&handle);
        StreamProtocol::new(limits, move |reader, writer| {
            let (transport, event_loop) = (Rc::clone(writer.transport()), running_loop()?);
            let task = event_loop.spawn(handle(reader, writer))?;
            task.hand_over(move |outcome| handler_is_done(&event_loop, &*transport, outcome));
            Ok(())
        })
    }
}

/// What becomes of a connection whose handler is done.
fn handler_is_done(
    event_loop: &LoopHandle,
    transport: &dyn Transport,
    outcome: Result<impl Outcome, JoinError>,
) {
    let failure = match &outcome {
        Ok(value) => match value.failure() {
            Some(failure) => failure as &dyn std::fmt::Display,
            // Whoever has the writer now has the connection.
            None => return,
        },
        Err(JoinError::Cancelled) => return transport.close(),
        Err(error) => error,
    };
    transport.close();
    let context = ErrorContext::new("the handler of a connection failed").with_error(failure);
    let peer = transport.peer_address().ip().map(Subject::Connection);
    event_loop.call_exception_handler(&context.about(peer));
}
