//! A signal during a wait is not an error.

use chapter_03::{Interest, Selector, SelectorKind};
use nix::sys::pthread::{pthread_kill, pthread_self};
use nix::sys::signal::Signal;
use signal_hook::consts::SIGUSR1;
use socket2::{Domain, Socket, Type};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// SE-08: the wait ends early and empty.
#[test]
fn a_signal_ends_a_wait_over_mio_without_an_event() {
    let ended_early = AtomicBool::new(false);
    let limit = Instant::now() + Duration::from_secs(30);
    // The first signals may come before the wait has begun.
    let until_it_works = || !ended_early.load(Ordering::SeqCst) && Instant::now() < limit;
    wait_while_signalled(SelectorKind::Mio, until_it_works, || {
        ended_early.store(true, Ordering::SeqCst);
    });
    assert!(ended_early.into_inner(), "no wait was ended by a signal");
}

/// SE-08: the wait goes on; an error it is not.
#[test]
fn a_signal_does_not_end_a_wait_over_polling() {
    let mut signals = 2_000;
    let some_times = || {
        signals -= 1;
        signals > 0
    };
    wait_while_signalled(SelectorKind::Polling, some_times, || {
        panic!("a wait has ended without an event")
    });
}

/// Waits for a byte that comes once `go_on` has said no. Until then, signals come.
fn wait_while_signalled(
    kind: SelectorKind,
    mut go_on: impl FnMut() -> bool + Send,
    mut on_early_end: impl FnMut(),
) {
    signal_hook::flag::register(SIGUSR1, Arc::default()).expect("SIGUSR1 can be caught");
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).expect("a pair of sockets");
    let mut selector = Selector::new(kind).expect("a selector");
    selector.register(near, (), Interest::READ).expect("a socket can be watched");
    // A signal for the process may go to any of its threads, so each is sent to the one that waits.
    let waiting_thread = pthread_self();
    thread::scope(|scope| {
        scope.spawn(|| {
            while go_on() {
                pthread_kill(waiting_thread, Signal::SIGUSR1).expect("the thread is there");
                thread::yield_now();
            }
            far.send(b"x").expect("there is room for a byte");
        });
        let mut events = Vec::new();
        while events.is_empty() {
            selector.select(&mut events, None).expect("a signal is not an error");
            if events.is_empty() {
                on_early_end();
            }
        }
    });
}
