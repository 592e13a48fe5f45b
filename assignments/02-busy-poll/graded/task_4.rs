//! Task 2.4: `Client`.

use crate::scripted::{Scripted, described, patiently, peer};
use chapter_01::{EchoBytes, End, LineTooLong, Log, Reply};
use chapter_02::{Buffers, Client, OUTBOX_MAX, RECEIVE_MAX};
use grading::{Story, Trial, Verdict, shown};

/// A reply that puts its answers together in the space, and ends as it is told.
#[derive(Clone, Copy, Default)]
struct Told {
    unanswered: usize,
    /// The length of a line that is too long.
    too_long: Option<usize>,
}

impl Reply for Told {
    fn reply<'a>(
        &mut self,
        received: &'a [u8],
        space: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], LineTooLong> {
        space.extend_from_slice(b"<");
        space.extend_from_slice(received);
        space.extend_from_slice(b">");
        match self.too_long {
            Some(line_max) => Err(LineTooLong { line_max }),
            None => Ok(space),
        }
    }

    fn unanswered(&self) -> usize {
        self.unanswered
    }
}

/// A client and its socket.
struct Talk<R> {
    client: Client<R>,
    socket: Scripted,
}

impl<R: Reply> Talk<R> {
    fn new(trial: &Trial, name: &str, reply: R) -> Talk<R> {
        let client = Client::new(peer(), reply, Log::Quiet);
        Talk { client, socket: Scripted::new(trial, name) }
    }

    /// One receive gives `expected`.
    fn receives(
        &mut self,
        trial: &Trial,
        buffers: &mut Buffers,
        expected: &str,
        why: &str,
    ) -> Verdict {
        let Talk { client, socket } = self;
        let answer = patiently(trial, why, || client.receive(socket, buffers, Log::Quiet))?;
        let came = described(&answer, usize::to_string);
        trial.ensure(came == expected, format!("receive() gives {expected}"), &came, why)?;
        trial.did(format!("{}: receive() gives {expected}", socket.name()));
        socket.asked();
        Ok(())
    }

    /// Flushes while the client says that something waits.
    fn flush_all(&mut self, trial: &Trial, why: &str) -> Verdict {
        let Talk { client, socket } = self;
        let flushed = patiently(trial, why, || {
            while client.wants_to_send() {
                let _ = client.flush(socket)?;
            }
            Ok::<_, std::io::Error>(())
        })?;
        trial.did(format!("{}: flush() until nothing waits", socket.name()));
        socket.asked();
        flushed.or_else(|error| trial.fail("flush() goes well", error, why))
    }

    /// Nothing more is received, and the end is not told before everything is sent.
    fn ends(&mut self, trial: &Trial, answer: &[u8], end: End) -> Verdict {
        const IN_VAIN: &str =
            "After its end nothing can come from a client: to ask is to ask in vain.";
        const OWED: &str = "A client that has ended its side still listens. Its socket is closed \
                            when ended() says so, and what waits then is lost.";
        let wants = self.client.wants_to_receive();
        trial.expect("wants_to_receive()", &false, &wants, IN_VAIN)?;
        trial.expect("ended(), while bytes wait", &None, &self.client.ended(), OWED)?;
        self.flush_all(trial, OWED)?;
        trial.expect_bytes("what the client is sent", answer, &self.socket.sent(), OWED)?;
        trial.expect("ended()", &Some(end), &self.client.ended(), OWED)
    }
}

pub(crate) fn what_was_received_is_answered_before_the_end(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A client may send, close its side, and wait for the answer.";
    let unanswered = trial.random().between(1, 99);
    for (told, end) in [
        (Told::default(), End::Closed),
        (Told { unanswered, ..Told::default() }, End::MidLine(unanswered)),
    ] {
        let word = trial.random().word(6, 9);
        let mut talk = Talk::new(trial, "client-1", told);
        let mut buffers = Buffers::default();
        talk.receives(trial, &mut buffers, "\"not yet\"", WHY)?;
        talk.socket.will_receive(word.as_bytes());
        talk.socket.will_receive(b"");
        talk.socket.will_take([trial.random().between(1, 5), 0, 1]);
        talk.receives(trial, &mut buffers, &word.len().to_string(), WHY)?;
        let wants = talk.client.wants_to_receive();
        trial.expect("wants_to_receive()", &true, &wants, "It may have more to say.")?;
        talk.receives(trial, &mut buffers, "0", WHY)?;
        talk.ends(trial, format!("<{word}>").as_bytes(), end)?;
    }
    Ok(())
}

pub(crate) fn a_line_too_long_is_the_end_after_its_answers(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A reply that fails has ended its client; the server has not failed.";
    let line_max = trial.random().between(100, 199);
    let word = trial.random().word(6, 9);
    let told = Told { too_long: Some(line_max), ..Told::default() };
    let mut talk = Talk::new(trial, "client-1", told);
    talk.socket.will_receive(word.as_bytes());
    talk.socket.will_take([trial.random().between(1, 5), 0, 1]);
    trial.did(format!("the reply to {} will say LineTooLong", shown(word.as_bytes())));
    talk.receives(trial, &mut Buffers::default(), &word.len().to_string(), WHY)?;
    let end = End::LineTooLong(LineTooLong { line_max });
    talk.ends(trial, format!("<{word}>").as_bytes(), end)
}

pub(crate) fn who_does_not_read_is_not_read_from(trial: &mut Trial) -> Verdict {
    const PIECES: usize = 20;
    const WHY: &str = "What a client sends without reading would all have to wait in your memory. \
                       Who is not read from is stopped by its own kernel, and nothing is lost.";
    let mut talk = Talk::new(trial, "client-1", EchoBytes);
    let sent: Vec<Vec<u8>> = (0..PIECES)
        .map(|_| trial.random().word(8, 8).repeat(RECEIVE_MAX / 8).into_bytes())
        .collect();
    sent.iter().for_each(|piece| talk.socket.will_receive(piece));
    talk.socket.set_stuck(true);
    trial.did("client-1 sends 64 KiB again and again, and reads nothing");
    let mut buffers = Buffers::default();
    let received = receive_all(trial, &mut talk, &mut buffers, WHY)?;
    let bound = "no more is received than an outbox and one receive can hold, 128 KiB";
    let came = format!("{} KiB, and it would go on", received / 1024);
    trial.ensure(received <= OUTBOX_MAX + RECEIVE_MAX, bound, came, WHY)?;
    trial.ensure(received >= OUTBOX_MAX, "64 KiB are received", "less", WHY)?;
    talk.socket.set_stuck(false);
    trial.did("client-1 reads");
    let mut total = received;
    while total < PIECES * RECEIVE_MAX {
        talk.flush_all(trial, WHY)?;
        let wants = talk.client.wants_to_receive();
        trial.expect("wants_to_receive(), when nothing waits", &true, &wants, WHY)?;
        total += receive_all(trial, &mut talk, &mut buffers, WHY)?;
    }
    talk.flush_all(trial, WHY)?;
    trial.expect_bytes("what client-1 is sent", &sent.concat(), &talk.socket.sent(), WHY)
}

/// Receives while the client says that there is a point in it and something comes, and says how
/// much came.
fn receive_all<R: Reply>(
    trial: &Trial,
    talk: &mut Talk<R>,
    buffers: &mut Buffers,
    why: &str,
) -> Result<usize, Box<Story>> {
    let mut received = 0;
    while talk.client.wants_to_receive() {
        let answer =
            patiently(trial, why, || talk.client.receive(&talk.socket, buffers, Log::Quiet))?;
        talk.socket.asked();
        match answer {
            Ok(std::task::Poll::Ready(count)) => received += count,
            Ok(std::task::Poll::Pending) => break,
            Err(error) => trial.fail("receive() goes well", error, why)?,
        }
    }
    trial.did("client-1: receive() while wants_to_receive()");
    Ok(received)
}

pub(crate) fn an_answer_goes_to_its_own_client(trial: &mut Trial) -> Verdict {
    const WHY: &str = "All clients share one pair of buffers, and a reply finds its space empty: \
                       what is left in it was somebody else's.";
    let mut buffers = Buffers::default();
    let mut talks = ["client-1", "client-2"].map(|name| Talk::new(trial, name, Told::default()));
    let mut expected = [String::new(), String::new()];
    for _ in 0..3 {
        for (talk, expected) in talks.iter_mut().zip(&mut expected) {
            let word = trial.random().word(1, 9);
            talk.socket.will_receive(word.as_bytes());
            talk.receives(trial, &mut buffers, &word.len().to_string(), WHY)?;
            expected.push_str(&format!("<{word}>"));
            let what = format!("what {} is sent", talk.socket.name());
            trial.expect_bytes(&what, expected.as_bytes(), &talk.socket.sent(), WHY)?;
        }
    }
    Ok(())
}
