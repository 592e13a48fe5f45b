use crate::connection_lost::ConnectionLost;
use crate::stream_reader::StreamReader;
use crate::stream_writer::StreamWriter;
use chapter_01::{Excerpt, Log};
use std::io;

/// How much is read at a time, in bytes.
const READ_MAX: usize = 64 * 1024;

/// Sends back what a client sends, until it has nothing more to send, and tells the log.
///
/// While an answer waits for room, nothing more is read: this bounds what is kept for a client.
pub async fn echo(reader: StreamReader, writer: StreamWriter, log: Log) {
    let peer = writer.peer_address();
    log.line(|| format!("{peer} connected"));
    // What fails in it is the connection, which knows best how it has ended.
    let _ = converse(reader, &writer, log).await;
    match writer.close().await.err().as_ref().and_then(ConnectionLost::cause) {
        None => log.line(|| format!("{peer} closed")),
        Some(cause) => log.line(|| format!("{peer} lost: {cause}")),
    }
}

async fn converse(mut reader: StreamReader, writer: &StreamWriter, log: Log) -> io::Result<()> {
    loop {
        let data = reader.read(READ_MAX).await?;
        if data.is_empty() {
            return Ok(());
        }
        log.line(|| format!("{} sent {}", writer.peer_address(), Excerpt(&data)));
        writer.write(&data)?;
        writer.drain().await?;
    }
}
