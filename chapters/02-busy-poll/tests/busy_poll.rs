//! The busy-polling server against sockets that answer as the test says.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

use chapter_01::{EchoBytes, EchoLines, Log, Reply};
use chapter_02::fake::FakeSocket;
use chapter_02::{BusyPoll, OUTBOX_MAX, Polls, RECEIVE_MAX};
use rustix::io::Errno;
use std::io::{self, ErrorKind};
use std::sync::atomic::AtomicBool;

fn serve<R: Reply>(
    new_reply: fn() -> R,
    clients: impl IntoIterator<Item = io::Result<FakeSocket>>,
    rounds: usize,
) -> BusyPoll<FakeSocket, R, fn() -> R> {
    let mut server = BusyPoll::new(FakeSocket::new().accepts(clients), new_reply, Log::Quiet);
    for _ in 0..rounds {
        server.round().unwrap();
    }
    server
}

/// SK-12: a line that comes in pieces, with "not yet" between them, is one line.
#[test]
fn a_partial_line_survives_a_not_yet() {
    let pieces = [
        Ok("he"),
        Err(ErrorKind::WouldBlock),
        Ok("llo\r"),
        Err(ErrorKind::WouldBlock),
        Ok("\nnext"),
    ];
    let client = FakeSocket::new().receives(pieces);
    serve(EchoLines::default, [Ok(client.clone())], 8);
    assert_eq!(client.sent(), b"Buffer: hello\r\n");
}

/// SK-13: clients that have ended, in whichever way, leave the list and are closed.
#[test]
fn a_client_that_has_ended_leaves_the_list() {
    let closed = FakeSocket::new().receives([Ok("a\r\n"), Ok("")]);
    let mid_line = FakeSocket::new().receives([Ok("a"), Ok("")]);
    let reset = FakeSocket::new().receives([Ok("a"), Err(ErrorKind::ConnectionReset)]);
    let endless = FakeSocket::new().receives([Ok(vec![b'x'; 2 * RECEIVE_MAX])]);
    let alive = FakeSocket::new().receives([Ok("a\r\n")]);
    let clients = [&closed, &mid_line, &reset, &endless, &alive];
    let server = serve(EchoLines::default, clients.map(|client| Ok(client.clone())), 10);
    assert_eq!(server.clients(), 1);
    assert_eq!(clients.map(FakeSocket::is_closed_elsewhere), [true, true, true, true, false]);
    assert_eq!(closed.sent(), alive.sent());
}

/// A client that does not read is not read from once its outbox is full, and gets everything when
/// it reads.
#[test]
fn what_waits_for_a_client_is_bounded_and_nothing_of_it_is_lost() {
    let sent: Vec<u8> = (0..4 * RECEIVE_MAX).map(|place| (place % 251) as u8).collect();
    let not_yet = std::iter::repeat_n(None, 50);
    let client = FakeSocket::new().receives([Ok(sent.clone())]).takes(not_yet).takes([Some(1000)]);
    let mut server = serve(|| EchoBytes, [Ok(client.clone())], 50);
    assert_eq!(
        client.left_to_receive(),
        sent.len() - OUTBOX_MAX,
        "only as much is taken in as may wait"
    );
    for _ in 0..10 {
        server.round().unwrap();
    }
    assert!(client.sent() == sent);
}

/// What the client is owed is sent even when it has closed its side (half-close).
#[test]
fn a_client_that_has_closed_its_side_still_gets_what_it_is_owed() {
    let client =
        FakeSocket::new().receives([Ok("hello"), Ok("")]).takes([Some(1), None, None, Some(2)]);
    let server = serve(|| EchoBytes, [Ok(client.clone())], 8);
    assert_eq!((client.sent(), server.clients()), (b"hello".to_vec(), 0));
}

#[test]
fn trouble_at_the_door_is_not_the_end_of_the_server() {
    let client = FakeSocket::new().receives([Ok("hi")]);
    let script = [
        Err(ErrorKind::ConnectionAborted.into()),
        Err(Errno::MFILE.into()),
        Err(Errno::MFILE.into()),
        Ok(client.clone()),
    ];
    serve(|| EchoBytes, script, 5);
    assert_eq!(client.sent(), b"hi");
}

#[test]
fn a_listener_that_does_not_work_ends_the_server_with_its_error() {
    let listener = FakeSocket::new().accepts([Err(Errno::NOTSOCK.into())]);
    let error =
        BusyPoll::new(listener, || EchoBytes, Log::Quiet).run(&AtomicBool::new(false)).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(Errno::NOTSOCK.raw_os_error()));
}

/// Each accept, receive and send is one question.
#[test]
fn questions_are_counted() {
    let client = FakeSocket::new().receives([Ok("hi")]);
    let mut server = serve(|| EchoBytes, [Ok(client)], 10);
    // Ten accepts, of which one is answered; ten receives, of which one is answered.
    let stopped = AtomicBool::new(true);
    assert_eq!(server.run(&stopped).unwrap(), Polls { asked: 20, in_vain: 18 });
    assert_eq!(Polls { asked: 20, in_vain: 18 }.to_string(), "asked 20 times, 18 of them in vain");
}
