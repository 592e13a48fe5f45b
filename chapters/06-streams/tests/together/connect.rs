//! Streams from an address.

use crate::guests::{address, both, is_over};
use crate::net::{event_loop, passes, register, tcp_listener};
use chapter_04::{AsyncSocket, Resolver, join_all, spawn};
use chapter_05::ConnectOptions;
use chapter_06::{ReadError, StreamLimits, Streams, open_connection};
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;

fn limits() -> StreamLimits {
    StreamLimits::default()
}

/// Connects, and takes the client at the other end.
async fn connected(
    to: impl Into<ConnectOptions>,
    listener: &AsyncSocket,
) -> (Streams, AsyncSocket) {
    let streams = open_connection(to, limits()).await.unwrap();
    (streams, register(listener.take_client().await.unwrap().0))
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// ST-02: the two ends of a connection that is there.
#[test]
fn a_connection_gives_a_reader_and_a_writer() {
    both(|_| async {
        let (listener, address) = tcp_listener();
        let ((mut reader, writer), far) = connected(address, &listener).await;
        assert_eq!(writer.peer_address().ip(), Some(address));
        let client = far.as_socket().peer_addr().unwrap().as_socket();
        assert_eq!(writer.local_address().ip(), client);
        far.send_all(b"hello\nworld").await.unwrap();
        writer.write(b"and back").unwrap();
        assert_eq!(reader.readline().await.unwrap(), b"hello\n");
        assert_eq!(&*far.recv(100).await.unwrap(), b"and back");
        drop(far);
        assert_eq!(reader.read_to_end().await.unwrap(), b"world");
        writer.close().await.unwrap();
    });
}

/// ST-02: what has come before the stream was there is in it.
#[test]
fn what_the_peer_says_first_is_read_first() {
    both(|_| async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        near.connect(&listener.local_addr().unwrap().into()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        far.write_all(b"early\n").unwrap();
        drop(far);
        // It is connected already, and the end of file is there.
        let to = ConnectOptions::socket(near);
        let (mut reader, _writer) = open_connection(to, limits()).await.unwrap();
        passes(3).await;
        assert_eq!(reader.readline().await.unwrap(), b"early\n");
        assert!(reader.readline().await.unwrap().is_empty() && reader.at_eof());
    });
}

/// ST-02: the options are those of a connection: names, addresses of this end, and several addresses
/// to try.
#[test]
fn the_options_of_a_connection_are_passed_on() {
    both(|_| async {
        let (listener, address) = tcp_listener();
        event_loop().set_resolver(Resolver::with_lookup(move |name, _| {
            assert_eq!(name, "host");
            Ok(vec![nobody(), address])
        }));
        let to = ConnectOptions::host("host", 80).local_address("127.0.0.2", 0);
        let ((_reader, writer), far) = connected(to, &listener).await;
        let local = writer.local_address().ip().unwrap();
        assert_eq!(local.ip().to_string(), "127.0.0.2");
        assert_eq!(far.as_socket().peer_addr().unwrap().as_socket(), Some(local));
        let to = ConnectOptions::addresses([nobody(), address]);
        let ((_reader, writer), _far) = connected(to, &listener).await;
        assert_eq!(writer.peer_address().ip(), Some(address));
    });
}

/// ST-02: the errors are those of a connection: one for each address.
#[test]
fn each_address_that_refuses_is_told() {
    both(|_| async {
        let to = ConnectOptions::addresses([nobody(), nobody()]);
        let errors = open_connection(to, limits()).await.map(drop).unwrap_err();
        assert_eq!((errors.kind(), errors.errors().len()), (ErrorKind::ConnectionRefused, 2));
        assert_eq!(event_loop().census().sources, 0);
    });
}

/// ST-09: the limits are those of the reader.
#[test]
fn the_limits_of_a_connection_are_those_of_its_reader() {
    both(|_| async {
        let (listener, address) = tcp_listener();
        let short = StreamLimits::new(4).unwrap();
        let (mut reader, _writer) = open_connection(address, short).await.unwrap();
        let far = register(listener.take_client().await.unwrap().0);
        far.send_all(b"1234\n12345\n").await.unwrap();
        assert_eq!(reader.readline().await.unwrap(), b"1234\n");
        let error = reader.readline().await.unwrap_err();
        assert!(matches!(error, ReadError::LineTooLong { line_max: 4 }), "{error}");
    });
}

/// Many connections at once are one each.
#[test]
fn many_connections_may_be_opened_at_once() {
    both(|_| async {
        let handle = |mut reader: chapter_06::StreamReader, writer: chapter_06::StreamWriter| async move {
            writer.write(&reader.readline().await.unwrap()).unwrap();
        };
        let server = chapter_06::start_server(handle, ("127.0.0.1", 0), limits()).await.unwrap();
        let address = address(&server);
        let talking = (0..50).map(|number| {
            spawn(async move {
                let (mut reader, writer) = open_connection(address, limits()).await.unwrap();
                let line = format!("I am {number}\n");
                writer.write(line.as_bytes()).unwrap();
                assert_eq!(reader.read_to_end().await.unwrap(), line.as_bytes());
            })
        });
        for outcome in join_all(talking).await {
            outcome.unwrap();
        }
    });
}

/// D-28: a client that drops its streams, in either order, has closed its connection, and the other
/// end sees the end of file; with the reader alone dropped, it goes on.
#[test]
fn d_28_who_drops_the_streams_has_closed_the_connection() {
    both(|_| async {
        let (listener, address) = tcp_listener();
        for writer_first in [true, false] {
            let ((reader, writer), far) = connected(address, &listener).await;
            writer.write(b"last words").unwrap();
            if writer_first {
                drop(writer);
                drop(reader);
            } else {
                drop(reader);
                passes(2).await;
                writer.write(b", really").unwrap();
                drop(writer);
            }
            let expected: &[u8] = if writer_first { b"last words" } else { b"last words, really" };
            let mut received = Vec::new();
            while received.len() < expected.len() {
                received.extend_from_slice(&far.recv(100).await.unwrap());
            }
            assert_eq!(received, expected);
            assert!(is_over(&far).await);
        }
    });
}

/// Memory under back-pressure: a reader that nobody reads, or that is gone, keeps what its limits say
/// and one receive; the rest stays with the peer.
#[test]
fn a_stream_that_is_not_read_holds_its_peer_back() {
    both(|_| async {
        for keeps_reader in [true, false] {
            let (listener, address) = tcp_listener();
            let ((reader, writer), far) = connected(address, &listener).await;
            let far = Rc::new(far);
            let reader = keeps_reader.then_some(reader);
            let sends = Rc::clone(&far);
            let flooding = spawn(async move { sends.send_all(&vec![0; 50_000_000]).await });
            while writer.transport().is_reading() {
                passes(1).await;
            }
            if let Some(reader) = &reader {
                let text = format!("{reader:?}");
                let kept = text.split("kept: ").nth(1).unwrap().split(',').next().unwrap();
                let kept: usize = kept.parse().unwrap();
                let most = limits().kept_max() + chapter_04::TURN_MAX;
                assert!((limits().kept_max() + 1..=most).contains(&kept), "{kept}");
            }
            assert!(!flooding.is_finished());
            drop(writer);
            // What the peer has not sent is lost with the connection.
            assert!(flooding.await.unwrap().is_err());
        }
    });
}
