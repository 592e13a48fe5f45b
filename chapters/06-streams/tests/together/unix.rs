//! Streams over Unix sockets.

use crate::guests::{both, until};
use crate::net::{event_loop, passes};
use crate::watch::reports;
use chapter_05::{Address, Server, UnixConnectOptions, UnixServerOptions};
use chapter_06::{
    StreamLimits, StreamReader, StreamWriter, open_unix_connection, start_unix_server,
};
use std::io::ErrorKind;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::tempdir;

/// An abstract name that no other process has, and no other test.
fn abstract_name() -> Vec<u8> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("chapter-06-{}-{number}", process::id()).into_bytes()
}

/// Answers each line, and fails at a last one that has no end.
async fn answer(mut reader: StreamReader, writer: StreamWriter) -> anyhow::Result<()> {
    let mut lines = reader.lines();
    while let Some(line) = lines.next().await? {
        anyhow::ensure!(line.ends_with(b"\n"), "the last line has no end");
        writer.writelines(&[writer.peer_address().to_string().as_bytes(), b": ", &line])?;
        writer.drain().await?;
    }
    Ok(())
}

async fn serve(at: impl Into<UnixServerOptions>) -> Server {
    start_unix_server(answer, at, StreamLimits::default()).await.unwrap()
}

/// Talks with the server, and ends with a half-close.
async fn talk(to: impl Into<UnixConnectOptions>) -> StreamWriter {
    let (mut reader, writer) = open_unix_connection(to, StreamLimits::default()).await.unwrap();
    for _ in 0..2 {
        writer.write(b"hello\n").unwrap();
        let line = reader.readline().await.unwrap();
        assert!(line.ends_with(b": hello\n"), "{line:?}");
    }
    writer.write_eof().unwrap();
    assert!(reader.readline().await.unwrap().is_empty());
    writer
}

/// ST-01, ST-02, UX-05 and UX-06: as over TCP; the client knows the path, and nobody the client.
#[test]
fn streams_are_served_at_a_path() {
    both(|_| async {
        let directory = tempdir().unwrap();
        let path = directory.path().join("streams");
        let server = serve(&*path).await;
        assert_eq!(server.addresses(), [Address::Path(path.clone())]);
        let writer = talk(&*path).await;
        assert_eq!(*writer.peer_address(), Address::Path(path.clone()));
        assert_eq!(*writer.local_address(), Address::Unnamed);
        until(|| server.connection_count() == 0).await;
        writer.close().await.unwrap();
        // UX-03.
        drop(server);
        assert!(!path.exists());
        let refused = open_unix_connection(&*path, StreamLimits::default()).await;
        assert_eq!(refused.map(drop).unwrap_err().kind(), ErrorKind::NotFound);
    });
}

/// UX-07.
#[test]
fn streams_are_served_at_an_abstract_name() {
    both(|_| async {
        let name = abstract_name();
        let server = serve(UnixServerOptions::abstract_name(name.clone())).await;
        let writer = talk(UnixConnectOptions::abstract_name(name.clone())).await;
        assert_eq!(*writer.peer_address(), Address::Abstract(name));
        until(|| server.connection_count() == 0).await;
    });
}

/// ST-03: a client without an address can be reported, too.
#[test]
fn a_handler_of_a_client_without_address_that_fails_is_reported() {
    both(|_| async {
        let reports = reports(&event_loop());
        let name = abstract_name();
        let server = serve(UnixServerOptions::abstract_name(name.clone())).await;
        let to = UnixConnectOptions::abstract_name(name);
        let (mut reader, writer) = open_unix_connection(to, StreamLimits::default()).await.unwrap();
        writer.write(b"no end").unwrap();
        writer.write_eof().unwrap();
        assert!(reader.readline().await.unwrap().is_empty());
        until(|| server.connection_count() == 0).await;
        passes(2).await;
        let reports: Vec<_> = reports.take().iter().map(ToString::to_string).collect();
        assert_eq!(reports, ["the handler of a connection failed: the last line has no end"]);
    });
}
