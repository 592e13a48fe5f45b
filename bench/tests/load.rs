//! The load generator notices when a server does not echo.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

use bench::{Load, Plan};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const MESSAGE_BYTES: usize = 1_000;

const PLAN: Plan = Plan {
    active: 1,
    messages: 100,
    window: 2,
    pause: Duration::ZERO,
    time_max: Duration::from_secs(30),
};

/// A server for one client: `answer` is given the number of bytes before each piece, and the piece, which it may
/// change. It says whether to go on.
fn server(mut answer: impl FnMut(usize, &mut Vec<u8>) -> bool + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut socket, _): (TcpStream, _) = listener.accept().unwrap();
        let (mut buffer, mut before) = ([0; 700], 0);
        loop {
            let count = socket.read(&mut buffer).unwrap_or(0);
            let mut piece = buffer[..count].to_vec();
            if count == 0 || !answer(before, &mut piece) || socket.write_all(&piece).is_err() {
                return;
            }
            before += count;
        }
    });
    address
}

fn outcome(server: SocketAddr, plan: Plan) -> Result<usize, String> {
    let mut load = Load::new(server, MESSAGE_BYTES).unwrap();
    let outcome = load.open(1, plan.time_max).and_then(|()| load.run(plan));
    outcome.map(|outcome| outcome.latencies.len()).map_err(|error| format!("{error:#}"))
}

#[test]
fn an_echo_in_pieces_is_an_echo() {
    assert_eq!(outcome(server(|_, _| true), PLAN), Ok(100));
}

#[test]
fn one_wrong_byte_is_found_and_named() {
    let corrupt = |before: usize, piece: &mut Vec<u8>| {
        if let Some(byte) = 54_321_usize.checked_sub(before).and_then(|place| piece.get_mut(place))
        {
            *byte ^= 1;
        }
        true
    };
    let error = outcome(server(corrupt), PLAN).unwrap_err();
    assert!(error.starts_with("connection 0: byte 54321 came back as "), "{error}");
}

#[test]
fn a_byte_too_many_is_found() {
    let repeat = |before: usize, piece: &mut Vec<u8>| {
        if before == 0 {
            piece.push(b'!');
        }
        true
    };
    let error = outcome(server(repeat), PLAN).unwrap_err();
    assert!(error.contains("came back as") || error.contains("in answer to"), "{error}");
}

#[test]
fn a_server_that_closes_early_is_found() {
    let error = outcome(server(|before, _| before < 20_000), PLAN).unwrap_err();
    assert!(error.contains("the server closed after") || error.contains("lost after"), "{error}");
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let mute = |before: usize, piece: &mut Vec<u8>| {
        if before >= 20_000 {
            piece.clear();
        }
        true
    };
    let error =
        outcome(server(mute), Plan { time_max: Duration::from_millis(300), ..PLAN }).unwrap_err();
    assert!(error.contains("the time is over"), "{error}");
}

#[test]
fn a_message_has_a_byte_and_the_active_connections_exist() {
    let address = server(|_, _| true);
    assert!(Load::new(address, 0).is_err());
    assert!(Load::new(address, 1).unwrap().run(PLAN).is_err());
}
