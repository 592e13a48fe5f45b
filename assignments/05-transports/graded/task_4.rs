//! Task 5.4: reading that is paused, and the two ends of file.

use crate::scene::{READABLE, Scene, Told, WRITABLE, mode, takes};
use chapter_03::{Mode, SelectorKind};
use chapter_04::run_with;
use chapter_05::fake::{Call, FakeStream};
use chapter_05::{
    AfterEof, BaseProtocol, CallbackResult, Protocol, Transport, WriteError, create_server,
};
use grading::{Trial, Verdict};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;

pub(crate) fn what_comes_while_reading_is_paused_waits(trial: &mut Trial) -> Verdict {
    const WAITS: &str = "Who has paused has no place for more: what comes waits in the kernel, and the \
                         peer feels it when that is full.";
    const GOES_ON: &str = "What has come meanwhile was reported while nobody wanted it. A kernel that \
                           reports edges does not say it again.";
    const VAIN: &str = "A level is reported as long as it is watched: who does not want what is there \
                        has to withdraw his interest, or is told of it without end.";
    let words: Vec<String> = (0..3).map(|_| trial.random().word(1, 9)).collect();
    let stream = FakeStream::new().receives(words.iter().map(Ok));
    // It pauses again at the second piece, before the third is there.
    let mut pieces = 0;
    let pauses = move |told: Told<'_>, transport: &Rc<dyn Transport>| {
        if let Told::Data(_) = told {
            pieces += 1;
            if pieces == 2 {
                transport.pause_reading();
            }
        }
        Ok(())
    };
    let scene = Scene::acting(trial, stream, AfterEof::Close, pauses);
    let goes_on = |scene: &mut Scene| {
        trial.did("resume_reading()");
        scene.transport.resume_reading();
        if mode(trial) == Mode::Level {
            scene.reports(READABLE);
        }
        scene.rest();
    };
    trial.did("pause_reading()");
    scene.transport.pause_reading();
    let mut scene = scene.begun();
    scene.reports(READABLE);
    scene.rest();
    trial.expect_bytes("received", b"", &scene.record.received(), WAITS)?;
    trial.expect("is_reading()", &false, &scene.transport.is_reading(), WAITS)?;
    scene.reports(READABLE);
    scene.rest();
    trial.expect(
        "the kernel watches for what comes",
        &false,
        &scene.is_told_of_data(trial),
        VAIN,
    )?;
    goes_on(&mut scene);
    trial.expect_bytes("received", words[0].as_bytes(), &scene.record.received(), GOES_ON)?;
    trial.did("the protocol calls pause_reading() in its next data_received");
    scene.reports(READABLE);
    scene.reports(READABLE);
    scene.rest();
    let expected = words[..2].concat();
    trial.expect_bytes("received", expected.as_bytes(), &scene.record.received(), WAITS)?;
    trial.expect(
        "the kernel watches for what comes",
        &false,
        &scene.is_told_of_data(trial),
        VAIN,
    )?;
    goes_on(&mut scene);
    trial.expect_bytes("received", words.concat().as_bytes(), &scene.record.received(), GOES_ON)?;
    trial.expect("is_reading()", &true, &scene.transport.is_reading(), GOES_ON)
}

pub(crate) fn the_end_of_file_is_told_once(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Behind the end of file nothing comes. A socket at its end is readable for ever: \
                       who goes on reading is told of the same end again and again.";
    const CLOSES: &str = "eof_received says what becomes of the connection: it is closed, or it stays \
                          open for what is still to be written.";
    let word = trial.random().word(1, 9);
    for after_eof in [AfterEof::KeepOpen, AfterEof::Close] {
        trial.did(format!("a protocol that answers {after_eof:?} to eof_received"));
        let stream = FakeStream::new().receives([Ok(word.as_str()), Ok(""), Ok(""), Ok("")]);
        let scene = Scene::acting(trial, stream, after_eof, |_, _| Ok(()));
        trial.did("resume_reading(), which was not paused");
        scene.transport.resume_reading();
        let mut scene = scene.begun();
        scene.reports(READABLE);
        scene.rest();
        scene.reports(READABLE);
        scene.rest();
        trial.did("pause_reading(), resume_reading()");
        scene.transport.pause_reading();
        scene.transport.resume_reading();
        scene.reports(READABLE);
        scene.rest();
        trial.expect_bytes("received", word.as_bytes(), &scene.record.received(), WHY)?;
        trial.expect("calls of eof_received", &1, &scene.record.count("eof_received"), WHY)?;
        trial.expect("is_reading()", &false, &scene.transport.is_reading(), WHY)?;
        trial.expect(
            "the kernel watches for what comes",
            &false,
            &scene.is_told_of_data(trial),
            WHY,
        )?;
        let closes = after_eof == AfterEof::Close;
        trial.expect("is_closing()", &closes, &scene.transport.is_closing(), CLOSES)?;
        trial.expect(
            "calls of connection_lost",
            &usize::from(closes),
            &scene.record.count("connection_lost"),
            CLOSES,
        )?;
    }
    Ok(())
}

pub(crate) fn write_eof_comes_behind_all_that_was_written(trial: &mut Trial) -> Verdict {
    const BEHIND: &str = "The end of file is the last thing that the peer reads: what comes behind it \
                          is lost, so it waits for all that was written.";
    const HALF: &str = "A connection has two directions: that this end has nothing more to say does \
                        not keep it from listening.";
    const ONCE: &str = "One direction ends once.";
    let (word, answer) = (trial.random().word(5, 20), trial.random().word(1, 9));
    let now = trial.random().between(1, 4);
    let shutdowns = |scene: &Scene| {
        scene.stream.calls().iter().filter(|call| **call == Call::ShutdownWrite).count()
    };
    let write_eof = |scene: &Scene| {
        trial.did("write_eof()");
        scene.transport.write_eof().map_err(|error| error.kind())
    };
    let idle = Scene::new(trial, FakeStream::new());
    trial.did("nothing is kept");
    trial.expect("write_eof()", &Ok(()), &write_eof(&idle), BEHIND)?;
    trial.expect(
        "shutdowns of the sending half",
        &1,
        &shutdowns(&idle),
        "Where nothing is kept, nothing is to be waited for.",
    )?;

    let stream = takes(trial, &[Some(now), Some(1)]).receives([Ok(answer.as_str())]);
    let mut scene = Scene::new(trial, stream).begun();
    scene.write(trial, word.as_bytes())?;
    trial.expect("write_eof()", &Ok(()), &write_eof(&scene), BEHIND)?;
    trial.expect("shutdowns of the sending half", &0, &shutdowns(&scene), BEHIND)?;
    trial.expect("write()", &Err(WriteError::AfterEof), &scene.transport.write(b"x"), BEHIND)?;
    scene.reports(WRITABLE);
    trial.expect("shutdowns of the sending half", &0, &shutdowns(&scene), BEHIND)?;
    scene.reports(WRITABLE);
    trial.expect_bytes("sent", word.as_bytes(), &scene.stream.sent(), BEHIND)?;
    trial.expect("shutdowns of the sending half", &1, &shutdowns(&scene), BEHIND)?;
    trial.expect("write_eof()", &Ok(()), &write_eof(&scene), ONCE)?;
    scene.reports(READABLE);
    scene.rest();
    trial.expect("shutdowns of the sending half", &1, &shutdowns(&scene), ONCE)?;
    trial.expect_bytes("received", answer.as_bytes(), &scene.record.received(), HALF)?;
    trial.expect("is_closing()", &false, &scene.transport.is_closing(), HALF)
}

/// Answers when the peer has said everything: with as many bytes as it asks for.
struct Answers {
    answer: Rc<[u8]>,
}

impl BaseProtocol for Answers {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        // As one that gets ready first.
        transport.pause_reading();
        transport.resume_reading();
        Ok(())
    }

    fn eof_received(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        transport.write(&self.answer)?;
        Ok(AfterEof::Close)
    }
}

impl Protocol for Answers {}

pub(crate) fn a_client_that_has_said_its_last_word_gets_the_whole_answer(
    trial: &mut Trial,
) -> Verdict {
    const WHY: &str = "The client has closed one direction, and waits for its answer in the other one. \
                       Of a large answer most is kept when the end of file is there.";
    let kind: SelectorKind = trial.selector().parse().expect("the grader knows the selectors");
    // More than the kernel keeps for a client that does not read.
    let answer = trial.random().word(900, 1000).repeat(16_000).into_bytes();
    let (sender, addresses) = mpsc::channel::<SocketAddr>();
    let server_answer = answer.clone();
    let _serving = trial.serve(move || {
        run_with(kind, async move {
            let answer: Rc<[u8]> = server_answer.into();
            let factory = move || Answers { answer: Rc::clone(&answer) };
            let server = create_server(factory, ("127.0.0.1", 0)).await.expect("a port is free");
            let address = server.addresses()[0].ip().expect("it listens at an IP address");
            sender.send(address).expect("the check waits for it");
            server.serve_forever().await
        })
    });
    let address = addresses.recv().expect("the server says where it is");
    let mut client = trial.client(address)?;
    let word = trial.random().word(1, 9);
    client.send(word.as_bytes())?;
    client.finish()?;
    let received = client.receive(&answer, WHY);
    received.map_err(|mut story| {
        // How much the kernel has kept differs from run to run.
        if let Some((_, then)) = story.came.split_once(", then ") {
            story.came = format!("a part of it, then {then}");
        }
        story
    })?;
    client.receive_end("What was closed in order ends with the end of file.")
}
