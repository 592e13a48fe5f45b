//! Task 5.3: the ways in which a connection ends.

use crate::scene::{NONE, READABLE, Scene, Told, WRITABLE, takes};
use chapter_05::fake::FakeStream;
use chapter_05::{AfterEof, Transport, WriteError};
use grading::{Trial, Verdict, shown};
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

/// One of the calls that end a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Close,
    Abort,
}

use Ending::{Abort, Close};

impl Ending {
    fn end(self, transport: &dyn Transport) {
        match self {
            Close => transport.close(),
            Abort => transport.abort(),
        }
    }

    fn call(self) -> &'static str {
        match self {
            Close => "close()",
            Abort => "abort()",
        }
    }
}

/// What the protocol is told of a connection that only begins and ends.
fn made_and_lost() -> Vec<String> {
    ["connection_made", "connection_lost"].map(str::to_owned).to_vec()
}

pub(crate) fn the_end_is_told_once(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Many things can end a connection, also two of them in one turn. connection_lost \
                       is where a program gives back what it has, and that can be done once.";
    const WHAT: &str = "what the protocol is told";
    let mut pairs = [(Close, Close), (Close, Abort), (Abort, Close), (Abort, Abort)];
    trial.random().shuffle(&mut pairs);
    for (place, (first, second)) in pairs.into_iter().enumerate() {
        let mut scene = Scene::new(trial, FakeStream::new());
        // Half of them are ended before their first turn.
        if place % 2 == 1 {
            scene = scene.begun();
        }
        trial.did(format!("{}, {}", first.call(), second.call()));
        first.end(&*scene.transport);
        second.end(&*scene.transport);
        scene.rest();
        trial.expect(WHAT, &made_and_lost(), &scene.record.lines(), WHY)?;
    }

    trial.did("another protocol closes in resume_writing, which is called by the send that ends a closing connection, and aborts in connection_lost");
    let closes = |told: Told<'_>, transport: &Rc<dyn Transport>| {
        match told {
            Told::Resume => transport.close(),
            Told::Lost => transport.abort(),
            _ => {}
        }
        Ok(())
    };
    for is_closing in [true, false] {
        let stream = FakeStream::new().takes([Ok(None)]);
        let mut scene = Scene::acting(trial, stream, AfterEof::Close, closes).begun();
        scene.transport.set_write_buffer_limits(Some(0), None).expect("a low mark is not given");
        let word = trial.random().word(1, 9);
        scene.write(trial, word.as_bytes())?;
        if is_closing {
            trial.did("close()");
            scene.transport.close();
        }
        scene.reports(WRITABLE);
        scene.rest();
        let expected = ["connection_made", "pause_writing", "resume_writing", "connection_lost"];
        trial.expect(WHAT, &expected.map(str::to_owned).to_vec(), &scene.record.lines(), WHY)?;
    }

    let kind = *trial.random().choice(&[ErrorKind::BrokenPipe, ErrorKind::ConnectionReset]);
    trial.did(format!("a write fails with {kind:?}, abort()"));
    let mut scene = Scene::new(trial, FakeStream::new().takes([Err(kind)])).begun();
    let refused = scene.transport.write(b"x").err();
    trial.expect("the error of write()", &Some(WriteError::Closed), &refused, WHY)?;
    scene.transport.abort();
    scene.rest();
    let error = format!("the error {:?}", Some(kind));
    let expected = vec!["connection_made".to_owned(), error, "connection_lost".to_owned()];
    trial.expect(
        WHAT,
        &expected,
        &scene.record.lines(),
        "The first cause counts: the others follow from it.",
    )
}

pub(crate) fn the_end_is_told_after_the_call_that_causes_it(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Who closes or aborts is in the middle of something: connection_lost has a turn \
                       of its own, so that the caller comes to the end of his function.";
    const SOON: &str = "It needs no news from the kernel, which may never come.";
    const WHAT: &str = "calls of connection_lost";
    for (has_begun, is_kept) in [(false, false), (true, false), (true, true)] {
        for ending in [Close, Abort] {
            let stream = FakeStream::new().takes([Ok(None)]);
            let mut scene = Scene::new(trial, stream);
            if has_begun {
                scene = scene.begun();
            }
            if is_kept {
                scene.write(trial, b"kept")?;
            }
            trial.did(ending.call());
            ending.end(&*scene.transport);
            trial.expect(WHAT, &0, &scene.record.count("connection_lost"), WHY)?;
            trial.expect(
                "is_closing()",
                &true,
                &scene.transport.is_closing(),
                "From here on it is over.",
            )?;
            scene.rest();
            if (ending, is_kept) != (Close, true) {
                trial.expect(WHAT, &1, &scene.record.count("connection_lost"), SOON)?;
            }
        }
    }
    for ending in [Close, Abort] {
        trial.did(format!("another protocol calls {} in data_received", ending.call()));
        let stream = FakeStream::new().receives([Ok("x")]);
        let ends = move |told: Told<'_>, transport: &Rc<dyn Transport>| {
            if let Told::Data(_) = told {
                ending.end(&**transport);
                if transport.protocol().is_none() {
                    return Err("the transport has let go of the protocol that it calls".into());
                }
            }
            Ok(())
        };
        let mut scene = Scene::acting(trial, stream, AfterEof::Close, ends).begun();
        scene.pass(READABLE);
        scene.rest();
        let expected = ["connection_made", "data_received, 1 byte \"x\"", "connection_lost"];
        trial.expect(
            "what the protocol is told",
            &expected.map(str::to_owned).to_vec(),
            &scene.record.lines(),
            WHY,
        )?;
    }
    Ok(())
}

/// A connection without anything to send, which is ended.
fn idle(trial: &Trial, ending: Ending) -> Verdict {
    let mut scene = Scene::new(trial, FakeStream::new());
    trial.did(format!("a connection that has nothing to send: {}", ending.call()));
    ending.end(&*scene.transport);
    scene.rest();
    trial.expect(
        "what the protocol is told",
        &made_and_lost(),
        &scene.record.lines(),
        "Where nothing is to be sent, nothing is to be waited for.",
    )
}

pub(crate) fn close_sends_what_was_written_and_receives_no_more(trial: &mut Trial) -> Verdict {
    const SENDS: &str = "To close is to end in order: what was written is sent first, however long \
                         that takes.";
    const RECEIVES: &str = "Who has closed has said that he does not want more: nothing is received, \
                            also if it is there already.";
    const VAIN: &str = "What is there and not received is reported as long as it is watched for: the \
                        loop would have no rest until the last byte is sent.";
    idle(trial, Close)?;
    let word = trial.random().word(5, 20).into_bytes();
    let script = [1, 2].map(|_| Some(trial.random().between(1, 2)));
    let stream = takes(trial, &[script[0], script[1], None]).receives([Ok("late")]);
    let mut scene = Scene::new(trial, stream).begun();
    scene.write(trial, &word)?;
    trial.did("close()");
    scene.transport.close();
    trial.did("the kernel reports that there is something to receive");
    scene.pass(READABLE);
    scene.rest();
    trial.expect("calls of data_received", &0, &scene.record.count("data_received"), RECEIVES)?;
    scene.reports(READABLE);
    trial.expect(
        "the kernel watches for what comes",
        &false,
        &scene.is_told_of_data(trial),
        VAIN,
    )?;
    for _ in 0..2 {
        trial.expect(
            "calls of connection_lost",
            &0,
            &scene.record.count("connection_lost"),
            SENDS,
        )?;
        scene.reports(WRITABLE);
    }
    scene.reports(WRITABLE);
    scene.rest();
    trial.expect_bytes("sent", &word, &scene.stream.sent(), SENDS)?;
    trial.expect("what the protocol is told", &made_and_lost(), &scene.record.lines(), SENDS)?;
    trial.expect("unsent()", &0, &scene.transport.unsent(), SENDS)
}

pub(crate) fn abort_throws_away_what_was_not_sent(trial: &mut Trial) -> Verdict {
    const WHY: &str = "To abort is to end at once. What was not sent is thrown away; who would wait \
                       for it might wait for ever, for the peer need not read.";
    const TOLD: &str = "How much was lost is still to be known, by who has written it.";
    idle(trial, Abort)?;
    let word = trial.random().word(5, 20).into_bytes();
    let now = trial.random().between(1, 4);
    for is_closing in [false, true] {
        let mut scene = Scene::new(trial, takes(trial, &[Some(now)])).begun();
        scene.write(trial, &word)?;
        if is_closing {
            trial.did("close()");
            scene.transport.close();
        }
        trial.did("abort()");
        scene.transport.abort();
        scene.reports(WRITABLE);
        scene.rest();
        trial.expect_bytes("sent", &word[..now], &scene.stream.sent(), WHY)?;
        trial.expect("what the protocol is told", &made_and_lost(), &scene.record.lines(), WHY)?;
        trial.expect("unsent()", &(word.len() - now), &scene.transport.unsent(), TOLD)?;
    }
    Ok(())
}

pub(crate) fn after_the_end_a_write_is_refused(trial: &mut Trial) -> Verdict {
    const WHY: &str = "What is written to a closed connection is never sent. Whoever writes it has to \
                       be told, or he believes that it was.";
    const NOTHING: &str = "Nothing more goes to a peer who was told that it is over.";
    for ending in [Close, Abort] {
        let mut scene = Scene::new(trial, FakeStream::new());
        trial.did(ending.call());
        ending.end(&*scene.transport);
        let word = trial.random().word(1, 9).into_bytes();
        for when in ["before connection_lost", "after it"] {
            trial.did(format!("write({}), {when}", shown(&word)));
            let came = scene.transport.write(&word);
            trial.expect("write()", &Err(WriteError::Closed), &came, WHY)?;
            let came = scene.transport.writelines(&[&word, &word]);
            trial.expect("writelines()", &Err(WriteError::Closed), &came, WHY)?;
            trial.expect(
                "write_buffer_size()",
                &0,
                &scene.transport.write_buffer_size(),
                NOTHING,
            )?;
            scene.rest();
        }
        trial.expect_bytes("sent", b"", &scene.stream.sent(), NOTHING)?;
    }
    Ok(())
}

pub(crate) fn a_lost_connection_gives_everything_back(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A server has as many connections as were not given back: socket, registration, \
                       timer, buffer and protocol. That somebody still holds the transport changes nothing.";
    for ending in [Close, Abort] {
        let stream = FakeStream::new().takes([Ok(None)]);
        let mut scene = Scene::new(trial, stream);
        scene.forget_protocol();
        if ending == Close {
            trial.did("close_within(an hour), without anything to send");
            scene.transport.close_within(Duration::from_secs(3600));
            scene.rest();
        } else {
            trial.did("abort(), before anything has happened");
            scene.transport.abort();
            scene.rest();
        }
        gone(trial, &scene, WHY)?;
    }
    let mut scene = Scene::new(trial, FakeStream::new().takes([Ok(None)])).begun();
    scene.forget_protocol();
    scene.write(trial, b"kept")?;
    trial.did("close_within(an hour)");
    scene.transport.close_within(Duration::from_secs(3600));
    scene.pass(NONE);
    trial.expect(
        "timers of the loop",
        &1,
        &scene.fake.event_loop.census().timers,
        "A close with a limit has a timer.",
    )?;
    scene.reports(WRITABLE);
    scene.rest();
    gone(trial, &scene, WHY)
}

/// The connection has left nothing.
fn gone(trial: &Trial, scene: &Scene, why: &str) -> Verdict {
    trial.expect("calls of connection_lost", &1, &scene.record.count("connection_lost"), why)?;
    let census = scene.fake.event_loop.census();
    trial.expect("sources that the loop watches", &0, &census.sources, why)?;
    trial.expect("timers of the loop", &0, &census.timers, why)?;
    trial.expect("the socket is closed", &true, &scene.stream.is_closed_elsewhere(), why)?;
    trial.expect("owners of the protocol", &0, &(Rc::strong_count(&scene.alive) - 1), why)
}
