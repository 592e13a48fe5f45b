//! A stream and a task for each client: how handlers end, and what becomes of their connections.

use crate::guests::{address, assert_refused, both, connect, connect_now, is_over, ping, until};
use crate::meet::{pattern, receive_all};
use crate::net::{LIMIT, event_loop, passes, reset, within};
use crate::watch::{OnDrop, reports};
use chapter_03::SelectorKind;
use chapter_04::{AsyncSocket, FutureCell, LoopHandle, Outcome, run_with, sleep, spawn, yield_now};
use chapter_05::{Address, Server, ServerOptions};
use chapter_06::{
    ReadError, StreamLimits, StreamReader, StreamWriter, open_connection, start_server,
};
use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

/// Longer than a test may take.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

async fn serve<F>(handle: impl Fn(StreamReader, StreamWriter) -> F + 'static) -> Server
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    let at = ServerOptions::host("127.0.0.1", 0);
    start_server(handle, at, StreamLimits::default()).await.unwrap()
}

async fn echo(mut reader: StreamReader, writer: StreamWriter) -> anyhow::Result<()> {
    loop {
        let data = reader.read(10_000).await?;
        if data.is_empty() {
            return Ok(());
        }
        writer.write(&data)?;
        writer.drain().await?;
    }
}

/// What is reported from now on: the message, the error, and whose connection it was.
fn reported(event_loop: &LoopHandle) -> impl Fn() -> Vec<String> + use<> {
    let reports = reports(event_loop);
    move || reports.take().iter().map(ToString::to_string).collect()
}

/// The report of a handler that has failed, as [`reported`] gives it.
fn handler_failed(client: &AsyncSocket, error: &str) -> String {
    let peer = client.as_socket().local_addr().unwrap().as_socket().unwrap();
    format!("the handler of a connection failed (connection of {peer}): {error}")
}

/// Where writers go that outlive their handlers.
type Elsewhere = Rc<RefCell<Vec<StreamWriter>>>;

/// ST-01: each client has a reader, a writer and a task of its own; one that says nothing keeps no
/// other one waiting.
#[test]
fn each_client_has_a_stream_and_a_task_of_its_own() {
    both(|_| async {
        let server = serve(echo).await;
        let before = event_loop().census().tasks;
        let silent = connect(address(&server)).await;
        let clients = [connect(address(&server)).await, connect(address(&server)).await];
        for round in 0..3 {
            for (number, client) in clients.iter().enumerate() {
                let word = format!("{round} of {number}");
                client.send_all(word.as_bytes()).await.unwrap();
                assert_eq!(&*client.recv(100).await.unwrap(), word.as_bytes());
            }
        }
        ping(&silent).await;
        assert_eq!((server.connection_count(), event_loop().census().tasks), (3, before + 3));
        drop((silent, clients));
        until(|| server.connection_count() == 0).await;
        until(|| event_loop().census().tasks == before).await;
    });
}

/// ST-01: what asyncio calls a plain function as a handler is one whose future is done at once: it
/// hands the stream to others, and that is no end.
#[test]
fn a_handler_may_be_done_at_once_and_hand_its_stream_on() {
    both(|_| async {
        let streams = Rc::<RefCell<Vec<_>>>::default();
        let kept = Rc::clone(&streams);
        let server = serve(move |reader, writer| {
            kept.borrow_mut().push((reader, writer));
            ready(())
        })
        .await;
        let client = connect(address(&server)).await;
        until(|| streams.borrow().len() == 1).await;
        passes(3).await;
        let (reader, writer) = streams.borrow_mut().pop().unwrap();
        assert!(!writer.is_closing());
        let echoing = spawn(echo(reader, writer));
        ping(&client).await;
        client.as_socket().shutdown(Shutdown::Write).unwrap();
        assert!(is_over(&client).await);
        echoing.await.unwrap().unwrap();
    });
}

/// ST-03: a handler that fails is reported once, with its client; its connection is closed, although
/// somebody else has the writer, and no other one is.
#[test]
fn a_handler_that_fails_is_reported_and_its_connection_closed() {
    both(|_| async {
        let reports = reported(&event_loop());
        let elsewhere = Elsewhere::default();
        let kept = Rc::clone(&elsewhere);
        let server = serve(move |mut reader, writer| {
            let kept = Rc::clone(&kept);
            async move {
                writer.write(b"hello")?;
                let word = reader.read(100).await?.into_vec();
                match &*word {
                    b"fail and give away" => kept.borrow_mut().push(writer),
                    b"fail" => {}
                    _ => {
                        writer.write(&word)?;
                        return echo(reader, writer).await;
                    }
                }
                anyhow::bail!("Unexpected network error")
            }
        })
        .await;
        let other = connect(address(&server)).await;
        assert_eq!(&*other.recv(10).await.unwrap(), b"hello");
        for word in ["fail", "fail and give away"] {
            let client = connect(address(&server)).await;
            assert_eq!(&*client.recv(10).await.unwrap(), b"hello");
            client.send_all(word.as_bytes()).await.unwrap();
            assert!(is_over(&client).await, "{word}");
            until(|| server.connection_count() == 1).await;
            passes(2).await;
            assert_eq!(reports(), [handler_failed(&client, "Unexpected network error")], "{word}");
        }
        assert!(elsewhere.borrow()[0].is_closing());
        ping(&other).await;
        ping(&other).await;
        assert!(reports().is_empty());
    });
}

/// Past the hook, which would write to standard error.
fn panic_quietly() {
    std::panic::resume_unwind(Box::new("the handler is afraid"))
}

/// ST-03: a panic of a handler is a failure of its own client, too.
#[test]
fn a_handler_that_panics_is_reported_and_its_connection_closed() {
    both(|_| async {
        let reports = reported(&event_loop());
        let elsewhere = Elsewhere::default();
        let kept = Rc::clone(&elsewhere);
        let server = serve(move |mut reader: StreamReader, writer| {
            let kept = Rc::clone(&kept);
            async move {
                let word = reader.read(100).await.unwrap();
                if word == *b"give away" {
                    kept.borrow_mut().push(writer);
                }
                panic_quietly();
            }
        })
        .await;
        for word in ["give away", "keep"] {
            let client = connect(address(&server)).await;
            client.send_all(word.as_bytes()).await.unwrap();
            assert!(is_over(&client).await, "{word}");
            let error = "the task panicked: the handler is afraid";
            until(|| server.connection_count() == 0).await;
            passes(2).await;
            assert_eq!(reports(), [handler_failed(&client, error)], "{word}");
        }
    });
}

/// An error whose text panics.
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::panic::resume_unwind(Box::new("not even this"))
    }
}

/// ST-03: also where the error cannot be told.
#[test]
fn a_handler_that_fails_with_what_cannot_be_told_is_reported() {
    both(|_| async {
        let reports = reported(&event_loop());
        let elsewhere = Elsewhere::default();
        let kept = Rc::clone(&elsewhere);
        let server = serve(move |_, writer| {
            kept.borrow_mut().push(writer);
            ready(Err::<(), _>(Unspeakable))
        })
        .await;
        let client = connect(address(&server)).await;
        assert!(is_over(&client).await);
        passes(2).await;
        assert_eq!(reports(), [handler_failed(&client, "its text panicked: not even this")]);
    });
}

/// D-07 (ST-05): a handler that fails before there is a task of it is no handler: its connection is
/// aborted, wherever the writer is. asyncio leaves it open.
#[test]
fn d_07_a_handler_that_panics_when_it_is_called_aborts_the_connection() {
    both(|_| async {
        let reports = reported(&event_loop());
        let elsewhere = Elsewhere::default();
        let (kept, calls) = (Rc::clone(&elsewhere), Cell::new(0));
        let server = serve(move |reader, writer: StreamWriter| {
            calls.set(calls.get() + 1);
            match calls.get() {
                1 => {
                    writer.write(&vec![0; 30_000_000]).unwrap();
                    std::panic::resume_unwind(Box::new("no future"))
                }
                2 => {
                    kept.borrow_mut().push(writer);
                    std::panic::resume_unwind(Box::new("no future"))
                }
                _ => echo(reader, writer),
            }
        })
        .await;
        for _ in 0..2 {
            let client = connect(address(&server)).await;
            assert!(receive_all(&client).await.len() < 30_000_000, "it is no close in order");
            until(|| server.connection_count() == 0).await;
            let peer = client.as_socket().local_addr().unwrap().as_socket().unwrap();
            let text = "a callback of a protocol failed (connection of";
            assert_eq!(reports(), [format!("{text} {peer}): the protocol panicked: no future")]);
        }
        let closed = elsewhere.borrow()[0].wait_closed();
        let lost = closed.await.unwrap_err();
        let text = "the connection was lost: the protocol panicked: no future";
        assert_eq!(lost.to_string(), text);
        ping(&connect(address(&server)).await).await;
    });
}

/// How a handler ends that owns its writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Returns,
    Fails,
    Panics,
}

/// D-28 (ST-06): a handler that ends, in whichever way, has closed its connection in order: its client
/// gets all bytes, then the end of file. In asyncio it is up to the garbage collector, or up to
/// nobody.
#[test]
fn d_28_a_handler_that_ends_closes_its_connection_in_order() {
    both(|_| async {
        const LENGTH: usize = 3_000_000;
        for ends in [Ends::Returns, Ends::Fails, Ends::Panics] {
            let reports = reported(&event_loop());
            let server = serve(move |_, writer: StreamWriter| async move {
                writer.transport().with_descriptor(&mut |descriptor| {
                    // Else the kernel may take everything at once.
                    socket2::SockRef::from(&descriptor).set_send_buffer_size(64 * 1024).unwrap();
                });
                writer.write(&pattern(LENGTH)).unwrap();
                assert!(writer.transport().write_buffer_size() > 0);
                match ends {
                    Ends::Returns => Ok(()),
                    Ends::Fails => Err("it fails"),
                    Ends::Panics => std::panic::resume_unwind(Box::new("it panics")),
                }
            })
            .await;
            let client = connect(address(&server)).await;
            assert!(receive_all(&client).await == pattern(LENGTH), "{ends:?}");
            until(|| server.connection_count() == 0).await;
            let expected = match ends {
                Ends::Returns => Vec::new(),
                Ends::Fails => vec![handler_failed(&client, "it fails")],
                Ends::Panics => vec![handler_failed(&client, "the task panicked: it panics")],
            };
            assert_eq!(reports(), expected);
        }
    });
}

/// D-28 (ST-06): what closes a connection is the end of its writer, not that of its handler.
#[test]
fn d_28_a_handler_that_has_given_its_writer_away_closes_nothing() {
    both(|_| async {
        let elsewhere = Elsewhere::default();
        let kept = Rc::clone(&elsewhere);
        let server = serve(move |_, writer| {
            let kept = Rc::clone(&kept);
            async move { kept.borrow_mut().push(writer) }
        })
        .await;
        let client = connect(address(&server)).await;
        until(|| !elsewhere.borrow().is_empty()).await;
        passes(3).await;
        elsewhere.borrow()[0].write(b"still here").unwrap();
        assert_eq!(&*client.recv(100).await.unwrap(), b"still here");
        drop(elsewhere.take());
        assert!(is_over(&client).await);
    });
}

/// ST-04 and D-28: who cancels a handler has closed its connection; so does the end of the run, which
/// cancels all that are left. Up to 3.12, asyncio leaves it open.
#[test]
fn a_handler_that_is_cancelled_closes_its_connection() {
    for gives_away in [false, true] {
        for kind in [SelectorKind::Mio, SelectorKind::Polling] {
            within(LIMIT, "the loop is blocked", move || {
                let elsewhere = Elsewhere::default();
                let (kept, client) = (Rc::clone(&elsewhere), Rc::new(Cell::new(None)));
                let reports = Rc::<RefCell<Vec<_>>>::default();
                let (place, list) = (Rc::clone(&client), Rc::clone(&reports));
                let main = async move {
                    event_loop().set_exception_handler(move |_, context| {
                        list.borrow_mut().push(context.message);
                    });
                    let dropped = Rc::new(Cell::new(false));
                    let begun = FutureCell::new();
                    let begins = begun.clone();
                    let server = serve(move |_, writer: StreamWriter| {
                        let (kept, begins) = (Rc::clone(&kept), begins.clone());
                        let dropped = Rc::clone(&dropped);
                        async move {
                            let _dropped = OnDrop(|| dropped.set(true));
                            writer.write(b"wait for me").unwrap();
                            let owned = if gives_away {
                                kept.borrow_mut().push(writer);
                                None
                            } else {
                                Some(writer)
                            };
                            begins.set_result(()).unwrap();
                            pending::<()>().await;
                            drop(owned);
                        }
                    })
                    .await;
                    place.set(Some(connect_now(address(&server))));
                    begun.await.unwrap();
                };
                run_with(kind, main).unwrap();
                let mut received = String::new();
                client.take().unwrap().read_to_string(&mut received).unwrap();
                assert_eq!(received, "wait for me");
                assert!(elsewhere.borrow().iter().all(StreamWriter::is_closing));
                // One that is closed, with everything sent, is no news.
                let open = "a connection was dropped while it was open: its loop is closed";
                assert_eq!(*reports.borrow(), vec![open; usize::from(gives_away)]);
            });
        }
    }
}

/// ST-07: a client that has finished is still answered, for as long as it takes.
#[test]
fn a_client_that_has_finished_is_still_answered() {
    both(|_| async {
        let server = serve(|mut reader: StreamReader, writer: StreamWriter| async move {
            let question = reader.read_to_end().await?;
            assert!(reader.at_eof() && !writer.is_closing() && writer.can_write_eof());
            for _ in 0..20 {
                yield_now().await;
                writer.write(&question)?;
                writer.drain().await?;
            }
            anyhow::Ok(writer.close().await?)
        })
        .await;
        let (client, question) = (connect(address(&server)).await, pattern(100_000));
        client.send_all(&question).await.unwrap();
        client.as_socket().shutdown(Shutdown::Write).unwrap();
        assert!(receive_all(&client).await == question.repeat(20));
    });
}

/// ST-08: the end of a connection is told to its reader, and to all who drain and who wait for it.
#[test]
fn a_reset_is_told_to_everybody_who_waits_for_anything() {
    both(|_| async {
        let told = Rc::<RefCell<Vec<&str>>>::default();
        let list = Rc::clone(&told);
        let server = serve(move |mut reader: StreamReader, writer| {
            let list = Rc::clone(&list);
            async move {
                let writer = Rc::new(writer);
                let (drains, drained) = (Rc::clone(&writer), Rc::clone(&list));
                spawn(async move {
                    while drains.write(&[0; 100_000]).is_ok() && drains.drain().await.is_ok() {}
                    drained.borrow_mut().push("drain");
                })
                .detach();
                let (closed, ended) = (writer.wait_closed(), Rc::clone(&list));
                spawn(async move {
                    assert!(closed.await.is_err());
                    ended.borrow_mut().push("end");
                })
                .detach();
                assert!(matches!(reader.read(1).await, Err(ReadError::Lost(_))));
                list.borrow_mut().push("read");
            }
        })
        .await;
        let client = connect_now(address(&server));
        passes(5).await;
        reset(client.into());
        until(|| told.borrow().len() == 3).await;
        told.borrow_mut().sort_unstable();
        assert_eq!(*told.borrow(), ["drain", "end", "read"]);
    });
}

/// ST-09: the limits are those of each client's reader.
#[test]
fn the_limits_of_a_server_are_those_of_its_readers() {
    both(|_| async {
        let limits = StreamLimits::new(10).unwrap();
        let handle = |mut reader: StreamReader, writer: StreamWriter| async move {
            loop {
                match reader.readline().await {
                    Ok(line) if line.is_empty() => return,
                    Ok(line) => writer.write(&line).unwrap(),
                    Err(error) => writer.write(format!("{error}\n").as_bytes()).unwrap(),
                }
            }
        };
        let server = start_server(handle, ("127.0.0.1", 0), limits).await.unwrap();
        let (mut reader, writer) =
            open_connection(address(&server), StreamLimits::default()).await.unwrap();
        writer.write(b"0123456789\n0123456789a\nlast\n").unwrap();
        writer.write_eof().unwrap();
        let mut lines = reader.lines();
        let mut line = async || lines.next().await.unwrap().unwrap();
        assert_eq!(line().await, b"0123456789\n");
        assert_eq!(line().await, b"a line has more than 10 bytes: it is thrown away\n");
        assert_eq!(line().await, b"last\n");
    });
}

/// ST-11: a handler goes on until it is done, with nobody holding its task, its client gone and the
/// server, too.
#[test]
fn a_handler_outlives_its_client_and_its_server() {
    both(|_| async {
        let (goes_on, done) = (FutureCell::new(), FutureCell::new());
        let (waits, tells) = (goes_on.clone(), done.clone());
        let server = serve(move |mut reader: StreamReader, writer: StreamWriter| {
            let (waits, tells) = (waits.clone(), tells.clone());
            async move {
                assert!(reader.read(1).await.unwrap().is_empty());
                writer.transport().abort();
                writer.wait_closed().await.unwrap();
                (&waits).await.unwrap();
                tells.set_result(writer.peer_address().clone()).unwrap();
            }
        })
        .await;
        let client = connect(address(&server)).await;
        let peer = client.as_socket().local_addr().unwrap().as_socket().unwrap();
        until(|| server.connection_count() == 1).await;
        drop(client);
        until(|| server.connection_count() == 0).await;
        let tasks = event_loop().census().tasks;
        drop(server);
        passes(3).await;
        assert_eq!(event_loop().census().tasks, tasks - 1, "that of the listener");
        goes_on.set_result(()).unwrap();
        assert_eq!(done.await.unwrap(), Address::Ip(peer));
    });
}

/// D-18: who stays is aborted when the time is up, and knows it by what he waits for. A handler that
/// waits for something else is not ended by it.
#[test]
fn d_18_a_shutdown_ends_connections_and_leaves_handlers_their_end() {
    both(|_| async {
        let ended = Rc::<RefCell<Vec<&str>>>::default();
        let goes_on = FutureCell::new();
        let (list, waits) = (Rc::clone(&ended), goes_on.clone());
        let server = serve(move |mut reader: StreamReader, writer: StreamWriter| {
            let (list, waits) = (Rc::clone(&list), waits.clone());
            async move {
                let kind = reader.read(1).await.unwrap();
                writer.write(&kind).unwrap();
                let how = match &*kind {
                    b"r" => reader.read(1).await.unwrap().is_empty().then_some("reads"),
                    b"w" => {
                        while writer.write(&[0; 50_000]).is_ok() && writer.drain().await.is_ok() {}
                        let lost = writer.wait_closed().await.unwrap_err();
                        (lost.cause().is_none() && lost.unsent() > 0).then_some("writes")
                    }
                    _ => {
                        (&waits).await.unwrap();
                        writer.write(b"x").is_err().then_some("does something else")
                    }
                };
                list.borrow_mut().push(how.unwrap());
            }
        })
        .await;
        let address = address(&server);
        let mut clients = [connect_now(address), connect_now(address), connect_now(address)];
        for (client, kind) in clients.iter_mut().zip([b"r", b"w", b"s"]) {
            client.write_all(kind).unwrap();
            // The writer among them writes as much as it may.
            passes(5).await;
            client.read_exact(&mut [0]).unwrap();
        }
        server.shutdown(Duration::ZERO).await;
        assert_refused(address);
        assert_eq!(server.connection_count(), 0);
        until(|| ended.borrow().len() == 2).await;
        ended.borrow_mut().sort_unstable();
        assert_eq!(*ended.borrow(), ["reads", "writes"]);
        goes_on.set_result(()).unwrap();
        until(|| ended.borrow().len() == 3).await;
        for client in &mut clients {
            assert!(client.read_to_end(&mut Vec::new()).is_ok());
        }
    });
}

/// D-18: handlers that end in time end in order.
#[test]
fn d_18_a_shutdown_gives_handlers_the_time_that_they_need() {
    both(|_| async {
        let server = serve(|mut reader: StreamReader, writer: StreamWriter| async move {
            writer.write(&reader.readline().await.unwrap()).unwrap();
            writer.close().await.unwrap();
        })
        .await;
        let client = connect(address(&server)).await;
        until(|| server.connection_count() == 1).await;
        let server = Rc::new(server);
        let shuts = Rc::clone(&server);
        let down = spawn(async move { shuts.shutdown(FOR_EVER).await });
        passes(2).await;
        assert!(!down.is_finished() && !server.is_serving());
        client.send_all(b"last words\n").await.unwrap();
        assert_eq!(receive_all(&client).await, b"last words\n");
        down.await.unwrap();
        assert_eq!(server.connection_count(), 0);
    });
}

/// D-01 (WR-06): handlers whose clients are fast, in either direction, keep nobody waiting: not the
/// other clients, not those who connect, and not the timers.
#[test]
fn d_01_a_fast_client_does_not_keep_the_others_waiting() {
    both(|_| async {
        let is_over_soon = Rc::new(Cell::new(false));
        let stop = Rc::clone(&is_over_soon);
        let server = serve(move |mut reader: StreamReader, writer: StreamWriter| {
            let stop = Rc::clone(&stop);
            async move {
                match &*reader.read(1).await.unwrap() {
                    // Each of these two would go on for ever by itself.
                    b"w" => {
                        while !stop.get() {
                            writer.write(&[0; 64]).unwrap();
                            writer.drain().await.unwrap();
                        }
                    }
                    b"r" => while !reader.read(1).await.unwrap().is_empty() {},
                    _ => echo(reader, writer).await.unwrap(),
                }
            }
        })
        .await;
        let address = address(&server);
        let (mut reads, mut writes) = (connect_now(address), connect_now(address));
        let reading = std::thread::spawn(move || {
            reads.write_all(b"w").unwrap();
            reads.read_to_end(&mut Vec::new()).unwrap()
        });
        let writing = std::thread::spawn(move || {
            writes.write_all(b"r").unwrap();
            // Until the server does not want it any more.
            while writes.write_all(&[0; 10_000]).is_ok() {}
        });
        for _ in 0..20 {
            let client = connect(address).await;
            client.send_all(b"e").await.unwrap();
            ping(&client).await;
            sleep(Duration::from_millis(1)).await;
        }
        is_over_soon.set(true);
        server.shutdown(Duration::ZERO).await;
        // The threads end when their connections do; on the loop nobody waits for them.
        until(|| reading.is_finished() && writing.is_finished()).await;
        assert!(reading.join().unwrap() > 0);
        writing.join().unwrap();
    });
}
