//! What a writer sends, what a drain waits for, and how the end is told.

use crate::guests::both;
use crate::meet::{pattern, receive_all, tcp, unix};
use crate::net::{passes, register, reset};
use crate::scene::{NONE, READABLE, Scene, WRITABLE};
use crate::stack::{STACKS, Stack};
use crate::streams::{end, fill_up, narrow_tcp, poll_once, staged, stream_of};
use chapter_04::{JoinError, JoinHandle, OPERATIONS_MAX, Outcome, spawn, yield_now};
use chapter_05::WriteError;
use chapter_05::fake::{Call, FakeStream};
use chapter_06::{ConnectionLost, StreamProtocol, StreamWriter};
use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read};
use std::net::Shutdown;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

type Ended = JoinHandle<Result<(), ConnectionLost>>;

fn start<T: Outcome + 'static>(
    scene: &Scene<StreamProtocol>,
    task: impl Future<Output = T> + 'static,
) -> JoinHandle<T> {
    scene.fake.event_loop.spawn(task).unwrap()
}

/// A task that drains.
fn drain(scene: &Scene<StreamProtocol>, writer: &Rc<StreamWriter>) -> Ended {
    let writer = Rc::clone(writer);
    start(scene, async move { writer.drain().await })
}

/// WR-01: nothing of it is the writer's own.
#[test]
fn what_is_written_goes_straight_to_the_transport() {
    let (mut scene, (_reader, writer)) = staged(FakeStream::new().takes([Ok(Some(99)), Ok(None)]));
    writer.write(b"first").unwrap();
    writer.writelines(&[b"and ", b"second"]).unwrap();
    assert_eq!(scene.stream.calls(), [Call::Send(5), Call::SendVectored(vec![4, 6])]);
    assert_eq!(scene.transport.write_buffer_size(), 10);
    assert_eq!(writer.peer_address(), scene.transport.peer_address());
    assert_eq!(writer.local_address(), scene.transport.local_address());
    assert!(Rc::ptr_eq(writer.transport(), &scene.transport));
    assert!(writer.can_write_eof() && !writer.is_closing());
    writer.write_eof().unwrap();
    scene.pass(WRITABLE);
    assert!(scene.stream.is_shut_down());
    assert_eq!(writer.write(b"late"), Err(WriteError::AfterEof));
    drop(writer.close());
    assert!(writer.is_closing() && scene.transport.is_closing());
    scene.rest();
    assert_eq!(scene.stream.sent(), b"firstand second");
}

/// WR-02: not even once.
#[test]
fn a_drain_that_has_room_does_not_yield() {
    let (_scene, (_reader, writer)) = staged(FakeStream::new());
    for _ in 0..3 {
        writer.write(b"x").unwrap();
        assert_eq!(poll_once(writer.drain()).map(end), Poll::Ready(None));
    }
}

/// WR-02 and D-01: who writes to a peer that is always faster leaves the others their turn. asyncio's
/// drain never does.
#[test]
fn d_01_after_many_drains_with_room_it_is_the_turn_of_the_others() {
    let (mut scene, (_reader, writer)) = staged(FakeStream::new());
    let written = Rc::new(Cell::new(0));
    let count = Rc::clone(&written);
    let writing = start(&scene, async move {
        for _ in 0..200 {
            writer.write(b"x").unwrap();
            writer.drain().await.unwrap();
            count.set(count.get() + 1);
        }
    });
    let most = OPERATIONS_MAX;
    for expected in [most, 2 * most, 3 * most, 200] {
        scene.pass(NONE);
        assert_eq!(written.get(), expected);
    }
    assert!(writing.is_finished());
}

/// WR-03 and D-34: any number of tasks may wait for room, and those that stop leave the others
/// alone. Up to 3.10, asyncio let one wait.
#[test]
fn d_34_any_number_of_tasks_may_drain_and_any_of_them_may_stop() {
    let (mut scene, (_reader, writer)) = staged(FakeStream::new().takes([Ok(None), Ok(Some(10))]));
    let writer = Rc::new(writer);
    writer.write(&[0; 100_000]).unwrap();
    let order = Rc::new(RefCell::new(Vec::new()));
    let waiting: Vec<_> = (0..6)
        .map(|number| {
            let (writer, order) = (Rc::clone(&writer), Rc::clone(&order));
            start(&scene, async move {
                writer.drain().await.unwrap();
                order.borrow_mut().push(number);
            })
        })
        .collect();
    // One never begins, one stops while all wait, and one when it has been released.
    assert!(waiting[0].cancel());
    scene.pass(NONE);
    assert!(waiting[2].cancel());
    scene.pass(WRITABLE);
    assert!(order.borrow().is_empty(), "the low mark is not reached");
    scene.pass(WRITABLE);
    assert!(waiting[4].cancel());
    scene.rest();
    assert_eq!(*order.borrow(), [1, 3, 5]);
    for (number, waiting) in waiting.into_iter().enumerate() {
        let expected = if number % 2 == 0 { Err(JoinError::Cancelled) } else { Ok(()) };
        assert_eq!(waiting.take_outcome(), Some(expected), "{number}");
    }
    assert_eq!(poll_once(writer.drain()).map(end), Poll::Ready(None));
}

/// WR-03: who waits for room, and finds it gone again, has waited: the next drain waits anew.
#[test]
fn a_drain_is_released_once_although_the_next_one_waits() {
    let takes = [Ok(None), Ok(Some(usize::MAX)), Ok(None)];
    let (mut scene, (_reader, writer)) = staged(FakeStream::new().takes(takes));
    let writer = Rc::new(writer);
    writer.write(&[0; 100_000]).unwrap();
    let (first, second) = (drain(&scene, &writer), drain(&scene, &writer));
    scene.pass(NONE);
    scene.pass(WRITABLE);
    // The two are released, but have not run.
    writer.write(&[0; 100_000]).unwrap();
    let third = drain(&scene, &writer);
    scene.rest();
    assert_eq!(first.take_outcome().map(|done| end(done.unwrap())), Some(None));
    assert_eq!(second.take_outcome().map(|done| end(done.unwrap())), Some(None));
    assert!(!third.is_finished());
    scene.pass(WRITABLE);
    scene.rest();
    assert_eq!(third.take_outcome().map(|done| end(done.unwrap())), Some(None));
}

/// WR-04 and WR-07: the error that ends a connection is that of all who wait for room, and of who
/// asks later.
#[test]
fn a_connection_that_breaks_tells_all_who_drain() {
    let stream = FakeStream::new().takes([Ok(None), Err(ErrorKind::ConnectionReset)]);
    let (mut scene, (_reader, writer)) = staged(stream);
    let writer = Rc::new(writer);
    writer.write(&[0; 100_000]).unwrap();
    let waiting = [drain(&scene, &writer), drain(&scene, &writer)];
    scene.pass(NONE);
    scene.pass(WRITABLE);
    let late = drain(&scene, &writer);
    scene.rest();
    for waiting in waiting.into_iter().chain([late]) {
        let lost = waiting.take_outcome().unwrap().unwrap();
        assert_eq!(end(lost), Some((Some(ErrorKind::ConnectionReset), 100_000)));
    }
    assert_eq!(writer.write(b"x"), Err(WriteError::Closed));
}

/// WR-05: on a closing connection a drain gives way once, in which the end may come. It fails when
/// that was there, and then always.
#[test]
fn a_drain_of_a_closing_connection_yields_once_and_fails_once_it_is_lost() {
    let (mut scene, (_reader, writer)) = staged(FakeStream::new().takes([Ok(None), Ok(Some(1))]));
    let writer = Rc::new(writer);
    writer.write(b"kept").unwrap();
    drop(writer.close());
    let draining = drain(&scene, &writer);
    scene.pass(NONE);
    assert!(!draining.is_finished());
    scene.pass(NONE);
    // There is room, and nothing is lost.
    assert_eq!(draining.take_outcome().map(|done| end(done.unwrap())), Some(None));
    scene.pass(WRITABLE);
    let draining = drain(&scene, &writer);
    scene.pass(WRITABLE);
    scene.rest();
    assert_eq!(draining.take_outcome().map(|done| end(done.unwrap())), Some(Some((None, 0))));
    assert_eq!(scene.stream.sent(), b"kept");
    let again = drain(&scene, &writer);
    scene.rest();
    let lost = again.take_outcome().unwrap().unwrap().unwrap_err();
    assert_eq!(lost.to_string(), "the connection was closed");
    assert_eq!(io::Error::from(lost).kind(), ErrorKind::ConnectionAborted);
}

/// WR-06: who writes and drains learns of a reset within a few rounds.
#[test]
fn a_write_and_drain_loop_against_a_peer_that_has_reset_ends() {
    for reads in [true, false] {
        let stream = FakeStream::new();
        let stream = if reads {
            stream.receives([Err::<&str, _>(ErrorKind::ConnectionReset)])
        } else {
            stream.takes([Err(ErrorKind::BrokenPipe)])
        };
        let (mut scene, (_reader, writer)) = staged(stream);
        let rounds = Rc::new(Cell::new(0));
        let count = Rc::clone(&rounds);
        let writing = start(&scene, async move {
            loop {
                // Who does not look at this is told by the drain.
                let _ = writer.write(b"x");
                count.set(count.get() + 1);
                if let Err(lost) = writer.drain().await {
                    return lost.cause().map(io::Error::kind);
                }
            }
        });
        scene.pass(READABLE);
        let before = rounds.get();
        scene.rest();
        let expected = if reads { ErrorKind::ConnectionReset } else { ErrorKind::BrokenPipe };
        assert_eq!(writing.take_outcome(), Some(Ok(Some(expected))));
        assert!(rounds.get() - before <= 3, "{} rounds", rounds.get() - before);
    }
}

/// WR-06 (D-21): and who looks at no error at all takes turns with the others.
#[test]
fn a_write_and_drain_loop_that_ignores_every_error_lets_the_others_run() {
    let (mut scene, (_reader, writer)) = staged(FakeStream::new());
    let rounds = Rc::new(Cell::new(0));
    let count = Rc::clone(&rounds);
    writer.transport().abort();
    let blind = start(&scene, async move {
        loop {
            let _ = writer.write(b"x");
            let _ = writer.drain().await;
            count.set(count.get() + 1);
        }
    });
    for round in 0..20 {
        assert_eq!(rounds.get(), u64::max(round, 1) - 1);
        scene.pass(NONE);
    }
    blind.cancel();
    scene.rest();
    assert_eq!(blind.take_outcome(), Some(Err::<(), _>(JoinError::Cancelled)));
}

/// WR-06 over the real kernel.
#[test]
fn a_peer_that_resets_ends_who_floods_it() {
    both(|_| async {
        for stack in STACKS {
            let (near, mut far) = tcp();
            let (reader, writer) = stream_of(stack, near).await;
            let flooding = spawn(async move {
                loop {
                    let _ = writer.write(&[0; 10_000]);
                    if let Err(lost) = writer.drain().await {
                        drop(reader);
                        return Err::<(), _>(lost);
                    }
                }
            });
            // It is under way when its peer goes.
            passes(3).await;
            far.read_exact(&mut [0; 1000]).unwrap();
            reset(far);
            let lost = flooding.await.unwrap().unwrap_err();
            let kind = lost.cause().unwrap().kind();
            assert!(
                matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
                "{stack:?}: {lost}"
            );
        }
    });
}

/// D-21 (WR-07): bytes that an abort throws away are told to all who wait for them to be sent. To
/// asyncio, this is a success.
#[test]
fn d_21_a_drain_that_waits_while_the_connection_is_aborted_fails() {
    let stream = FakeStream::new().takes([Ok(Some(1000)), Ok(None)]);
    let (mut scene, (_reader, writer)) = staged(stream);
    let writer = Rc::new(writer);
    writer.write(&[0; 1_000_000]).unwrap();
    let waiting = [drain(&scene, &writer), drain(&scene, &writer)];
    scene.pass(NONE);
    let closed = writer.wait_closed();
    writer.transport().abort();
    let late = drain(&scene, &writer);
    scene.rest();
    for waiting in waiting.into_iter().chain([late]) {
        let lost = waiting.take_outcome().unwrap().unwrap().unwrap_err();
        assert_eq!((lost.cause().is_none(), lost.unsent()), (true, 999_000));
        assert_eq!(lost.to_string(), "the connection was closed; 999000 bytes were not sent");
    }
    assert_eq!(poll_once(closed).map(end), Poll::Ready(Some((None, 999_000))));
}

/// D-21: an abort with nothing kept has lost nothing, which is no failure of the end; a drain fails
/// all the same, for the connection is not there any more.
#[test]
fn d_21_an_abort_that_throws_nothing_away_ends_in_order() {
    let (mut scene, (_reader, writer)) = staged(FakeStream::new());
    let writer = Rc::new(writer);
    writer.write(b"sent").unwrap();
    writer.transport().abort();
    let draining = drain(&scene, &writer);
    scene.rest();
    assert_eq!(poll_once(writer.wait_closed()).map(end), Poll::Ready(None));
    assert_eq!(draining.take_outcome().map(|done| end(done.unwrap())), Some(Some((None, 0))));
}

/// WR-08 and D-21: what is kept is sent in the background, and the end comes after it.
#[test]
fn a_close_sends_what_is_kept_and_then_ends() {
    let (mut scene, (_reader, writer)) = staged(FakeStream::new().takes([Ok(Some(1)), Ok(None)]));
    writer.write(b"kept").unwrap();
    let mut closed = pin!(writer.close());
    let mut look = || closed.as_mut().poll(&mut Context::from_waker(Waker::noop())).map(end);
    assert!(writer.is_closing());
    assert_eq!(look(), Poll::Pending);
    scene.pass(WRITABLE);
    assert_eq!(look(), Poll::Pending);
    scene.pass(WRITABLE);
    assert_eq!(look(), Poll::Ready(None));
    // It may be asked again, and it is closed again for nothing.
    assert_eq!(look(), Poll::Ready(None));
    assert_eq!(poll_once(writer.close()).map(end), Poll::Ready(None));
    assert_eq!(scene.stream.sent(), b"kept");
}

/// WR-08 and D-21: a flush in the background that fails is told to who awaits the close, however
/// late.
#[test]
fn d_21_a_close_whose_flush_fails_tells_who_awaits_it() {
    let takes = [Ok(None), Ok(Some(1)), Err(ErrorKind::BrokenPipe)];
    let (mut scene, (_reader, writer)) = staged(FakeStream::new().takes(takes));
    writer.write(b"kept").unwrap();
    let closed = writer.close();
    let waiting = start(&scene, closed);
    scene.pass(WRITABLE);
    scene.pass(WRITABLE);
    scene.rest();
    let expected = Some((Some(ErrorKind::BrokenPipe), 3));
    assert_eq!(waiting.take_outcome().map(|done| end(done.unwrap())), Some(expected));
    let lost = match poll_once(writer.wait_closed()) {
        Poll::Ready(outcome) => outcome.unwrap_err(),
        Poll::Pending => panic!("it is lost"),
    };
    assert_eq!(lost.to_string(), "the connection was lost: broken pipe; 3 bytes were not sent");
    assert_eq!(io::Error::from(lost).kind(), ErrorKind::BrokenPipe);
}

/// D-36: each who asks has an error of his own, and they share its cause, which nobody can change.
#[test]
fn d_36_each_who_waits_has_an_error_of_his_own() {
    let stream = FakeStream::new().takes([Err(ErrorKind::BrokenPipe)]);
    let (mut scene, (_reader, writer)) = staged(stream);
    assert_eq!(writer.write(b"x"), Err(WriteError::Closed));
    scene.rest();
    let ask = || match poll_once(writer.wait_closed()) {
        Poll::Ready(outcome) => outcome.unwrap_err(),
        Poll::Pending => panic!("it is lost"),
    };
    let (first, second) = (ask(), ask());
    assert!(std::ptr::eq(first.cause().unwrap(), second.cause().unwrap()));
    drop(io::Error::from(first));
    assert_eq!(second.cause().unwrap().kind(), ErrorKind::BrokenPipe);
}

/// D-13 and D-21: a peer that never reads does not keep a close from its end, and what it has not
/// got is counted.
#[test]
fn d_13_a_close_with_a_limit_ends_and_counts_what_is_unsent() {
    let (mut scene, (_reader, writer)) = staged(FakeStream::new().takes([Ok(Some(1)), Ok(None)]));
    writer.write(b"kept").unwrap();
    let limit = Duration::from_secs(1);
    let waiting = start(&scene, writer.close_within(limit));
    scene.pass(NONE);
    scene.fake.clock.advance(limit - Duration::from_nanos(1));
    scene.pass(NONE);
    assert!(!waiting.is_finished());
    scene.fake.clock.advance(Duration::from_nanos(1));
    scene.pass(NONE);
    scene.rest();
    assert_eq!(waiting.take_outcome().map(|done| end(done.unwrap())), Some(Some((None, 3))));
}

/// D-13 over the real kernel and clock: what was written is what the kernel took and what is counted.
#[test]
fn d_13_a_peer_that_never_reads_is_given_up() {
    both(|_| async {
        for (stack, (near, mut far)) in [(Stack::Nothing, narrow_tcp()), (Stack::Cipher, unix())] {
            let (_reader, writer) = stream_of(stack, near).await;
            let written = fill_up(&writer);
            let lost = writer.close_within(Duration::from_millis(5)).await.unwrap_err();
            assert!(lost.cause().is_none() && lost.unsent() > 0, "{lost}");
            let mut received = Vec::new();
            // An abort is no reset: what the kernel has taken is the peer's.
            far.read_to_end(&mut received).unwrap();
            assert_eq!(received.len() + lost.unsent(), written);
        }
    });
}

/// WR-09 and D-23: any number may wait for the end, each may stop, and all are told the same. asyncio
/// cancels all when it cancels one.
#[test]
fn d_23_one_who_stops_waiting_for_the_end_does_not_stop_the_others() {
    let stream = FakeStream::new().takes([Ok(None), Err(ErrorKind::ConnectionReset)]);
    let (mut scene, (_reader, writer)) = staged(stream);
    writer.write(b"kept").unwrap();
    let waiting: Vec<_> = (0..4).map(|_| start(&scene, writer.wait_closed())).collect();
    waiting[0].cancel();
    scene.pass(NONE);
    waiting[2].cancel();
    scene.pass(NONE);
    let closing = start(&scene, writer.close());
    scene.pass(WRITABLE);
    scene.rest();
    let expected = Some((Some(ErrorKind::ConnectionReset), 4));
    for (number, waiting) in waiting.into_iter().enumerate() {
        let outcome = waiting.take_outcome().unwrap().map(end);
        let is_cancelled = number % 2 == 0;
        let expected = if is_cancelled { Err(JoinError::Cancelled) } else { Ok(expected) };
        assert_eq!(outcome, expected, "{number}");
    }
    assert_eq!(closing.take_outcome().unwrap().map(end), Ok(expected));
    // And who comes late, as often as he likes.
    for _ in 0..3 {
        assert_eq!(poll_once(writer.wait_closed()).map(end), Poll::Ready(expected));
    }
}

/// D-23: the wait belongs to nobody: it goes on from task to task, and wakes the last who has polled
/// it.
#[test]
fn d_23_a_wait_for_the_end_may_be_handed_to_another_task() {
    let (mut scene, (_reader, writer)) = staged(FakeStream::new().takes([Ok(None)]));
    writer.write(b"kept").unwrap();
    let mut closed = writer.close();
    assert!(poll_once(&mut closed).is_pending());
    let waiting = start(&scene, closed);
    scene.pass(NONE);
    scene.pass(WRITABLE);
    scene.rest();
    assert_eq!(waiting.take_outcome().unwrap().map(end), Ok(None));
}

/// WR-10: without a close, the wait ends when the connection does; a peer that only finishes does not
/// end it.
#[test]
fn who_waits_for_the_end_and_does_not_close_waits_for_the_peer() {
    both(|_| async {
        for stack in STACKS {
            let (near, far) = tcp();
            let (mut reader, writer) = stream_of(stack, near).await;
            let waiting = spawn(writer.wait_closed());
            far.shutdown(Shutdown::Write).unwrap();
            assert!(reader.read(1).await.unwrap().is_empty());
            passes(5).await;
            assert!(!waiting.is_finished() && !writer.is_closing());
            reset(far);
            // It is noticed by who has something to send.
            while writer.write(b"x").is_ok() {
                yield_now().await;
            }
            let lost = waiting.await.unwrap().unwrap_err();
            assert!(lost.cause().is_some(), "{lost}");
        }
    });
}

/// WR-10: a connection that breaks while it is read ends the wait at once.
#[test]
fn a_reset_ends_the_wait_for_the_end() {
    both(|_| async {
        for stack in STACKS {
            let (near, far) = tcp();
            let (mut reader, writer) = stream_of(stack, near).await;
            let waiting = spawn(writer.wait_closed());
            passes(2).await;
            reset(far);
            let lost = waiting.await.unwrap().unwrap_err();
            assert_eq!(lost.cause().unwrap().kind(), ErrorKind::ConnectionReset);
            let error = io::Error::from(reader.read(1).await.unwrap_err());
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{stack:?}");
        }
    });
}

/// WR-13: a question is ended, then the answer is read.
#[test]
fn a_question_may_end_before_its_answer_begins() {
    both(|_| async {
        for stack in STACKS {
            for (near, far) in [tcp(), unix()] {
                let (far, question) = (register(far), pattern(3_000_000));
                let (mut reader, writer) = stream_of(stack, near).await;
                writer.write(&question).unwrap();
                writer.write_eof().unwrap();
                let (mut inwards, mut outwards) = (stack.wire(), stack.wire());
                assert!(inwards.apply(&receive_all(&far).await) == question);
                far.send_all(&outwards.apply(b"the answer")).await.unwrap();
                drop(far);
                assert_eq!(reader.read_to_end().await.unwrap(), b"the answer");
                assert_eq!(end(writer.close().await), None, "{stack:?}");
            }
        }
    });
}

/// D-28 (WR-12): who drops a writer has closed the connection: the peer gets all bytes, then the end
/// of file, whatever becomes of the reader.
#[test]
fn d_28_a_writer_that_is_dropped_closes_its_connection_in_order() {
    both(|_| async {
        for stack in STACKS {
            for keeps_reader in [true, false] {
                let (near, far) = narrow_tcp();
                let (far, bytes) = (register(far), pattern(3_000_000));
                let (reader, writer) = stream_of(stack, near).await;
                writer.write(&bytes).unwrap();
                let (transport, ended) = (Rc::clone(writer.transport()), writer.wait_closed());
                assert!(transport.write_buffer_size() > 0);
                let reader = keeps_reader.then_some(reader);
                drop(writer);
                assert!(transport.is_closing());
                assert!(stack.wire().apply(&receive_all(&far).await) == bytes, "{stack:?}");
                assert_eq!(end(ended.await), None);
                if let Some(mut reader) = reader {
                    assert!(reader.read(1).await.unwrap().is_empty() && reader.at_eof());
                }
            }
        }
    });
}

/// D-28: nothing is received behind the drop, and a reader has what came before.
#[test]
fn d_28_a_reader_outlives_its_writer() {
    let stream = FakeStream::new().receives([Ok("before"), Ok("behind")]).takes([Ok(None)]);
    let (mut scene, (mut reader, writer)) = staged(stream);
    scene.pass(READABLE);
    writer.write(b"kept").unwrap();
    drop(writer);
    scene.pass(READABLE);
    assert_eq!(scene.stream.left_to_receive(), 6);
    let reading = start(&scene, async move {
        (reader.read(100).await.unwrap().into_vec(), reader.read(100).await.unwrap().into_vec())
    });
    scene.pass(NONE);
    assert!(!reading.is_finished(), "the end of its connection is still to come");
    scene.pass(WRITABLE);
    scene.rest();
    assert_eq!(reading.take_outcome(), Some(Ok((b"before".to_vec(), Vec::new()))));
}

/// Memory under back-pressure: who drains keeps no more than the high mark and one write, however
/// much he sends.
#[test]
fn who_drains_keeps_no_more_than_the_high_mark_and_one_write() {
    both(|_| async {
        const PIECE: usize = 30_000;
        const PIECES: usize = 300;
        for stack in STACKS {
            let (near, far) = tcp();
            let far = register(far);
            let (_reader, writer) = stream_of(stack, near).await;
            let high = writer.transport().write_buffer_limits().high();
            let writing = spawn(async move {
                let mut most = 0;
                for _ in 0..PIECES {
                    writer.write(&[0; PIECE]).unwrap();
                    most = most.max(writer.transport().write_buffer_size());
                    writer.drain().await.unwrap();
                }
                (most, end(writer.close().await))
            });
            assert_eq!(receive_all(&far).await.len(), PIECE * PIECES);
            let (most, ended) = writing.await.unwrap();
            assert!(most <= high + PIECE, "{stack:?}: {most} bytes were kept");
            assert_eq!(ended, None);
        }
    });
}

/// Several tasks may write through one writer, each write whole.
#[test]
fn several_tasks_write_each_write_whole() {
    both(|_| async {
        const LINE: usize = 999;
        let (near, far) = tcp();
        let far = register(far);
        let (_reader, writer) = stream_of(Stack::Cipher, near).await;
        let writer = Rc::new(writer);
        let writing: Vec<_> = (0..8u8)
            .map(|number| {
                let writer = Rc::clone(&writer);
                spawn(async move {
                    for _ in 0..200 {
                        let line = [&[number; LINE][..], b"\n"];
                        writer.writelines(&line).unwrap();
                        writer.drain().await.unwrap();
                    }
                })
            })
            .collect();
        drop(writer);
        let received = Stack::Cipher.wire().apply(&receive_all(&far).await);
        let mut counts = [0; 8];
        for line in received.chunks(LINE + 1) {
            assert!(line[..LINE].iter().all(|byte| *byte == line[0]) && line[LINE] == b'\n');
            counts[usize::from(line[0])] += 1;
        }
        assert_eq!(counts, [200; 8]);
        for writing in writing {
            writing.await.unwrap();
        }
    });
}

/// A writer says what it is, before and after its end.
#[test]
fn a_writer_can_be_looked_at() {
    let (mut scene, (_reader, writer)) = staged(FakeStream::new());
    let closed = writer.wait_closed();
    let peer = writer.peer_address().to_string();
    let text = format!("{writer:?}, {closed:?}");
    assert!(text.contains("is_closing: false") && text.contains("ended: false"), "{text}");
    drop(writer.close());
    scene.rest();
    let text = format!("{writer:?}, {closed:?}");
    assert!(text.contains("is_closing: true") && text.contains("ended: true"), "{text}");
    assert_eq!(writer.peer_address().to_string(), peer);
}
