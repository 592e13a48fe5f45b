//! Streams that are given up, at each moment: no descriptor, source, timer or task is left, and no
//! byte is lost. Descriptors are counted, so one test waits for the other.

use crate::black_hole::BlackHole;
use crate::caller::{counted, holds};
use crate::cancel::{Moment, dropped_at, moments};
use crate::guests;
use crate::guests::{is_over, until};
use crate::meet::{pattern, receive_all, tcp};
use crate::net::{event_loop, passes, register, tcp_listener};
use crate::stack::{STACKS, Stack};
use crate::streams::{end, fill_up, narrow_tcp, stream_of};
use chapter_04::{JoinError, Resolver, spawn, timeout};
use chapter_05::{ConnectOptions, RaceOptions, ServerOptions};
use chapter_06::{
    StreamLimits, StreamReader, StreamWriter, open_connection, open_unix_connection, start_server,
    start_unix_server,
};
use std::cell::Cell;
use std::future::pending;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::time::Duration;
use tempfile::tempdir;

fn limits() -> StreamLimits {
    StreamLimits::default()
}

/// Gives something up at each moment, until at one it is done before that, which `done` takes. Each
/// time, nothing is left soon after. Says how often it was given up.
async fn given_up<T>(make: impl AsyncFn() -> T, done: impl FnOnce(T)) -> usize {
    for (count, moment) in moments().enumerate() {
        let before = holds();
        if let Some(value) = dropped_at(moment, make()).await {
            done(value);
            // A task or a connection that is ended has its last turn.
            until(|| holds() == before).await;
            return count;
        }
        until(|| holds() == before).await;
    }
    unreachable!("there is no last moment")
}

/// ST-10: a connection that is given up while a name is resolved, addresses are tried, or the stream
/// is made, leaves nothing.
#[test]
fn a_stream_that_is_given_up_before_it_is_there_leaves_nothing() {
    counted(|| async {
        let (hole, (_listener, address)) = (BlackHole::new(), tcp_listener());
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = taken.local_addr().unwrap();
        drop(taken);
        let (host, mine) = ([hole.address, nobody, address], SocketAddr::from(([127, 0, 0, 1], 0)));
        event_loop().set_resolver(Resolver::with_lookup(move |name, _| {
            Ok(if name == "mine" { vec![mine] } else { host.to_vec() })
        }));
        let race = RaceOptions { delay: Some(Duration::from_millis(1)), interleave: None };
        let open = async || {
            let to = ConnectOptions::host("host", 80).local_address("mine", 0).race(race);
            open_connection(to, limits()).await.unwrap()
        };
        let count = given_up(open, drop).await;
        assert!(count >= 3, "it was given up {count} times");
    });
}

/// ST-10: at the last moments, the stream is in its place already, and nobody takes it out: it is
/// dropped there, and that closes it. The peer sees an end each time.
#[test]
fn a_stream_that_is_given_up_while_it_is_made_is_closed() {
    counted(|| async {
        let open = async || {
            let (near, far) = tcp();
            let opened = open_connection(ConnectOptions::socket(near), limits()).await.unwrap();
            drop(far);
            opened
        };
        // Before the first poll, after it, and when it was made.
        assert_eq!(given_up(open, drop).await, 3);
        for moment in [Moment::AfterPoll(0), Moment::BeforePoll(1)] {
            let (near, far) = tcp();
            let far = register(far);
            let opening = open_connection(ConnectOptions::socket(near), limits());
            assert!(dropped_at(moment, opening).await.is_none());
            assert!(is_over(&far).await, "{moment:?}");
        }
    });
}

/// ST-10 and UX-06: the same over a Unix socket.
#[test]
fn a_unix_stream_that_is_given_up_leaves_nothing() {
    counted(|| async {
        let directory = tempdir().unwrap();
        let path = directory.path().join("busy");
        let _listener = UnixListener::bind(&path).unwrap();
        let open = async || open_unix_connection(&*path, limits()).await.unwrap();
        assert!(given_up(open, drop).await >= 3);
    });
}

/// CS-09: a server that is given up, or dropped, with or without clients, leaves nothing.
#[test]
fn a_server_that_is_given_up_leaves_nothing() {
    counted(|| async {
        let echo = |mut reader: StreamReader, writer: StreamWriter| async move {
            writer.write(&reader.read(100).await.unwrap()).unwrap();
        };
        let at = || ServerOptions::host("127.0.0.1", 0);
        let serve = async || start_server(echo, at(), limits()).await.unwrap();
        assert!(given_up(serve, drop).await >= 2);
        let directory = tempdir().unwrap();
        let path = directory.path().join("streams");
        let serve = async || start_unix_server(echo, &*path, limits()).await.unwrap();
        assert!(given_up(serve, drop).await >= 2);
        assert!(!path.exists());
    });
}

/// ST-10 and D-28: a client that is cancelled in the middle of its talk, wherever it waits, leaves
/// nothing, and its server sees an end.
#[test]
fn a_client_that_is_given_up_wherever_it_waits_leaves_nothing() {
    counted(|| async {
        let ended = Rc::new(Cell::new(0));
        let count = Rc::clone(&ended);
        let handle = move |mut reader: StreamReader, writer: StreamWriter| {
            let count = Rc::clone(&count);
            async move {
                let talk = async {
                    loop {
                        let data = reader.read(100_000).await?;
                        if data.is_empty() {
                            return anyhow::Ok(());
                        }
                        writer.write(&data)?;
                        writer.drain().await?;
                    }
                };
                // A client that is gone with something unread is a reset, or an end.
                let _ = talk.await;
                count.set(count.get() + 1);
            }
        };
        let server = start_server(handle, ("127.0.0.1", 0), limits()).await.unwrap();
        let address = guests::address(&server);
        let talk = async || {
            let (mut reader, writer) = open_connection(address, limits()).await.unwrap();
            writer.write(b"a line\n").unwrap();
            writer.drain().await.unwrap();
            assert_eq!(reader.readline().await.unwrap(), b"a line\n");
            writer.write(&pattern(500_000)).unwrap();
            writer.write_eof().unwrap();
            writer.drain().await.unwrap();
            assert!(reader.readexactly(500_000).await.unwrap() == pattern(500_000));
            writer.close().await.unwrap();
        };
        let count = given_up(talk, drop).await;
        assert!(count >= 6, "it was given up {count} times");
        drop(server);
        until(|| event_loop().census().tasks == 1).await;
        // Who gave up before it was connected was never seen.
        assert!(ended.get() > count / 2, "{} of {count}", ended.get());
    });
}

/// WR-03: a drain that is given up at any moment leaves the bytes alone, and the next one waits for
/// the same.
#[test]
fn a_drain_that_is_given_up_loses_nothing() {
    counted(|| async {
        for stack in STACKS {
            for moment in moments().take(6) {
                let (near, far) = narrow_tcp();
                let far = register(far);
                let (_reader, writer) = stream_of(stack, near).await;
                let written = fill_up(&writer);
                assert!(dropped_at(moment, gives_up(&writer)).await.is_none(), "{moment:?}");
                let closing = spawn(async move {
                    writer.drain().await.unwrap();
                    end(writer.close().await)
                });
                let received = stack.wire().apply(&receive_all(&far).await);
                assert!(received == vec![b'x'; written], "{stack:?}, {moment:?}");
                assert_eq!(closing.await, Ok(None));
            }
        }
    });
}

/// Drains, and is woken in vain.
async fn gives_up(writer: &StreamWriter) {
    let drain = writer.drain();
    let in_vain = async {
        loop {
            passes(1).await;
        }
    };
    chapter_04::race(drain, in_vain).await;
}

/// D-13 and D-23: a close that has no more time is still a close; what waits for it may be given up
/// and asked again, and its timer ends with the connection.
#[test]
fn a_close_that_is_given_up_goes_on() {
    counted(|| async {
        for stack in STACKS {
            let before = holds();
            let (near, far) = narrow_tcp();
            let far = register(far);
            let (_reader, writer) = stream_of(stack, near).await;
            let written = fill_up(&writer);
            for _ in 0..3 {
                let closed = writer.close_within(Duration::from_secs(3600));
                timeout(Duration::from_millis(1), closed).await.unwrap_err();
            }
            let received = receive_all(&far).await;
            assert_eq!(received.len(), written);
            assert_eq!(end(writer.wait_closed().await), None);
            drop(far);
            assert_eq!(holds(), before);
        }
    });
}

/// TK-06 and D-28: a task that is cancelled while it reads, drains, or waits for the end drops its
/// streams, and its peer sees an end.
#[test]
fn a_task_that_is_cancelled_with_its_streams_closes_them() {
    counted(|| async {
        for waits in 0..4 {
            let before = holds();
            let (near, far) = narrow_tcp();
            let (mut reader, writer) = stream_of(Stack::Cipher, near).await;
            let task = spawn(async move {
                match waits {
                    0 => drop(reader.read(1).await),
                    1 => {
                        fill_up(&writer);
                        drop(writer.drain().await);
                    }
                    2 => drop(writer.wait_closed().await),
                    _ => pending().await,
                }
            });
            passes(3).await;
            task.cancel();
            assert_eq!(task.await, Err(JoinError::Cancelled));
            let far = register(far);
            receive_all(&far).await;
            drop(far);
            until(|| holds() == before).await;
        }
    });
}
