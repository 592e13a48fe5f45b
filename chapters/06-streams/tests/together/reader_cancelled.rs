//! Reads that are given up, at each moment and in each way: no byte is lost, and none comes twice.

use crate::cancel::{Moment, dropped_at, moments};
use crate::guests::both;
use crate::meet::{pattern, tcp};
use crate::net::{passes, register};
use crate::reader_scene::{METHODS, Method, feed, said, staged_with, taken};
use crate::scene::{NONE, READABLE};
use crate::stack::STACKS;
use crate::streams::{staged, stream_of};
use chapter_04::{Either, JoinError, race, spawn, timeout, yield_now};
use chapter_05::fake::FakeStream;
use chapter_06::{StreamLimits, StreamReader};
use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::time::Duration;

/// What a peer sends, piece by piece, before it finishes.
const PIECES: [&str; 7] = ["hel", "lo\r", "\nwo", "rld", "\r\n", "x\n", "the rest"];

/// All that a method reads of [`PIECES`], under limits that pause the transport again and again, where
/// each of its reads is given up at this moment as often as it takes.
fn read_all(method: Method, moment: Moment) -> Vec<Result<Vec<u8>, String>> {
    let stream = FakeStream::new().receives(PIECES.into_iter().chain([""]).map(Ok));
    let limits = StreamLimits::default().with_kept_max(3).unwrap();
    let (mut scene, (mut reader, _writer)) = staged_with(limits, stream);
    let reading = scene.fake.event_loop.spawn(async move {
        let mut all = Vec::new();
        while !reader.at_eof() {
            match dropped_at(moment, method(&mut reader)).await {
                Some(read) => all.push(said(read)),
                None => yield_now().await,
            }
        }
        all
    });
    let reading = reading.unwrap();
    // Enough for all pieces, and a few more.
    for _ in 0..40 {
        scene.pass(READABLE);
    }
    reading.take_outcome().expect("it is done").unwrap()
}

/// RD-15 and RD-21: given up before it has waited, while it waits, and when it has been woken and does
/// not get to see why: the next read has all bytes, as if there had been no other.
#[test]
fn a_read_that_is_given_up_at_any_moment_has_taken_nothing() {
    for (name, method) in METHODS.into_iter().filter(|(name, _)| *name != "read") {
        let undisturbed = read_all(method, Moment::BeforePoll(usize::MAX));
        assert!(!undisturbed.is_empty());
        for moment in moments().skip(1).take(6) {
            assert_eq!(read_all(method, moment), undisturbed, "{name}, {moment:?}");
        }
    }
}

/// RD-15 and RD-21: the same of the read that gives what is there, where the pieces depend on the
/// moment, and the bytes do not.
#[test]
fn the_bytes_of_reads_that_are_given_up_are_those_that_were_sent() {
    let (_, method) = METHODS[0];
    for moment in moments().skip(1).take(6) {
        let bytes: Vec<_> = read_all(method, moment).into_iter().map(Result::unwrap).collect();
        assert_eq!(bytes.concat(), PIECES.concat().as_bytes(), "{moment:?}");
    }
}

/// A reader that is put back into its place when it is dropped, as by a task that is cancelled.
struct Lent {
    reader: Option<StreamReader>,
    place: Rc<Cell<Option<StreamReader>>>,
}

impl Deref for Lent {
    type Target = StreamReader;

    fn deref(&self) -> &StreamReader {
        self.reader.as_ref().unwrap()
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut StreamReader {
        self.reader.as_mut().unwrap()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.place.set(self.reader.take());
    }
}

/// RD-21: a task that is cancelled when the bytes have come and it has not run again leaves them. In
/// asyncio too, but `sock_recv` loses them (D-22).
#[test]
fn a_task_that_is_cancelled_between_the_arrival_and_its_turn_leaves_the_bytes() {
    for (name, method) in METHODS {
        let (mut scene, (reader, _writer)) = staged(FakeStream::new());
        let place = Rc::new(Cell::new(None));
        let mut lent = Lent { reader: Some(reader), place: Rc::clone(&place) };
        let event_loop = scene.fake.event_loop.clone();
        let cancelled = event_loop.spawn(async move { drop(method(&mut lent).await) }).unwrap();
        scene.pass(NONE);
        feed(&scene, b"hello\r\n");
        assert!(cancelled.cancel());
        scene.pass(NONE);
        assert_eq!(cancelled.take_outcome(), Some(Err(JoinError::Cancelled)));
        let mut reader: StreamReader = place.take().unwrap();
        let next = event_loop.spawn(async move { reader.read(99).await.unwrap().into_vec() });
        scene.pass(NONE);
        assert_eq!(next.unwrap().take_outcome(), Some(Ok(b"hello\r\n".to_vec())), "{name}");
    }
}

/// RD-21: the same where the other side of a race has won.
#[test]
fn a_read_that_loses_a_race_when_its_bytes_are_there_leaves_them() {
    for (name, method) in METHODS {
        let (mut scene, (mut reader, _writer)) = staged(FakeStream::new());
        let event_loop = scene.fake.event_loop.clone();
        let winner = event_loop.create_future();
        let wins = winner.clone();
        let racing = event_loop.spawn(async move {
            let is_won = matches!(race(winner, method(&mut reader)).await, Either::First(Ok(())));
            (is_won, reader.readline().await.unwrap().into_vec())
        });
        scene.pass(NONE);
        feed(&scene, b"hello\r\n");
        wins.set_result(()).unwrap();
        scene.pass(NONE);
        scene.rest();
        let expected = (true, b"hello\r\n".to_vec());
        assert_eq!(racing.unwrap().take_outcome(), Some(Ok(expected)), "{name}");
    }
}

/// RD-15 over the real kernel: reads of every kind, each with a limit of time that is over at once, or
/// against another task's turn. What they give, one after the other, is what was sent.
#[test]
fn reads_that_run_out_of_time_lose_no_byte() {
    both(|_| async {
        for stack in STACKS {
            let (near, far) = tcp();
            let (mut reader, _writer) = stream_of(stack, near).await;
            // All of "\r", "\n", "l" and "o" are in it.
            let (far, bytes) = (register(far), pattern(20_000));
            let sent = stack.wire().apply(&bytes);
            let sending = spawn(async move {
                let mut rest = &sent[..];
                for size in (1..400).cycle() {
                    let piece;
                    (piece, rest) = rest.split_at(size.min(rest.len()));
                    if piece.is_empty() {
                        break;
                    }
                    far.send_all(piece).await.unwrap();
                    passes(size % 3).await;
                }
            });
            let (mut received, mut given_up) = (Vec::new(), 0);
            for number in 0.. {
                if reader.at_eof() {
                    break;
                }
                let (_, method) = METHODS[number % METHODS.len()];
                let read = method(&mut reader);
                let read = if number % 2 == 0 {
                    timeout(Duration::ZERO, read).await.ok()
                } else {
                    match race(read, yield_now()).await {
                        Either::First(read) => Some(read),
                        Either::Second(()) => None,
                    }
                };
                match read {
                    Some(read) => received.extend(taken(read)),
                    None => {
                        given_up += 1;
                        yield_now().await;
                    }
                }
            }
            assert!(received == bytes, "{stack:?}: {} bytes were read", received.len());
            assert!(given_up > 0, "each read had what it wanted at once");
            sending.await.unwrap();
        }
    });
}
