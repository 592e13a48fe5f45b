//! Task 1.4: `serve_client`.

use chapter_01::{EchoBytes, End, LineTooLong, Log, Reply, serve_client};
use grading::{Client, Serving, Story, Trial, Verdict, shown};
use socket2::Socket;
use std::io;
use std::net::TcpListener;

/// A client, and a server that serves it alone.
struct Talk {
    client: Client,
    serving: Serving<io::Result<End>>,
    /// The server's socket, once more.
    socket: Socket,
}

fn talk(trial: &mut Trial, reply: impl Reply + Send + 'static) -> Result<Talk, Box<Story>> {
    // The standard library's listener, so that this task does not need the others.
    let listener = TcpListener::bind("127.0.0.1:0").expect("the kernel has a port left");
    let client = trial.client(listener.local_addr().expect("a bound socket has an address"))?;
    let (stream, peer) = listener.accept().expect("a client has just connected");
    let socket = Socket::from(stream);
    let served = socket.try_clone().expect("the process has a descriptor left");
    let serving = trial.serve(move || serve_client(&served, reply, peer, Log::Quiet));
    Ok(Talk { client, serving, socket })
}

/// A reply that writes its answers into the space, and ends as it is told.
#[derive(Clone, Copy, Default)]
struct Told {
    unanswered: usize,
    /// The length of a piece that is too long.
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

pub(crate) fn a_message_of_any_length_comes_back(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A read says how many bytes it has brought: these, and no others. It says \
                       nothing about whether more will come.";
    let Talk { mut client, .. } = talk(trial, EchoBytes)?;
    let some = trial.random().between(2, 4000);
    for length in [1, some, 4096, 2 * 4096, 3] {
        let message = trial.random().word(length, length);
        client.send(message.as_bytes())?;
        client.receive(message.as_bytes(), WHY)?;
    }
    Ok(())
}

pub(crate) fn a_client_that_has_finished_gets_all_its_answers(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A read of 0 bytes says that the client will send no more. It can still \
                       receive, and nothing else will tell the server to stop.";
    let Talk { mut client, serving, socket } = talk(trial, EchoBytes)?;
    let message = trial.random().word(20_000, 20_000);
    client.send(message.as_bytes())?;
    client.finish()?;
    client.receive(message.as_bytes(), WHY)?;
    match serving.end("serve_client() ends", WHY)? {
        Ok(End::Closed) => {}
        Ok(end) => return trial.fail("End::Closed", format!("{end:?}"), WHY),
        Err(error) => return trial.fail("End::Closed", error, WHY),
    }
    drop(socket);
    client.receive_end(WHY)
}

pub(crate) fn no_answer_is_sent_twice(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A reply finds its space empty at each call: what was in it has been sent.";
    let Talk { mut client, .. } = talk(trial, Told::default())?;
    for _ in 0..3 {
        let word = trial.random().word(1, 9);
        client.send(word.as_bytes())?;
        client.receive(format!("<{word}>").as_bytes(), WHY)?;
    }
    client.hears_nothing(WHY)
}

pub(crate) fn small_answers_do_not_wait_for_each_other(trial: &mut Trial) -> Verdict {
    const WHY: &str = "By Nagle's algorithm a small piece waits until the one before it is \
                       acknowledged, which a client may put off by 40 ms.";
    let Talk { mut client, socket, .. } = talk(trial, EchoBytes)?;
    let word = trial.random().word(1, 9);
    client.send(word.as_bytes())?;
    client.receive(word.as_bytes(), WHY)?;
    let nodelay = socket.tcp_nodelay().expect("a connected socket has this option");
    trial.expect("TCP_NODELAY of the client's socket", &true, &nodelay, WHY)
}

pub(crate) fn the_end_says_what_was_left(trial: &mut Trial) -> Verdict {
    const WHY: &str = "How a client has ended is what the server's log will say of it.";
    let word = trial.random().word(1, 9);
    let unanswered = trial.random().between(1, 99);
    let line_max = trial.random().between(100, 199);
    let answer = format!("<{word}>");
    for (told, expected) in [
        (Told { unanswered, too_long: None }, End::MidLine(unanswered)),
        (Told { unanswered, too_long: Some(line_max) }, End::LineTooLong(LineTooLong { line_max })),
    ] {
        let Talk { mut client, serving, .. } = talk(trial, told)?;
        client.send(word.as_bytes())?;
        if told.too_long.is_some() {
            trial.did(format!("reply() takes {}, and says LineTooLong", shown(word.as_bytes())));
        }
        client.receive(
            answer.as_bytes(),
            "What a reply has put into its space is sent, even if it fails.",
        )?;
        if told.too_long.is_none() {
            client.finish()?;
        }
        match serving.end("serve_client() ends", WHY)? {
            Ok(end) => trial.expect("the end", &expected, &end, WHY)?,
            Err(error) => trial.fail(format!("the end: {expected:?}"), error, WHY)?,
        }
    }
    Ok(())
}

pub(crate) fn a_reset_is_an_error_of_this_client(trial: &mut Trial) -> Verdict {
    const WHY: &str =
        "A client that was lost has not closed: the log should tell one from the other.";
    let Talk { mut client, serving, .. } = talk(trial, EchoBytes)?;
    let word = trial.random().word(1, 9);
    client.send(word.as_bytes())?;
    client.receive(word.as_bytes(), WHY)?;
    client.reset();
    match serving.end("serve_client() ends", WHY)? {
        Err(error) => {
            trial.expect("the error", &io::ErrorKind::ConnectionReset, &error.kind(), WHY)
        }
        Ok(end) => trial.fail("the error ConnectionReset", format!("Ok({end:?})"), WHY),
    }
}
