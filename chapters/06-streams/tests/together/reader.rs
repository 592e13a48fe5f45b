//! What a reader gives of what comes, when it pauses its transport, and what it says of the end.

use crate::guests::{both, until};
use crate::meet::{pattern, tcp, unix};
use crate::net::{passes, register, reset};
use crate::reader_scene::{METHODS, feed, said, staged_with};
use crate::scene::{NONE, READABLE};
use crate::stack::STACKS;
use crate::streams::{end, poll_once, staged, stream_of};
use chapter_04::{OPERATIONS_MAX, TURN_MAX, spawn, yield_now};
use chapter_05::ConnectOptions;
use chapter_05::fake::FakeStream;
use chapter_06::{ConnectionLost, ReadError, StreamLimits, StreamReader, open_connection};
use std::cell::Cell;
use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::task::Poll;
use std::thread;

const MIB: usize = 1024 * 1024;

fn limits(limit: usize) -> StreamLimits {
    StreamLimits::new(limit).unwrap()
}

/// What a read says at once.
#[track_caller]
fn now<T>(read: impl Future<Output = T>) -> T {
    match poll_once(read) {
        Poll::Ready(said) => said,
        Poll::Pending => panic!("it waits"),
    }
}

/// How a connection was lost, as a read says it.
#[track_caller]
fn lost<T>(read: Result<T, ReadError>) -> ConnectionLost {
    match read {
        Err(ReadError::Lost(lost)) => lost,
        Err(error) => panic!("it says {error}"),
        Ok(_) => panic!("there was something to read"),
    }
}

/// RD-01, RD-02, RD-04: what needs no byte waits for none, and a separator has one.
#[test]
fn a_read_that_asks_for_nothing_has_it_at_once() {
    let (_scene, (mut reader, _writer)) = staged(FakeStream::new());
    assert_eq!(now(reader.read(0)).unwrap(), b"");
    assert_eq!(now(reader.readexactly(0)).unwrap(), b"");
    for error in [
        now(reader.readuntil(b"")).unwrap_err(),
        now(reader.readuntil_any(&[])).unwrap_err(),
        now(reader.readuntil_any(&[b"x", b""])).unwrap_err(),
    ] {
        assert!(matches!(error, ReadError::EmptySeparator), "{error}");
        assert_eq!(io::Error::from(error).kind(), ErrorKind::InvalidInput);
    }
}

/// RD-04, RD-05: what the errors say, as text and as kinds.
#[test]
fn an_error_says_what_there_was_and_what_was_wanted() {
    let (mut scene, (mut reader, _writer)) = staged_with(
        limits(3),
        FakeStream::new().receives([Ok("abcd-"), Ok("-"), Ok("ef"), Ok("")]),
    );
    let overrun = |reader: &mut StreamReader| {
        let error = now(reader.readuntil(b"--")).unwrap_err();
        let text = error.to_string();
        (text, io::Error::from(error).kind())
    };
    scene.pass(READABLE);
    let expected = "there is no separator in 4 bytes, which is above the limit";
    assert_eq!(overrun(&mut reader), (expected.to_owned(), ErrorKind::InvalidData));
    scene.pass(READABLE);
    let expected = "the separator comes after 4 bytes, which is above the limit";
    assert_eq!(overrun(&mut reader), (expected.to_owned(), ErrorKind::InvalidData));
    assert_eq!(now(reader.readexactly(6)).unwrap(), b"abcd--");
    scene.pass(READABLE);
    scene.pass(READABLE);
    let error = now(reader.readexactly(3)).unwrap_err();
    assert_eq!(error.to_string(), "the peer has ended after 2 of 3 bytes");
    assert_eq!(io::Error::from(error).kind(), ErrorKind::UnexpectedEof);
    let error = now(reader.readuntil(b"--")).unwrap_err();
    assert_eq!(error.to_string(), "the peer has ended after 0 bytes and no separator");
}

/// RD-09: in whichever two chunks it comes, also if each byte comes alone.
#[test]
fn a_separator_in_several_chunks_is_found() {
    const REQUEST: &[u8] = b"a\r\nb\r\n\r\nc";
    let cuts = (0..=REQUEST.len()).map(|cut| REQUEST.split_at(cut)).map(|(a, b)| vec![a, b]);
    for chunks in cuts.chain([REQUEST.chunks(1).collect()]) {
        let chunks: Vec<_> = chunks.into_iter().filter(|chunk| !chunk.is_empty()).collect();
        let stream = FakeStream::new().receives(chunks.iter().copied().map(Ok));
        let (mut scene, (mut reader, _writer)) = staged(stream);
        let reading = scene.fake.event_loop.spawn(async move {
            let head = reader.readuntil(b"\r\n\r\n").await.unwrap().into_vec();
            (head, reader.read(9).await.unwrap().into_vec())
        });
        for _ in &chunks {
            scene.pass(READABLE);
        }
        scene.rest();
        let expected = (b"a\r\nb\r\n\r\n".to_vec(), b"c".to_vec());
        assert_eq!(reading.unwrap().take_outcome(), Some(Ok(expected)), "{chunks:?}");
    }
}

/// RD-09 over the real kernel, where it comes through ciphers too.
#[test]
fn a_separator_that_comes_byte_by_byte_is_found() {
    both(|_| async {
        for stack in STACKS {
            for (near, far) in [tcp(), unix()] {
                let (mut reader, _writer) = stream_of(stack, near).await;
                let (far, bytes) = (register(far), stack.wire().apply(b"head\r\n\r\nbody"));
                let sending = spawn(async move {
                    for byte in bytes {
                        far.send_all(&[byte]).await.unwrap();
                        passes(2).await;
                    }
                });
                assert_eq!(reader.readuntil(b"\r\n\r\n").await.unwrap(), b"head\r\n\r\n");
                assert_eq!(reader.read_to_end().await.unwrap(), b"body", "{stack:?}");
                sending.await.unwrap();
            }
        }
    });
}

/// RD-11: paused above twice the limit, which is not when there is just as much, and on again at the
/// limit.
#[test]
fn reading_pauses_above_twice_the_limit_and_goes_on_at_the_limit() {
    let stream = FakeStream::new().receives([Ok("12345678901234567890"), Ok("1"), Ok("2345")]);
    let (mut scene, (mut reader, _writer)) = staged_with(limits(10), stream);
    scene.pass(READABLE);
    assert!(scene.transport.is_reading(), "20 bytes are no more than twice the limit");
    scene.pass(READABLE);
    assert!(!scene.transport.is_reading(), "21 bytes are");
    scene.pass(READABLE);
    assert_eq!(scene.stream.left_to_receive(), 4);
    now(reader.read(10)).unwrap();
    assert!(!scene.transport.is_reading(), "11 bytes are more than the limit");
    now(reader.read(1)).unwrap();
    assert!(scene.transport.is_reading(), "10 bytes are not");
    scene.pass(READABLE);
    assert_eq!(now(reader.read(100)).unwrap(), b"23456789012345");
}

/// RD-11: where the bound is given, half of it is where reading goes on.
#[test]
fn reading_goes_on_at_half_the_bound() {
    let limits = StreamLimits::default().with_kept_max(5).unwrap();
    let (scene, (mut reader, _writer)) = staged_with(limits, FakeStream::new());
    feed(&scene, b"12345");
    assert!(scene.transport.is_reading());
    feed(&scene, b"6");
    assert!(!scene.transport.is_reading());
    now(reader.read(3)).unwrap();
    assert!(!scene.transport.is_reading());
    now(reader.read(1)).unwrap();
    assert!(scene.transport.is_reading());
}

/// RD-11: every read that takes or throws away enough lets it go on.
#[test]
fn reading_goes_on_after_a_line_that_was_too_long() {
    let (scene, (mut reader, _writer)) = staged_with(limits(4), FakeStream::new());
    for text in ["much too long", "much too long\n"] {
        feed(&scene, text.as_bytes());
        assert!(!scene.transport.is_reading());
        now(reader.readline()).unwrap_err();
        assert!(scene.transport.is_reading());
        feed(&scene, b"\n");
        // The end of the first line, and a line after the second.
        let line = poll_once(reader.readline()).map(|line| line.unwrap().into_vec());
        let expected =
            if text.ends_with('\n') { Poll::Ready(b"\n".to_vec()) } else { Poll::Pending };
        assert_eq!(line, expected);
    }
}

/// RD-11: who has paused the transport himself has it paused until he resumes it.
#[test]
fn a_reader_resumes_only_what_it_has_paused() {
    let (scene, (mut reader, writer)) = staged_with(limits(10), FakeStream::new());
    feed(&scene, b"a few");
    writer.transport().pause_reading();
    now(reader.read(100)).unwrap();
    assert!(poll_once(reader.read(1)).is_pending());
    assert!(!scene.transport.is_reading());
}

/// RD-13: who resumes the transport himself, while it is paused because nobody reads, gets one receive
/// for it, and not the whole of what the peer has to say.
#[test]
fn whoever_resumes_what_a_reader_has_paused_has_one_receive_of_it() {
    for is_paused_before in [false, true] {
        let chunks = (0..100).map(|_| Ok([b'x'; 1000]));
        let stream = FakeStream::new().receives(chunks);
        let (mut scene, (reader, writer)) = staged_with(limits(10), stream);
        if is_paused_before {
            // A layer may have bytes left that it hands over all the same.
            writer.transport().pause_reading();
            feed(&scene, &[b'x'; 1000]);
        } else {
            scene.pass(READABLE);
        }
        for receives in 2..5 {
            assert!(!scene.transport.is_reading());
            writer.transport().resume_reading();
            scene.pass(READABLE);
            scene.pass(READABLE);
            let looks = format!("{reader:?}");
            assert!(looks.contains(&format!("kept: {},", receives * 1000)), "{looks}");
        }
    }
}

/// RD-12: a read that needs more than may be kept gets it: it resumes what is paused, each time.
#[test]
fn a_read_that_waits_for_more_than_may_be_kept_resumes_the_transport() {
    let stream = FakeStream::new().receives([Ok("12345"), Ok("67890"), Ok("1"), Ok("23")]);
    let (mut scene, (mut reader, _writer)) = staged_with(limits(1), stream);
    scene.pass(READABLE);
    assert!(!scene.transport.is_reading());
    let reading = scene.fake.event_loop.spawn(async move {
        let bytes = reader.readexactly(11).await.unwrap().into_vec();
        (bytes, reader)
    });
    scene.pass(NONE);
    assert!(scene.transport.is_reading());
    while scene.stream.left_to_receive() > 2 {
        scene.pass(READABLE);
    }
    scene.rest();
    let (bytes, _reader) = reading.unwrap().take_outcome().unwrap().unwrap();
    assert_eq!(bytes, b"12345678901");
}

/// RD-12 over the real kernel: by number, to the end, and to a separator.
#[test]
fn much_is_read_at_once_under_a_limit_of_one_byte() {
    both(|_| async {
        for read in ["readexactly", "read_to_end", "readuntil"] {
            let (near, far) = tcp();
            let limits = limits(1).with_line_max(2 * MIB).unwrap();
            let to = ConnectOptions::socket(near);
            let (mut reader, writer) = open_connection(to, limits).await.unwrap();
            let far = register(far);
            let sending = spawn(async move {
                far.send_all(&pattern(MIB)).await.unwrap();
                far.send_all(&[255]).await.unwrap();
            });
            let mut bytes = match read {
                "readexactly" => reader.readexactly(MIB + 1).await,
                "read_to_end" => reader.read_to_end().await,
                // The pattern has no such byte.
                _ => reader.readuntil(&[255]).await,
            };
            let bytes = bytes.as_mut().unwrap();
            assert!(bytes.len() == MIB + 1 && bytes[..MIB] == pattern(MIB), "{read}");
            sending.await.unwrap();
            drop(writer);
        }
    });
}

/// RD-13: a receive that begins when just not too much is kept is the last.
#[test]
fn what_nobody_reads_is_kept_up_to_the_bound_and_one_receive() {
    let kept_max = StreamLimits::default().kept_max();
    let stream = FakeStream::new().receives([Ok(vec![0; kept_max]), Ok(vec![1; 10 * MIB])]);
    let (mut scene, (mut reader, _writer)) = staged(stream);
    for _ in 0..10 {
        scene.pass(READABLE);
    }
    assert_eq!(scene.stream.left_to_receive(), 10 * MIB - TURN_MAX);
    assert_eq!(now(reader.read(usize::MAX)).unwrap().len(), kept_max + TURN_MAX);
}

/// RD-13 over the real kernel: the rest waits with the peer.
#[test]
fn a_peer_that_sends_to_nobody_is_made_to_wait() {
    both(|_| async {
        for stack in STACKS {
            let (near, far) = tcp();
            let (mut reader, writer) = stream_of(stack, near).await;
            let far = register(far);
            let sending = spawn(async move {
                while far.send_all(&[0; 10_000]).await.is_ok() {
                    yield_now().await;
                }
            });
            let transport = Rc::clone(writer.transport());
            until(|| !transport.is_reading()).await;
            // However long that lasts.
            passes(10).await;
            let kept = reader.read(usize::MAX).await.unwrap().len();
            let bound = StreamLimits::default().kept_max();
            assert!(kept > bound && kept <= bound + TURN_MAX, "{stack:?}: {kept} bytes were kept");
            sending.cancel();
            sending.await.unwrap_err();
        }
    });
}

/// RD-14: of two reads at once the compiler says that there is one reader, see [`StreamReader`], where
/// it is tried. A reader may be handed on while somebody waits with it in vain, and wakes who has it.
#[test]
fn a_reader_wakes_the_task_that_has_it() {
    let (mut scene, (mut reader, _writer)) = staged(FakeStream::new());
    assert!(poll_once(reader.readline()).is_pending());
    let place = Rc::new(Cell::new(None));
    let (put, event_loop) = (Rc::clone(&place), scene.fake.event_loop.clone());
    let first = event_loop.spawn(async move {
        assert!(poll_once(reader.readline()).is_pending());
        gives_up_a_line(&mut reader).await;
        put.set(Some(reader));
    });
    scene.pass(NONE);
    let mut reader = place.take().unwrap();
    let second = event_loop.spawn(async move { reader.readline().await.unwrap().into_vec() });
    scene.pass(NONE);
    feed(&scene, b"for the second\n");
    scene.pass(NONE);
    assert_eq!(first.unwrap().take_outcome(), Some(Ok(())));
    assert_eq!(second.unwrap().take_outcome(), Some(Ok(b"for the second\n".to_vec())));
}

/// Begins to wait in this task, and gives it up.
async fn gives_up_a_line(reader: &mut StreamReader) {
    let mut read = Box::pin(reader.readline());
    std::future::poll_fn(|context| {
        assert!(read.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

/// RD-18: the lines, and the last one although it has no end.
#[test]
fn lines_are_given_one_after_the_other() {
    both(|_| async {
        for stack in STACKS {
            let (near, mut far) = tcp();
            let (mut reader, _writer) = stream_of(stack, near).await;
            far.write_all(&stack.wire().apply(b"one\n\ntwo\r\nthree")).unwrap();
            drop(far);
            let mut lines = reader.lines();
            for expected in ["one\n", "\n", "two\r\n", "three"] {
                assert_eq!(lines.next().await.unwrap().unwrap(), expected.as_bytes());
            }
            for _ in 0..2 {
                assert_eq!(lines.next().await.unwrap(), None, "{stack:?}");
            }
        }
    });
}

/// RD-18 and RD-07: a line that is too long is no end.
#[test]
fn lines_go_on_behind_one_that_is_too_long() {
    let chunks = [Ok("one\ntoo l"), Ok("ong\ntwo\n"), Ok("")];
    let (mut scene, (mut reader, _writer)) =
        staged_with(limits(4), FakeStream::new().receives(chunks));
    let mut lines = reader.lines();
    scene.pass(READABLE);
    assert_eq!(now(lines.next()).unwrap().unwrap(), b"one\n");
    let error = now(lines.next()).unwrap_err();
    assert_eq!(error.to_string(), "a line has more than 4 bytes: it is thrown away");
    assert!(poll_once(lines.next()).is_pending());
    scene.pass(READABLE);
    assert_eq!(now(lines.next()).unwrap().unwrap(), b"two\n");
    scene.pass(READABLE);
    assert_eq!(now(lines.next()).unwrap(), None);
}

/// RD-17 and RD-19: what came before the end of file can be read after it, by every read.
#[test]
fn what_came_before_the_end_of_file_is_read_before_it() {
    both(|_| async {
        for stack in STACKS {
            for (name, method) in METHODS {
                let (near, mut far) = tcp();
                let (mut reader, writer) = stream_of(stack, near).await;
                far.write_all(&stack.wire().apply(b"hello\r\n")).unwrap();
                far.shutdown(Shutdown::Write).unwrap();
                let transport = Rc::clone(writer.transport());
                until(|| !transport.is_reading()).await;
                assert!(!reader.at_eof());
                let first = said(method(&mut reader).await).unwrap();
                let expected = match name {
                    "read" => &b"hel"[..],
                    "readexactly" | "readuntil_any" => b"hello",
                    _ => b"hello\r\n",
                };
                assert_eq!(first, expected, "{name}, {stack:?}");
                let rest = reader.read_to_end().await.unwrap();
                assert_eq!([&first[..], &rest].concat(), b"hello\r\n");
                assert!(reader.at_eof());
                assert_eq!(reader.read(1).await.unwrap(), b"");
                assert!(!writer.is_closing(), "the peer has only finished");
            }
        }
    });
}

/// D-20 and RD-16: what came before a reset is read before the error, which then stays. asyncio's
/// reader has the error alone, from the moment of the reset.
#[test]
fn d_20_what_came_before_a_reset_is_read_before_it() {
    both(|_| async {
        for stack in STACKS {
            let (near, mut far) = tcp();
            let (mut reader, writer) = stream_of(stack, near).await;
            far.write_all(&stack.wire().apply(b"one\ntwo")).unwrap();
            assert_eq!(reader.readexactly(1).await.unwrap(), b"o");
            reset(far);
            writer.wait_closed().await.unwrap_err();
            assert_eq!(reader.readline().await.unwrap(), b"ne\n");
            // Of these there is not enough, and nobody will bring more.
            for error in [
                reader.readline().await.unwrap_err(),
                reader.readexactly(4).await.unwrap_err(),
                reader.read_to_end().await.unwrap_err(),
            ] {
                assert_eq!(io::Error::from(error).kind(), ErrorKind::ConnectionReset);
            }
            assert_eq!(reader.read(9).await.unwrap(), b"two", "{stack:?}");
            for _ in 0..2 {
                let cause = lost(reader.read(9).await).cause().unwrap().kind();
                assert_eq!(cause, ErrorKind::ConnectionReset);
                assert!(!reader.at_eof());
            }
        }
    });
}

/// D-20 and RD-16: who waits is told, by every read, and what has come stays.
#[test]
fn d_20_a_read_that_waits_is_told_of_a_reset_and_takes_nothing() {
    for (name, method) in METHODS.into_iter().filter(|(name, _)| *name != "read") {
        let chunks = [Ok("hel"), Err(ErrorKind::ConnectionReset)];
        let (mut scene, (mut reader, _writer)) = staged(FakeStream::new().receives(chunks));
        let reading = scene.fake.event_loop.spawn(async move {
            let error = lost(method(&mut reader).await);
            (error.cause().unwrap().kind(), reader.read(9).await.unwrap().into_vec())
        });
        let reading = reading.unwrap();
        scene.pass(NONE);
        scene.pass(READABLE);
        assert!(!reading.is_finished());
        scene.pass(READABLE);
        scene.rest();
        let expected = (ErrorKind::ConnectionReset, b"hel".to_vec());
        assert_eq!(reading.take_outcome(), Some(Ok(expected)), "{name}");
    }
}

/// D-38: 32 MiB of a line that does not end are thrown away as they come, also while nobody waits, and
/// then comes the next line.
#[test]
fn d_38_a_line_without_an_end_needs_no_memory() {
    let mut chunks = vec![vec![b'a'; TURN_MAX]; 32 * MIB / TURN_MAX];
    let count = chunks.len();
    chunks.push(b"\nnext\n".to_vec());
    let (mut scene, (mut reader, _writer)) =
        staged(FakeStream::new().receives(chunks.into_iter().map(Ok)));
    scene.pass(READABLE);
    let error = now(reader.readline()).unwrap_err();
    assert!(matches!(error, ReadError::LineTooLong { line_max: 65_536 }), "{error}");
    for _ in 1..count {
        scene.pass(READABLE);
        let looks = format!("{reader:?}");
        assert!(looks.contains("kept: 0,"), "{looks}");
        assert!(scene.transport.is_reading());
    }
    scene.pass(READABLE);
    assert_eq!(now(reader.readline()).unwrap(), b"next\n");
}

/// D-38 over the real kernel: the reader is in step again with the next line, wherever the pieces of
/// the long one end.
#[test]
fn d_38_after_a_line_that_was_too_long_the_reader_is_in_step() {
    both(|_| async {
        for stack in STACKS {
            let (near, mut far) = tcp();
            let (mut reader, _writer) = stream_of(stack, near).await;
            let mut wire = stack.wire();
            let sending = thread::spawn(move || {
                for round in 0..4 {
                    let long = [&vec![b'a'; 65_537 + round * 100_000][..], b"\n"].concat();
                    let most = [&[b'b'; 65_536][..], b"\n"].concat();
                    far.write_all(&wire.apply(&[&long[..], &most, b"short\n"].concat())).unwrap();
                }
            });
            for _ in 0..4 {
                let error = reader.readline().await.unwrap_err();
                assert!(matches!(error, ReadError::LineTooLong { .. }), "{stack:?}: {error}");
                let most = reader.readline().await.unwrap();
                assert!(most.len() == 65_537 && most[0] == b'b', "{stack:?}");
                assert_eq!(reader.readline().await.unwrap(), b"short\n");
            }
            assert_eq!(reader.readline().await.unwrap(), b"");
            sending.join().unwrap();
        }
    });
}

/// D-36: a read, a drain and a wait for the end are told of one loss, each by an error of his own.
/// What one does to his changes nothing for the others, and they share the cause.
#[test]
fn d_36_all_who_are_told_of_one_loss_have_equal_errors_of_their_own() {
    let stream = FakeStream::new()
        .receives([Ok("ab"), Err(ErrorKind::ConnectionReset)])
        .takes([Ok(Some(1)), Ok(None)]);
    let (mut scene, (mut reader, writer)) = staged(stream);
    let (writer, event_loop) = (Rc::new(writer), scene.fake.event_loop.clone());
    writer.write(&[0; 100_000]).unwrap();
    let closed = event_loop.spawn(writer.wait_closed()).unwrap();
    let drain = Rc::clone(&writer);
    let draining = event_loop.spawn(async move { drain.drain().await }).unwrap();
    let reading = event_loop.spawn(async move {
        let errors = [lost(reader.readline().await), lost(reader.readline().await)];
        (errors, reader)
    });
    scene.pass(NONE);
    scene.pass(READABLE);
    scene.pass(READABLE);
    scene.rest();
    let ([first, second], _reader) = reading.unwrap().take_outcome().unwrap().unwrap();
    let third = draining.take_outcome().unwrap().unwrap().unwrap_err();
    let fourth = closed.take_outcome().unwrap().unwrap().unwrap_err();
    let text = "the connection was lost: connection reset; 99999 bytes were not sent";
    let first_cause: *const io::Error = first.cause().unwrap();
    let changed = io::Error::from(first);
    assert_eq!(
        (changed.kind(), changed.to_string()),
        (ErrorKind::ConnectionReset, text.to_owned())
    );
    drop(changed);
    for other in [second, third, fourth] {
        assert_eq!(other.to_string(), text);
        assert!(std::ptr::eq(other.cause().unwrap(), first_cause));
        assert_eq!(end(Err(other)), Some((Some(ErrorKind::ConnectionReset), 99_999)));
    }
}

/// D-01: after so many reads in a row it is the turn of the others. asyncio's reader never gives way
/// while it has something.
#[test]
fn d_01_after_many_reads_that_need_not_wait_it_is_the_turn_of_the_others() {
    let (mut scene, (mut reader, _writer)) = staged(FakeStream::new());
    feed(&scene, &[b'\n'; 200]);
    let read = Rc::new(Cell::new(0));
    let count = Rc::clone(&read);
    let reading = scene.fake.event_loop.spawn(async move {
        for _ in 0..200 {
            assert_eq!(reader.readline().await.unwrap(), b"\n");
            count.set(count.get() + 1);
        }
    });
    for expected in [OPERATIONS_MAX, 2 * OPERATIONS_MAX, 3 * OPERATIONS_MAX, 200] {
        scene.pass(NONE);
        assert_eq!(read.get(), expected);
    }
    assert!(reading.unwrap().is_finished());
}

/// D-01: 300,000 lines that are all there keep nobody from his turn.
#[test]
fn d_01_a_task_that_reads_many_lines_lets_another_run() {
    const LINES: u32 = 300_000;
    both(|_| async {
        let (near, mut far) = unix();
        let limits = StreamLimits::default().with_kept_max(LINES as usize).unwrap();
        let to = ConnectOptions::socket(near);
        let (mut reader, _writer) = open_connection(to, limits).await.unwrap();
        let sending = thread::spawn(move || far.write_all(&[b'\n'; LINES as usize]).unwrap());
        // They all come, and stay where they are.
        let whole = format!("kept: {LINES},");
        until(|| format!("{reader:?}").contains(&whole)).await;
        sending.join().unwrap();
        let reading = spawn(async move {
            for _ in 0..LINES {
                assert_eq!(reader.readline().await.unwrap(), b"\n");
            }
            assert_eq!(reader.readline().await.unwrap(), b"");
        });
        let mut turns = 0;
        while !reading.is_finished() {
            turns += 1;
            yield_now().await;
        }
        reading.await.unwrap();
        assert!(turns >= LINES / OPERATIONS_MAX, "the other had {turns} turns");
    });
}
