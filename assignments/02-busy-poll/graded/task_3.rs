//! Task 2.3: `Outbox`.

use crate::scripted::{Scripted, described, patiently};
use chapter_02::{OUTBOX_MAX, Outbox, TryIo};
use grading::{Story, Trial, Verdict, measure, shown};
use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;

/// No more than one question was asked of the socket.
fn asked_once(trial: &Trial, socket: &Scripted) -> Verdict {
    const WHY: &str =
        "Who asks until all is taken waits for the client, and everybody else with it.";
    let sends = socket.asked().sends;
    trial.ensure(sends <= 1, "at most one question in one call", format!("{sends} of them"), WHY)
}

fn send(trial: &Trial, outbox: &mut Outbox, socket: &Scripted, bytes: &[u8], why: &str) -> Verdict {
    trial.did(format!("send({})", shown(bytes)));
    let outcome = patiently(trial, why, || outbox.send(socket, bytes))?;
    asked_once(trial, socket)?;
    outcome.or_else(|error| trial.fail("send() goes well", error, why))
}

/// Flushes once, which takes no more than one question, and says whether all is sent.
fn flush(
    trial: &Trial,
    outbox: &mut Outbox,
    socket: &Scripted,
    why: &str,
) -> Result<bool, Box<Story>> {
    let answer = patiently(trial, why, || outbox.flush(socket))?;
    asked_once(trial, socket)?;
    trial.did(format!("flush() gives {}", described(&answer, |()| "Ready(())".to_owned())));
    match answer {
        Ok(answer) => Ok(answer.is_ready()),
        Err(error) => trial.fail("flush() goes well", error, why).map(|()| false),
    }
}

pub(crate) fn the_tail_of_a_short_send_is_sent_later(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A kernel that takes a part leaves the rest to you. It waits, and what is sent \
                       after it waits behind it.";
    let (first, second) = (trial.random().word(4, 9), trial.random().word(4, 9));
    let all = format!("{first}{second}");
    let taken = trial.random().between(1, first.len() - 1);
    let socket = Scripted::new(trial, "socket");
    let mut outbox = Outbox::default();
    socket.will_take([taken]);
    send(trial, &mut outbox, &socket, first.as_bytes(), WHY)?;
    trial.expect("len()", &(first.len() - taken), &outbox.len(), WHY)?;
    send(trial, &mut outbox, &socket, second.as_bytes(), WHY)?;
    socket.will_take([0, 1, 2]);
    for _ in 0..all.len() {
        if flush(trial, &mut outbox, &socket, WHY)? {
            break;
        }
    }
    trial.expect_bytes("what the socket has taken", all.as_bytes(), &socket.sent(), WHY)?;
    trial.expect("is_empty()", &true, &outbox.is_empty(), WHY)
}

pub(crate) fn no_byte_is_sent_twice(trial: &mut Trial) -> Verdict {
    const WHY: &str = "What the kernel has taken is the kernel's. The next flush begins behind it.";
    let word = trial.random().word(12, 20);
    let socket = Scripted::new(trial, "socket");
    let mut outbox = Outbox::default();
    // Nothing is taken at first, so that all of it waits.
    socket.will_take([0]);
    send(trial, &mut outbox, &socket, word.as_bytes(), WHY)?;
    let mut sent = 0;
    while sent < word.len() {
        let count = trial.random().between(0, 3);
        socket.will_take([count]);
        sent = word.len().min(sent + count);
        let is_ready = flush(trial, &mut outbox, &socket, WHY)?;
        let expected = &word.as_bytes()[..sent];
        trial.expect_bytes("what the socket has taken", expected, &socket.sent(), WHY)?;
        trial.expect("all is sent", &(sent == word.len()), &is_ready, WHY)?;
    }
    trial.expect("len()", &0, &outbox.len(), WHY)
}

/// A socket that takes as much as it is told, and remembers nothing.
struct Sink {
    room: Cell<usize>,
}

impl TryIo for Sink {
    fn try_accept(&self) -> io::Result<Poll<(Sink, SocketAddr)>> {
        Ok(Poll::Pending)
    }

    fn try_recv(&self, _: &mut [u8]) -> io::Result<Poll<usize>> {
        Ok(Poll::Pending)
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<Poll<usize>> {
        let count = self.room.get().min(bytes.len());
        self.room.set(self.room.get() - count);
        Ok(if count == 0 { Poll::Pending } else { Poll::Ready(count) })
    }
}

pub(crate) fn what_was_sent_takes_no_room(trial: &mut Trial) -> Verdict {
    const PIECES: usize = 400;
    const CLIENTS: usize = 24;
    const LARGE: usize = 1024 * 1024;
    const MAY_GROW: u64 = 4 * 1024 * 1024;
    const WHY: &str = "A connection may last for weeks, and a client that is always a little behind \
                       never lets its outbox be empty. What was sent has to make room all the same.";
    let resident = || measure::resident(rustix::process::getpid());
    let is_content = |before: Option<u64>| {
        before.zip(resident()).is_none_or(|(from, to)| to.saturating_sub(from) < MAY_GROW)
    };
    let lost = |error: io::Error| trial.fail("send() and flush() go well", error, WHY);
    let sink = Sink { room: Cell::new(OUTBOX_MAX - 1) };
    let (piece, mut outbox) = (vec![b'x'; OUTBOX_MAX], Outbox::default());
    let before = resident();
    for _ in 0..PIECES {
        let outcome = outbox.send(&sink, &piece).and_then(|()| {
            let answer = outbox.flush(&sink);
            // As much as was sent, so that a byte is always left.
            sink.room.set(OUTBOX_MAX);
            answer
        });
        outcome.map(drop).or_else(lost)?;
    }
    trial.did(format!("sent {PIECES} pieces of 64 KiB to a client that is always a little behind"));
    trial.expect("is_empty()", &false, &outbox.is_empty(), WHY)?;
    trial.ensure(
        is_content(before),
        "the memory of what waits",
        "an outbox that keeps what was sent",
        WHY,
    )?;
    const EMPTY: &str = "An idle client should cost next to nothing: most of thousands are idle.";
    let (piece, before) = (vec![b'x'; LARGE], resident());
    let mut outboxes: Vec<Outbox> = (0..CLIENTS).map(|_| Outbox::default()).collect();
    sink.room.set(0);
    for outbox in &mut outboxes {
        outbox.send(&sink, &piece).or_else(lost)?;
    }
    sink.room.set(usize::MAX);
    for outbox in &mut outboxes {
        // Nobody says that one flush has to offer all of it.
        for _ in 0..PIECES {
            outbox.flush(&sink).map(drop).or_else(lost)?;
        }
    }
    trial.did(format!("{CLIENTS} outboxes of 1 MiB each were emptied, and are kept"));
    trial.ensure(is_content(before), "next to no memory", "the memory of what was in them", EMPTY)
}
