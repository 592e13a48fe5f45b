//! Task 2.1: `answer`, and what it makes of receiving and sending.

use crate::scripted::{described, lose_patience, patiently};
use chapter_02::{TryIo, answer};
use grading::{Client, Story, Trial, Verdict, pattern, shown};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpListener};
use std::task::Poll;

/// Calls `answer` on a call that fails by each of `kinds` and then gives a number. The answer is to
/// be `expected`, and `calls` of the calls made.
fn answers(
    trial: &Trial,
    kinds: &[ErrorKind],
    number: usize,
    expected: &str,
    calls: usize,
    why: &str,
) -> Verdict {
    const PATIENCE: usize = 30;
    let names: Vec<String> = kinds.iter().map(|kind| format!("{kind:?}")).collect();
    trial.did(format!("answer() of a call that gives {}, then {number}", names.join(", ")));
    let mut made = 0;
    let came = patiently(trial, why, || {
        answer(|| {
            made += 1;
            match kinds.get(made - 1) {
                _ if made > PATIENCE => lose_patience("the call"),
                Some(&kind) => Err(kind.into()),
                None => Ok(number),
            }
        })
    })?;
    let came = described(&came, usize::to_string);
    trial.ensure(came == expected, expected, came, why)?;
    trial.did(format!("gives {expected}"));
    trial.expect("calls made", &calls, &made, why)
}

pub(crate) fn would_block_is_an_answer(trial: &mut Trial) -> Verdict {
    const WHY: &str = "The kernel has only errors to say that nothing is there yet. It is no failure: \
                       whoever asks can ask somebody else.";
    let number = trial.random().between(1, 999);
    answers(trial, &[ErrorKind::WouldBlock], number, "\"not yet\"", 1, WHY)?;
    answers(trial, &[], number, &number.to_string(), 1, WHY)?;
    const OTHER: &str = "Every other error says that something is wrong, and will not get better.";
    let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::ConnectionAborted];
    let kind = *trial.random().choice(&kinds);
    answers(trial, &[kind], number, &format!("the error {kind:?}"), 1, OTHER)
}

pub(crate) fn an_interrupted_call_is_made_again(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A signal may come during any call. The call has done nothing, and nothing is \
                       wrong with its socket: it is made again.";
    let number = trial.random().between(1, 999);
    let times = trial.random().between(1, 4);
    let mut kinds = vec![ErrorKind::Interrupted; times];
    answers(trial, &kinds, number, &number.to_string(), times + 1, WHY)?;
    kinds.push(ErrorKind::WouldBlock);
    answers(trial, &kinds, number, "\"not yet\"", times + 1, WHY)
}

/// A client, and the server's socket for it, which does not wait.
fn connected(trial: &mut Trial) -> Result<(Client, Socket), Box<Story>> {
    // The standard library's listener, so that this task does not need the next one.
    let listener = TcpListener::bind("127.0.0.1:0").expect("the kernel has a port left");
    let client = trial.client(listener.local_addr().expect("a bound socket has an address"))?;
    let (stream, _) = listener.accept().expect("a client has just connected");
    stream.set_nonblocking(true).expect("a socket can be told not to wait");
    Ok((client, Socket::from(stream)))
}

/// What a client has just done is there in no time, but not in none.
fn arrived(socket: &Socket) {
    const LIMIT: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };
    // What does not arrive is told by the receive that comes next.
    let _ = poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&LIMIT));
}

fn receives(trial: &Trial, socket: &Socket, expected: &str, why: &str) -> Verdict {
    let mut buffer = [0; 64];
    let answer = socket.try_recv(&mut buffer);
    let came = described(&answer, |&count| match count {
        0 => "0 bytes".to_owned(),
        count => shown(&buffer[..count]),
    });
    trial.ensure(came == expected, format!("try_recv() gives {expected}"), came, why)?;
    trial.did(format!("try_recv() gives {expected}"));
    Ok(())
}

pub(crate) fn bytes_nothing_yet_the_end_and_a_reset_are_four_answers(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Nothing yet, the end and a loss are three things. A client that is silent may \
                       still speak, one that has ended may still listen, one that is lost can do \
                       neither.";
    let (mut client, socket) = connected(trial)?;
    for _ in 0..2 {
        receives(trial, &socket, "\"not yet\"", WHY)?;
        let word = trial.random().word(1, 9);
        client.send(word.as_bytes())?;
        arrived(&socket);
        receives(trial, &socket, &shown(word.as_bytes()), WHY)?;
    }
    client.finish()?;
    arrived(&socket);
    receives(trial, &socket, "0 bytes", WHY)?;
    receives(trial, &socket, "0 bytes", WHY)?;
    let (client, socket) = connected(trial)?;
    client.reset();
    arrived(&socket);
    receives(trial, &socket, "the error ConnectionReset", WHY)
}

pub(crate) fn a_send_says_how_much_was_taken(trial: &mut Trial) -> Verdict {
    const LENGTH: usize = 4 * 1024 * 1024;
    const ROOM: usize = 64 * 1024;
    const WHY: &str = "A kernel that has little room takes a part, and says how much. Who does not \
                       know how much was taken can only send too little or too much.";
    let listener = TcpListener::bind("127.0.0.1:0").expect("the kernel has a port left");
    let address = listener.local_addr().expect("a bound socket has an address");
    let connect = || -> io::Result<(Socket, Socket)> {
        let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        client.set_recv_buffer_size(ROOM)?;
        client.connect(&address.into())?;
        let socket = Socket::from(listener.accept()?.0);
        socket.set_send_buffer_size(ROOM)?;
        socket.set_nonblocking(true)?;
        Ok((client, socket))
    };
    let (mut client, socket) = connect().expect("a connection in one machine");
    trial.did("client-1 connects, and does not read");
    let bytes = pattern(LENGTH);
    let mut sent = 0;
    while sent < LENGTH {
        match socket.try_send(&bytes[sent..]) {
            Ok(Poll::Ready(count)) => sent += count,
            Ok(Poll::Pending) => break,
            Err(error) => {
                let came = described::<usize>(&Err(error), usize::to_string);
                return trial.fail("try_send() gives a count, or \"not yet\"", came, WHY);
            }
        }
    }
    trial.did("try_send() of 4 MiB, and of what it has not taken, until it says \"not yet\"");
    trial.ensure(sent < LENGTH, "\"not yet\", at some time", "all bytes are taken", WHY)?;
    socket.shutdown(Shutdown::Write).expect("a connected socket can say that it ends");
    let mut came = Vec::new();
    client.read_to_end(&mut came).expect("the connection lives");
    trial.did("client-1 reads to the end");
    // How much the kernel has taken differs from run to run, so a story does not tell.
    let text = match came.len().cmp(&sent) {
        std::cmp::Ordering::Less => "fewer",
        std::cmp::Ordering::Greater => "more",
        std::cmp::Ordering::Equal => "as many, but other ones",
    };
    trial.ensure(came == bytes[..sent], "client-1 has the bytes that were taken", text, WHY)
}
