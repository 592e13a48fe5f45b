//! Signals as callbacks of a loop, over both selectors.
//!
//! Signals and descriptors belong to the whole process, so there is one test at a time; what ends a
//! process has one of its own.

use crate::alone::alone;
use crate::child::{self, Child, say};
use chapter_03::SelectorKind;
use chapter_04::signal::{SIGHUP, SIGTERM, SIGUSR1, SIGUSR2};
use chapter_04::{Census, EventLoop, LoopHandle, Subject, running_loop};
use signal_hook::consts::FORBIDDEN;
use signal_hook::low_level::{raise, signal_name};
use std::cell::{Cell, RefCell};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const BOTH_KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];
/// Longer than any test may take.
const LIMIT: Duration = Duration::from_secs(60);
const EMPTY: Census = Census { tasks: 0, timers: 0, sources: 0, ready: 0 };

/// Has a signal arrive in this thread, which has done what the process does at it when this returns.
fn send(signal: i32) {
    raise(signal).unwrap();
}

/// Runs the loop until somebody stops it. To hang is to fail.
fn run(event_loop: &mut EventLoop) {
    let (handle, late) = (event_loop.clone(), Rc::new(Cell::new(false)));
    let is_late = Rc::clone(&late);
    let limit = event_loop.call_later(LIMIT, move || {
        is_late.set(true);
        handle.stop();
    });
    event_loop.run_forever().unwrap();
    limit.unwrap().cancel();
    assert!(!late.get(), "no callback has ended the run");
}

fn one_pass(event_loop: &mut EventLoop) {
    event_loop.stop();
    event_loop.run_forever().unwrap();
}

/// A handler that counts its calls, and stops the loop at each.
fn count_on(handle: &LoopHandle, signal: i32) -> Rc<Cell<u32>> {
    let calls = Rc::new(Cell::new(0));
    let (counted, stopped) = (Rc::clone(&calls), handle.clone());
    let callback = move || {
        counted.set(counted.get() + 1);
        stopped.stop();
    };
    handle.add_signal_handler(signal, callback).unwrap();
    calls
}

/// SG-01: each signal of a row wakes the loop, which may sleep by then, and the callback is one of
/// the loop and of its thread.
#[test]
fn a_handler_is_called_on_the_loop_whenever_the_signal_comes() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        let (called, is_called) = mpsc::channel();
        let (handle, home) = (event_loop.clone(), thread::current().id());
        let mut calls = 0;
        let callback = move || {
            assert_eq!(thread::current().id(), home);
            assert!(running_loop().unwrap().is_running());
            calls += 1;
            called.send(()).unwrap();
            if calls == 20 {
                handle.stop();
            }
        };
        event_loop.add_signal_handler(SIGUSR1, callback).unwrap();
        let sender = thread::spawn(move || {
            for _ in 0..20 {
                send(SIGUSR1);
                is_called.recv_timeout(LIMIT).unwrap();
            }
        });
        run(&mut event_loop);
        sender.join().unwrap();
    }
}

/// SG-01: the second handler takes the place of the first, also for a signal that has come and was
/// not told yet.
#[test]
fn a_second_handler_replaces_the_first() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        let first = count_on(&event_loop, SIGUSR1);
        send(SIGUSR1);
        run(&mut event_loop);
        send(SIGUSR1);
        let second = count_on(&event_loop, SIGUSR1);
        assert_eq!(Rc::strong_count(&first), 1, "the first handler is still there");
        run(&mut event_loop);
        send(SIGUSR1);
        run(&mut event_loop);
        assert_eq!((first.get(), second.get()), (1, 2));
    }
}

/// SG-01: each handler is told of its own signal, and once.
#[test]
fn a_handler_hears_its_own_signal_only() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        let calls = [SIGUSR1, SIGUSR2, SIGHUP].map(|signal| count_on(&event_loop, signal));
        for signal in [SIGHUP, SIGUSR2, SIGHUP] {
            send(signal);
            run(&mut event_loop);
        }
        assert_eq!(calls.map(|calls| calls.get()), [0, 1, 2]);
    }
}

/// SG-02: the error says which signal it is and why; nothing is left of the attempt.
#[test]
fn a_signal_that_cannot_be_handled_is_refused_by_its_name() {
    let _alone = alone();
    let event_loop = EventLoop::new().unwrap();
    for signal in FORBIDDEN {
        let error = event_loop.add_signal_handler(*signal, || {}).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let name = signal_name(*signal).unwrap();
        assert!(error.to_string().starts_with(&format!("{name} cannot be handled: ")), "{error}");
        assert!(!event_loop.remove_signal_handler(*signal));
    }
    for number in [0, -1, 65, 4711] {
        let error = event_loop.add_signal_handler(number, || {}).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(&number.to_string()), "{error}");
    }
    assert_eq!(event_loop.census(), EMPTY);
}

/// SG-04: it is told whether a handler was there, and with the last one everything is gone.
#[test]
fn a_removed_handler_leaves_nothing_behind() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        let descriptors = || fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let before = descriptors();
        for _ in 0..100 {
            let calls = [SIGUSR1, SIGUSR2].map(|signal| count_on(&event_loop, signal));
            assert!(event_loop.remove_signal_handler(SIGUSR1));
            assert!(!event_loop.remove_signal_handler(SIGUSR1));
            send(SIGUSR2);
            run(&mut event_loop);
            assert!(event_loop.remove_signal_handler(SIGUSR2));
            assert_eq!(
                calls.map(|calls| (Rc::strong_count(&calls), calls.get())),
                [(1, 0), (1, 1)]
            );
        }
        assert_eq!((event_loop.census(), descriptors()), (EMPTY, before));
    }
}

/// SG-04: a signal that has come is not told to a handler that was removed since.
#[test]
fn a_removed_handler_is_not_called_any_more() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        let handle = event_loop.clone();
        let removed = count_on(&event_loop, SIGUSR2);
        // Both have come before the pass; the lower number is called first.
        const { assert!(SIGUSR1 < SIGUSR2) };
        let remover = move || assert!(handle.remove_signal_handler(SIGUSR2));
        event_loop.add_signal_handler(SIGUSR1, remover).unwrap();
        [SIGUSR1, SIGUSR2].into_iter().for_each(send);
        one_pass(&mut event_loop);
        one_pass(&mut event_loop);
        assert!(!event_loop.remove_signal_handler(SIGUSR2), "the first handler was not called");
        assert_eq!(removed.get(), 0);
    }
}

/// SG-01: a handler may remove or replace itself while it runs.
#[test]
fn a_handler_may_remove_and_replace_itself() {
    let _alone = alone();
    let mut event_loop = EventLoop::new().unwrap();
    let (handle, last) = (event_loop.clone(), Rc::new(RefCell::new(None)));
    let added = Rc::clone(&last);
    let callback = move || {
        assert!(handle.remove_signal_handler(SIGUSR1));
        *added.borrow_mut() = Some(count_on(&handle, SIGUSR1));
        handle.stop();
    };
    event_loop.add_signal_handler(SIGUSR1, callback).unwrap();
    for calls in 0..3 {
        send(SIGUSR1);
        run(&mut event_loop);
        assert_eq!(last.borrow().as_ref().unwrap().get(), calls);
    }
}

/// SG-05: ten thousand signals during one callback. The pipe is full long before, and nobody waits
/// for room.
#[test]
fn a_burst_neither_blocks_nor_is_lost() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        let calls = count_on(&event_loop, SIGUSR1);
        let sent = event_loop.call_soon(|| (0..10_000).for_each(|_| send(SIGUSR1))).unwrap();
        run(&mut event_loop);
        drop(sent);
        assert!((1..=10_000).contains(&calls.get()), "{} calls", calls.get());
        // The pipe works as before.
        one_pass(&mut event_loop);
        let before = calls.get();
        send(SIGUSR1);
        run(&mut event_loop);
        assert_eq!(calls.get(), before + 1);
    }
}

/// SG-01 and LP-16: as with any callback, a panic is reported with the line that added it, and the
/// loop goes on.
#[test]
fn a_handler_that_panics_is_reported_and_stays() {
    let _alone = alone();
    let mut event_loop = EventLoop::new().unwrap();
    let reports = Rc::new(RefCell::new(Vec::new()));
    let reported = Rc::clone(&reports);
    event_loop.set_exception_handler(move |handle, context| {
        reported.borrow_mut().push(context.clone());
        handle.stop();
    });
    event_loop.add_signal_handler(SIGUSR1, || panic!("oh")).unwrap();
    for calls in 1..=2 {
        send(SIGUSR1);
        run(&mut event_loop);
        assert_eq!(reports.borrow().len(), calls);
    }
    let report = &reports.borrow()[0];
    assert_eq!((report.message, report.error.as_deref()), ("a callback failed", Some("oh")));
    let Some(Subject::Callback(place)) = report.subject else { panic!("{report}") };
    assert_eq!(place.file(), file!());
}

/// SG-01 and SG-04: loops in several threads all hear a signal, and one that closes takes nothing
/// from the others.
#[test]
fn every_loop_of_the_process_hears_a_signal() {
    let _alone = alone();
    let mut survivor = EventLoop::new().unwrap();
    let calls = count_on(&survivor, SIGUSR1);
    let (ready, are_ready) = mpsc::channel();
    let threads = BOTH_KINDS.map(|kind| {
        let ready = ready.clone();
        thread::spawn(move || {
            let mut event_loop = EventLoop::with_selector(kind).unwrap();
            let calls = count_on(&event_loop, SIGUSR1);
            ready.send(()).unwrap();
            run(&mut event_loop);
            calls.get()
        })
    });
    for _ in BOTH_KINDS {
        are_ready.recv_timeout(LIMIT).unwrap();
    }
    send(SIGUSR1);
    assert_eq!(threads.map(|thread| thread.join().unwrap()), [1, 1]);
    run(&mut survivor);
    send(SIGUSR1);
    run(&mut survivor);
    assert_eq!(calls.get(), 2);
}

/// SG-04: a loop that is closed refuses handlers, and drops those that it had.
#[test]
fn a_closed_loop_has_no_handlers() {
    let _alone = alone();
    let mut event_loop = EventLoop::new().unwrap();
    let calls = count_on(&event_loop, SIGUSR2);
    event_loop.close();
    assert_eq!(Rc::strong_count(&calls), 1);
    assert!(!event_loop.remove_signal_handler(SIGUSR2));
    let refused = event_loop.add_signal_handler(SIGUSR2, || {}).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotConnected);
}

/// SG-04, LP-15: one handler that panics when it is dropped keeps no other from its end.
#[test]
fn a_close_drops_every_handler_although_one_fails_to_be_dropped() {
    struct Fails;
    impl Drop for Fails {
        fn drop(&mut self) {
            panic!("while it is dropped");
        }
    }
    let _alone = alone();
    let mut event_loop = EventLoop::new().unwrap();
    let reports = Rc::new(RefCell::new(Vec::new()));
    let reported = Rc::clone(&reports);
    event_loop.set_exception_handler(move |_, context| {
        reported.borrow_mut().push(context.to_string());
    });
    let fails = Fails;
    event_loop.add_signal_handler(SIGHUP, move || _ = &fails).unwrap();
    let calls = count_on(&event_loop, SIGUSR2);
    event_loop.close();
    assert_eq!(*reports.borrow(), ["a destructor failed: while it is dropped"]);
    assert_eq!((Rc::strong_count(&calls), Rc::strong_count(&reports)), (1, 1));
}

/// SG-04: with the last handler of the process the default action is back, whether the handler was
/// removed or its loop was closed.
#[test]
fn without_a_handler_the_default_action_is_back() {
    let _alone = alone();
    for (scene, signal) in [("removed", SIGTERM), ("closed", SIGHUP)] {
        let child = Child::play(module_path!(), scene);
        assert_eq!(child.line(), "ready");
        child.signal(signal);
        assert_eq!(child.line(), "heard");
        child.signal(signal);
        let (said, status) = child.end();
        assert!(said.is_empty(), "{said:?}");
        assert_eq!(status.signal(), Some(signal), "{scene}: {status}");
    }
}

#[test]
#[ignore = "other tests start it, as a process of its own"]
fn scene() {
    let Some(scene) = child::scene() else { return };
    let signal = if scene == "removed" { SIGTERM } else { SIGHUP };
    let mut event_loop = EventLoop::new().unwrap();
    count_on(&event_loop, signal);
    say("ready");
    run(&mut event_loop);
    if scene == "removed" {
        assert!(event_loop.remove_signal_handler(signal));
    } else {
        event_loop.close();
    }
    say("heard");
    child::await_signal();
}
