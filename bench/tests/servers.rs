//! Every server that is measured is an echo server, also when its client does not read for a while.

use bench::{Launcher, Load, Plan, Server};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

fn available() -> impl Iterator<Item = Server> {
    Server::ALL.into_iter().filter(|server| match server.available() {
        Ok(()) => true,
        Err(reason) => {
            eprintln!("{} is left out: {reason}", server.name());
            false
        }
    })
}

const TIME_MAX: Duration = Duration::from_secs(60);

/// More than all buffers between client and server hold together.
const FLOOD_MAX: usize = 256 << 20;

fn launcher() -> Launcher {
    Launcher { program: env!("CARGO_BIN_EXE_bench").into(), core: None }
}

#[test]
fn every_server_echoes_many_clients() {
    for server in available() {
        let running = launcher().start(server).unwrap();
        for (connections, message_bytes, messages) in [(200, 100, 2_000), (3, 300_000, 40)] {
            let mut load = Load::new(running.address, message_bytes).unwrap();
            load.open(connections, TIME_MAX).unwrap();
            let plan = Plan {
                active: connections,
                messages,
                window: 4,
                pause: Duration::ZERO,
                time_max: TIME_MAX,
            };
            let outcome =
                load.run(plan).unwrap_or_else(|error| panic!("{}: {error:#}", server.name()));
            assert_eq!(outcome.latencies.len(), messages);
        }
    }
}

#[test]
fn every_server_finishes_what_the_kernel_did_not_take_at_once() {
    for server in available() {
        let running = launcher().start(server).unwrap();
        let mut socket = TcpStream::connect(running.address).unwrap();
        socket.set_read_timeout(Some(TIME_MAX)).unwrap();
        // A send that makes no headway for so long means that every buffer on the way is full.
        socket.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        let piece: Vec<u8> = (0..100_003_u32).map(|place| (place % 251) as u8).collect();
        let mut sent = 0;
        let jammed = loop {
            match socket.write(&piece[sent % piece.len()..]) {
                Ok(count) if sent < FLOOD_MAX => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break true,
                outcome => break outcome.is_err(),
            }
        };
        assert!(jammed, "{} takes in without bound", server.name());
        let mut back = vec![0; sent];
        socket.read_exact(&mut back).unwrap_or_else(|error| panic!("{}: {error}", server.name()));
        assert!(
            back.chunks(piece.len()).all(|chunk| chunk == &piece[..chunk.len()]),
            "{}",
            server.name()
        );
    }
}

#[test]
fn a_server_ends_when_it_is_asked_to_and_busy_polling_says_what_it_has_done() {
    let said = launcher().start(Server::BusyPoll).unwrap().stop().unwrap();
    assert!(said.trim().parse::<u64>().is_ok(), "{said:?}");
    assert_eq!(launcher().start(Server::SelectorMio).unwrap().stop().unwrap(), "");
}
