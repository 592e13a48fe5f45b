//! What a server does when there is no descriptor left for a client.

use crate::alone::alone;
use crate::child::{self, Child, say};
use crate::guests::{Book, assert_refused, connect_now, until};
use crate::net::{LIMIT, event_loop, passes};
use crate::watch::reports;
use chapter_01::{BACKLOG, listen, local_address};
use chapter_03::SelectorKind;
use chapter_04::{run_with, timeout};
use chapter_05::{ServerOptions, create_server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::Socket;
use std::fs::File;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsRawFd;

/// A socket that listens, but nobody accepts yet.
fn listener() -> (Socket, SocketAddr) {
    let listener = listen("127.0.0.1:0".parse().unwrap(), 1024).unwrap();
    let address = local_address(&listener).unwrap();
    (listener, address)
}

/// D-15 (AC-04, AC-05): with no descriptor left, there is one report and one timer. It goes on when a
/// client leaves, and by itself.
#[test]
fn d_15_a_shortage_of_descriptors_is_reported_once() {
    play("shortage");
}

/// D-15 (AC-06): closed during the pause, the server is closed for good, and the timer gone.
#[test]
fn d_15_a_server_may_be_closed_during_the_pause() {
    play("closed-in-pause");
}

/// The limit of descriptors is that of the whole process, so each scene has one of its own.
fn play(scene: &str) {
    let _alone = alone();
    for kind in [SelectorKind::Mio, SelectorKind::Polling] {
        let (said, status) = Child::play(module_path!(), &format!("{kind} {scene}")).end();
        assert!(status.success() && said == ["played"], "{kind}: {said:#?}");
    }
}

#[test]
#[ignore = "other tests start it, as a process of its own"]
fn scene() {
    let Some(scene) = child::scene() else { return };
    let (kind, scene) = scene.split_once(' ').unwrap();
    let kind: SelectorKind = kind.parse().unwrap();
    let ended = match scene {
        "shortage" => run_with(kind, timeout(LIMIT, shortage())),
        _ => run_with(kind, timeout(LIMIT, closed_in_pause())),
    };
    ended.unwrap().unwrap();
    say("played");
}

/// Limits this process to so many descriptors more than it has. Gives the limit that there was.
fn allow_descriptors(count: usize) -> Rlimit {
    let before = getrlimit(Resource::Nofile);
    // The kernel gives the lowest free number; the limit is the first one that it does not give.
    let probes: Vec<_> = (0..=count).map(|_| File::open("/dev/null").unwrap()).collect();
    let first = probes.last().unwrap().as_raw_fd();
    setrlimit(Resource::Nofile, Rlimit { current: u64::try_from(first).ok(), ..before }).unwrap();
    before
}

/// How many sources, tasks and timers there are.
fn holds() -> (usize, usize, usize) {
    let census = event_loop().census();
    (census.sources, census.tasks, census.timers)
}

async fn shortage() {
    let (listener, address) = listener();
    let clients = [connect_now(address), connect_now(address), connect_now(address)];
    let (book, reports) = (Book::new(), reports(&event_loop()));
    let options = ServerOptions::socket(listener).backlog(BACKLOG).start_serving(false);
    let server = create_server(book.factory(), options).await.unwrap();
    // The test's own timer is set by then.
    passes(1).await;
    let limit = allow_descriptors(1);
    let timers = event_loop().census().timers;
    server.start_serving().await.unwrap();
    until(|| reports.borrow().len() == 1).await;
    assert_eq!((book.asked.get(), event_loop().census().timers), (1, timers + 1));
    let text = reports.borrow()[0].to_string();
    assert!(text.starts_with("cannot accept: ") && text.contains("os error 24"), "{text}");
    // The descriptor of the first, at the server's end, goes to the second. There is still none for
    // the third.
    clients[0].shutdown(Shutdown::Both).unwrap();
    until(|| book.asked.get() == 2).await;
    passes(100).await;
    // It is the same shortage, however often it was tried meanwhile.
    assert_eq!((book.asked.get(), reports.borrow().len()), (2, 1));
    setrlimit(Resource::Nofile, limit).unwrap();
    until(|| book.asked.get() == 3).await;
    assert_eq!((server.connection_count(), reports.borrow().len()), (2, 1));
    until(|| event_loop().census().timers == timers).await;
}

async fn closed_in_pause() {
    let (listener, address) = listener();
    let _clients = [connect_now(address), connect_now(address)];
    let (book, reports) = (Book::new(), reports(&event_loop()));
    // The test's own timer is set by then.
    passes(1).await;
    let before = holds();
    let options = ServerOptions::socket(listener).start_serving(false);
    let server = create_server(book.factory(), options).await.unwrap();
    let limit = allow_descriptors(0);
    server.start_serving().await.unwrap();
    until(|| reports.borrow().len() == 1).await;
    assert_eq!(holds(), (before.0 + 1, before.1 + 1, before.2 + 1));
    server.close();
    assert_eq!(holds(), before);
    setrlimit(Resource::Nofile, limit).unwrap();
    assert_refused(address);
    server.wait_closed().await;
    assert_eq!((book.asked.get(), reports.borrow().len()), (0, 1));
    assert!(server.addresses().is_empty());
}
