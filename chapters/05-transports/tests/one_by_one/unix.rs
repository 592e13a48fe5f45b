//! Connections over Unix sockets. Descriptors are counted.

use crate::caller::{Caller, Notes, counted, holds};
use crate::guests::{Book, until};
use crate::net::event_loop;
use chapter_05::{
    Address, Connection, Server, UnixConnectOptions, UnixServerOptions, create_unix_connection,
    create_unix_server,
};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::tempdir;

async fn serve(at: impl Into<UnixServerOptions>) -> io::Result<Server> {
    create_unix_server(Book::new().factory(), at).await
}

async fn connect(to: impl Into<UnixConnectOptions>) -> io::Result<Connection<Caller>> {
    create_unix_connection(Notes::new().factory(), to).await
}

/// Sends a word to a server that echoes, and has it back; then either end closes.
async fn talk(to: impl Into<UnixConnectOptions>) -> Connection<Caller> {
    let notes = Notes::new();
    let connection = create_unix_connection(notes.factory(), to).await.unwrap();
    connection.0.write(b"ping").unwrap();
    until(|| notes.has("ping")).await;
    connection.0.write_eof().unwrap();
    until(|| notes.has("lost")).await;
    connection
}

/// An abstract name that no other process has, and no other test.
fn abstract_name() -> Vec<u8> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("chapter-05-{}-{number}", process::id()).into_bytes()
}

/// UX-05 and UX-06: bytes and ends of file go as over TCP, and no option of TCP is set. The client
/// knows the path of the server; of the client, which has none, the server knows nothing.
#[test]
fn a_unix_connection_is_a_connection_as_any_other() {
    counted(|| async {
        let directory = tempdir().unwrap();
        let (path, book) = (directory.path().join("echo"), Book::new());
        let server = create_unix_server(book.factory(), &*path).await.unwrap();
        assert_eq!(server.addresses(), [Address::Path(path.clone())]);
        let (near, _) = connect(&*path).await.unwrap();
        assert_eq!(*near.peer_address(), Address::Path(path.clone()));
        assert_eq!(*near.local_address(), Address::Unnamed);
        until(|| book.made.get() == 1).await;
        let far = book.transport(0);
        assert_eq!(*far.peer_address(), Address::Unnamed);
        assert_eq!(*far.local_address(), Address::Path(path.clone()));
        near.abort();
        until(|| book.lost.get() == 1).await;
        talk(path).await;
    });
}

/// UX-06: a path that is not there, and one at which nobody listens, is named.
#[test]
fn a_path_that_nobody_serves_is_named() {
    counted(|| async {
        let directory = tempdir().unwrap();
        let (missing, stale) = (directory.path().join("missing"), directory.path().join("stale"));
        drop(UnixListener::bind(&stale).unwrap());
        let before = holds();
        for (path, kind) in [(missing, ErrorKind::NotFound), (stale, ErrorKind::ConnectionRefused)]
        {
            let error = connect(&*path).await.map(drop).unwrap_err();
            assert_eq!(error.kind(), kind);
            let text = format!("cannot connect to {}: ", path.display());
            assert!(error.to_string().starts_with(&text), "{error}");
        }
        assert_eq!(holds(), before);
    });
}

/// UX-06: what cannot be a path of a socket is refused, by both sides, before anything is tried.
#[test]
fn what_is_no_path_is_refused() {
    counted(|| async {
        let too_long = "x".repeat(200);
        for path in ["", "with\0zero", "\0name", &too_long] {
            let errors = [
                connect(path).await.map(drop).unwrap_err(),
                serve(path).await.map(drop).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                let text = format!("{path:?} is no path of a socket: ");
                assert!(error.to_string().starts_with(&text), "{error}");
            }
        }
        let error = serve("/no/such/directory/echo").await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let text = "cannot listen at /no/such/directory/echo: ";
        assert!(error.to_string().starts_with(text), "{error}");
    });
}

/// UX-01 and UX-07: an abstract name is served without a file, and is free when its server is closed.
#[test]
fn an_abstract_name_is_no_file() {
    counted(|| async {
        let name = abstract_name();
        let at = || UnixServerOptions::abstract_name(name.clone());
        let to = || UnixConnectOptions::abstract_name(name.clone());
        let text = format!("@{}", name.escape_ascii());
        let error = connect(to()).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().starts_with(&format!("cannot connect to {text}: ")), "{error}");

        let server = serve(at()).await.unwrap();
        assert_eq!(server.addresses(), [Address::Abstract(name.clone())]);
        assert_eq!(server.addresses()[0].to_string(), text);
        let (transport, _) = talk(to()).await;
        assert_eq!(*transport.peer_address(), Address::Abstract(name.clone()));
        let error = serve(at()).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("cannot listen at {text}: ")), "{error}");
        drop(server);
        talk_to_a_new_server(at(), to()).await;
    });
}

async fn talk_to_a_new_server(at: UnixServerOptions, to: UnixConnectOptions) {
    let _server = serve(at).await.unwrap();
    talk(to).await;
}

fn bound(path: &Path) -> Socket {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(path).unwrap()).unwrap();
    socket
}

/// UX-03 and UX-04: a socket that is there already, in blocking mode, is served and connected; the
/// server cares for its path as for one of its own. A path as well cannot be given.
#[test]
fn a_unix_socket_is_adopted_by_both_sides() {
    counted(|| async {
        let directory = tempdir().unwrap();
        let path = directory.path().join("echo");
        let server = serve(bound(&path)).await.unwrap();
        assert_eq!(server.addresses(), [Address::Path(path.clone())]);
        let client = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        client.connect(&SockAddr::unix(&path).unwrap()).unwrap();
        talk(client).await;
        drop(server);
        assert!(!path.exists());
        let server = serve(UnixServerOptions::socket(bound(&path)).cleanup(false)).await.unwrap();
        drop(server);
        assert!(path.exists());
    });
}

/// UX-04: only a Unix stream socket is taken.
#[test]
fn a_socket_of_another_kind_is_refused() {
    counted(|| async {
        let before = holds();
        let cases = [
            (Domain::IPV4, Type::STREAM, "a Unix socket is needed: "),
            (Domain::IPV6, Type::STREAM, "a Unix socket is needed: "),
            (Domain::UNIX, Type::DGRAM, "a stream socket is needed: "),
            (Domain::UNIX, Type::SEQPACKET, "a stream socket is needed: "),
        ];
        for (domain, kind, text) in cases {
            let Ok(socket) = Socket::new(domain, kind, None) else { continue };
            let copy = socket.try_clone().unwrap();
            let errors = [
                connect(socket).await.map(drop).unwrap_err(),
                serve(copy).await.map(drop).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.to_string().starts_with(text), "{error}");
            }
        }
        let unconnected = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        assert_eq!(
            connect(unconnected).await.map(drop).unwrap_err().kind(),
            ErrorKind::NotConnected
        );
        assert_eq!(holds(), before);
    });
}

/// SV-01: bound, and refusing who connects, until it is started. The backlog is the server's.
#[test]
fn a_unix_server_may_start_later() {
    counted(|| async {
        let directory = tempdir().unwrap();
        let path: PathBuf = directory.path().join("echo");
        let at = UnixServerOptions::path(&path).start_serving(false).backlog(1);
        let server = serve(at).await.unwrap();
        assert!(!server.is_serving());
        let error = connect(path.clone()).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        server.start_serving().await.unwrap();
        talk(path).await;
        assert_eq!(event_loop().census().timers, 1, "that of the test's limit");
    });
}
