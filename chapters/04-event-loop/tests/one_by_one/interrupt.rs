//! What Ctrl-C does to a run. It is for a whole process, so each run has one of its own.

use crate::alone::alone;
use crate::at_drop::AtDrop;
use crate::child::{self, Child, say};
use chapter_03::SelectorKind;
use chapter_04::signal::SIGINT;
use chapter_04::{FutureCell, Runner, run, running_loop, spawn, yield_now};
use std::future::pending;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const BOTH_KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];
/// Longer than any test may take.
const LIMIT: Duration = Duration::from_secs(60);

/// RN-03: main is cancelled and then who is left, each with its destructors; the error says why.
#[test]
fn an_interrupt_cancels_main_and_ends_the_run() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let child = Child::play(module_path!(), &format!("interrupted {kind}"));
        assert_eq!(child.line(), "ready");
        child.signal(SIGINT);
        let (said, status) = child.end();
        assert_eq!(said, ["main is dropped", "a leftover is dropped", "interrupted by SIGINT"]);
        // After the run the default action is back: the scene ends by it.
        assert_eq!(status.signal(), Some(SIGINT), "{status}");
    }
}

/// RN-03: a loop that does not come to the first interrupt does not hold up the second.
#[test]
fn a_second_interrupt_ends_the_process_at_once() {
    let _alone = alone();
    let child = Child::play(module_path!(), "stuck");
    assert_eq!(child.line(), "ready");
    child.signal(SIGINT);
    assert_eq!(child.line(), "interrupted once, and busy");
    child.signal(SIGINT);
    let (said, status) = child.end();
    assert!(said.is_empty(), "{said:?}");
    assert_eq!(status.signal(), Some(SIGINT), "{status}");
}

/// RN-03: a handler of main's own is left alone, by the second interrupt too.
#[test]
fn a_handler_of_one_s_own_takes_the_place_of_the_interrupt() {
    let _alone = alone();
    let child = Child::play(module_path!(), "own handler");
    assert_eq!(child.line(), "ready");
    for call in 1..=3 {
        child.signal(SIGINT);
        assert_eq!(child.line(), format!("call {call}"));
    }
    let (said, status) = child.end();
    assert_eq!(said, ["Ok(7)"]);
    assert!(status.success(), "{status}");
}

/// RN-03: who does not ask for it keeps the default action.
#[test]
fn a_run_that_was_not_asked_leaves_the_signal_alone() {
    let _alone = alone();
    let child = Child::play(module_path!(), "not asked");
    assert_eq!(child.line(), "ready");
    child.signal(SIGINT);
    let (said, status) = child.end();
    assert!(said.is_empty(), "{said:?}");
    assert_eq!(status.signal(), Some(SIGINT), "{status}");
}

/// RN-05: clients that say nothing do not hold up the end of the server, and its status says what
/// has ended it.
#[test]
fn ctrl_c_ends_a_server_with_idle_clients() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chapter-04"));
        command.args(["--listen", "127.0.0.1:0", "--selector", &kind.to_string()]);
        let child = Child::start(command.stdout(Stdio::piped()));
        let line = child.line();
        let address = line.strip_prefix("listening on ").unwrap();
        let clients = [(); 3].map(|()| {
            let mut client = TcpStream::connect(address).unwrap();
            client.set_read_timeout(Some(LIMIT)).unwrap();
            client.write_all(b"hi\n").unwrap();
            let mut answer = [0; 3];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(answer, *b"hi\n");
            client
        });
        child.signal(SIGINT);
        assert_eq!(child.end().1.signal(), Some(SIGINT));
        for mut client in clients {
            assert_eq!(client.read(&mut [0]).unwrap(), 0);
        }
    }
}

#[test]
#[ignore = "other tests start it, as a process of its own"]
fn scene() {
    let Some(scene) = child::scene() else { return };
    match scene.as_str() {
        "interrupted mio" => interrupted(SelectorKind::Mio),
        "interrupted polling" => interrupted(SelectorKind::Polling),
        "stuck" => {
            let seen = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(SIGINT, Arc::clone(&seen)).unwrap();
            Runner::new().end_at_interrupt().run(async move { stuck(&seen) }).unwrap();
        }
        "own handler" => {
            let outcome = Runner::new().end_at_interrupt().run(own_handler());
            say(&format!("{outcome:?}"));
        }
        "not asked" => run(async {
            say("ready");
            pending::<()>().await;
        })
        .unwrap(),
        unknown => panic!("{unknown}"),
    }
}

fn interrupted(kind: SelectorKind) {
    let runner = Runner::new().selector(kind).end_at_interrupt();
    let outcome = runner.run(async {
        let _end = AtDrop(|| say("main is dropped"));
        spawn(async {
            let _end = AtDrop(|| say("a leftover is dropped"));
            pending::<()>().await;
        })
        .detach();
        yield_now().await;
        say("ready");
        pending::<()>().await;
    });
    say(&outcome.unwrap_err().to_string());
    signal_hook::low_level::raise(SIGINT).unwrap();
}

fn stuck(seen: &AtomicBool) {
    say("ready");
    while !seen.load(Ordering::SeqCst) {
        thread::yield_now();
    }
    say("interrupted once, and busy");
    child::await_signal();
}

async fn own_handler() -> i32 {
    let (cell, mut calls) = (FutureCell::new(), 0);
    let called = cell.clone();
    let handler = move || {
        calls += 1;
        say(&format!("call {calls}"));
        if calls == 3 {
            called.set_result(7).unwrap();
        }
    };
    running_loop().unwrap().add_signal_handler(SIGINT, handler).unwrap();
    say("ready");
    cell.await.unwrap()
}
