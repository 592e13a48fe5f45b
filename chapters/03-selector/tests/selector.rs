//! What a selector promises, over both back ends, and what only one of them does.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

use chapter_03::fake::{Call, FakeBackend};
use chapter_03::{Event, Interest, Mode, Readiness, Selector, SelectorKind};
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const BOTH_KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];
/// Longer than any test may take: a wait with this limit that ends without an event has hung.
const LIMIT: Option<Duration> = Some(Duration::from_secs(30));
const NOW: Option<Duration> = Some(Duration::ZERO);

/// Whether the crates are made to use poll(2), which knows no edges and takes every descriptor.
const OVER_POLL: bool = cfg!(mio_unsupported_force_poll_poll);

fn selector<D>(kind: SelectorKind) -> Selector<Rc<Socket>, D> {
    Selector::new(kind).unwrap()
}

/// Two connected sockets. The near one is registered by most tests and stays usable through its
/// second owner.
fn pair() -> (Rc<Socket>, Socket) {
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
    near.set_nonblocking(true).unwrap();
    (Rc::new(near), far)
}

fn select<S, D>(selector: &mut Selector<S, D>, timeout: Option<Duration>) -> Vec<Event> {
    let mut events = Vec::new();
    selector.select(&mut events, timeout).unwrap();
    events
}

/// Fails a test that waits without a timeout and is never woken.
fn without_a_hang(test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let test = thread::spawn(move || {
        test();
        done.send(()).unwrap();
    });
    match is_done.recv_timeout(Duration::from_secs(60)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the selector was not woken"),
        _ => test.join().unwrap(),
    }
}

fn kind_of(error: io::Error) -> ErrorKind {
    error.kind()
}

/// SE-01: the data of a source comes back with the part of its interest that is ready.
#[test]
fn select_gives_the_ready_part_of_the_interest() {
    for kind in BOTH_KINDS {
        let ((near, far), (idle, _idle_far)) = (pair(), pair());
        let mut selector = selector(kind);
        let token = selector.register(Rc::clone(&near), "near", Interest::READ).unwrap();
        selector.register(idle, "idle", Interest::READ).unwrap();
        far.send(b"x").unwrap();
        let events = select(&mut selector, LIMIT);
        assert_eq!(
            events,
            [Event { token, readiness: Readiness::READABLE }],
            "{kind}: it is writable too"
        );
        assert_eq!(selector.get(token).map(|(_, data)| *data), Some("near"));
    }
}

/// SE-01: one descriptor cannot be registered twice, and the second attempt leaves the first
/// registration alone.
#[test]
fn a_descriptor_is_registered_once() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        let mut selector = selector(kind);
        let token = selector.register(Rc::clone(&near), 1, Interest::READ).unwrap();
        assert_eq!(
            selector.register(near, 2, Interest::BOTH).map_err(kind_of),
            Err(ErrorKind::AlreadyExists)
        );
        far.send(b"x").unwrap();
        assert_eq!(select(&mut selector, LIMIT), [Event { token, readiness: Readiness::READABLE }]);
        assert_eq!(selector.len(), 1);
    }
}

/// SE-01: a token that names nothing is an error, also when its place is taken by another source.
#[test]
fn an_old_token_names_nothing() {
    for kind in BOTH_KINDS {
        let mut selector = selector(kind);
        let token = selector.register(pair().0, (), Interest::READ).unwrap();
        selector.unregister(token).unwrap();
        let (next, _far) = pair();
        let next = selector.register(next, (), Interest::READ).unwrap();
        assert_ne!(token, next);
        assert!(selector.get(token).is_none() && selector.get(next).is_some());
        assert_eq!(selector.unregister(token).map(drop).map_err(kind_of), Err(ErrorKind::NotFound));
        assert_eq!(
            selector.modify(token, Interest::BOTH).map_err(kind_of),
            Err(ErrorKind::NotFound)
        );
    }
}

/// SE-02: a new interest takes the place of the old one at once, and what is ready already is
/// reported for it.
#[test]
fn modify_replaces_the_interest() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        far.send(b"x").unwrap();
        let mut selector = selector(kind);
        let token = selector.register(near, (), Interest::WRITE).unwrap();
        assert_eq!(select(&mut selector, LIMIT), [Event { token, readiness: Readiness::WRITABLE }]);
        selector.modify(token, Interest::READ).unwrap();
        assert_eq!(select(&mut selector, LIMIT), [Event { token, readiness: Readiness::READABLE }]);
        selector.modify(token, Interest::BOTH).unwrap();
        let readiness = Readiness::READABLE | Readiness::WRITABLE;
        assert_eq!(select(&mut selector, LIMIT), [Event { token, readiness }]);
    }
}

/// SE-02: a modify that fails leaves the interest as it was.
#[test]
fn a_modify_that_fails_changes_nothing() {
    let backend = FakeBackend::new(Mode::Level);
    let mut selector = Selector::with_backend(Box::new(backend.clone()));
    let token = selector.register("source", (), Interest::READ).unwrap();
    backend.fail_next(ErrorKind::OutOfMemory.into());
    assert_eq!(
        selector.modify(token, Interest::WRITE).map_err(kind_of),
        Err(ErrorKind::OutOfMemory)
    );
    // A hang-up is reported as what was asked for, which is still to read.
    let everything = Readiness::READABLE | Readiness::WRITABLE | Readiness::READ_CLOSED;
    backend.report([(0, everything)]);
    let readiness = everything - Readiness::WRITABLE;
    assert_eq!(select(&mut selector, None), [Event { token, readiness }]);
}

/// SE-03: over `polling`, unread input is reported by each select.
#[test]
fn a_level_is_reported_again() {
    let (near, far) = pair();
    let mut selector = selector(SelectorKind::Polling);
    assert_eq!(selector.mode(), Mode::Level);
    selector.register(near, (), Interest::READ).unwrap();
    far.send(b"x").unwrap();
    for _ in 0..3 {
        assert_eq!(select(&mut selector, LIMIT).len(), 1);
    }
}

/// Over `mio`, unread input is reported once, and once more when more of it comes.
#[test]
fn an_edge_is_reported_once() {
    let (near, far) = pair();
    let mut selector = selector(SelectorKind::Mio);
    if OVER_POLL {
        assert_eq!(selector.mode(), Mode::Oneshot);
        return;
    }
    assert_eq!(selector.mode(), Mode::Edge);
    selector.register(near, (), Interest::READ).unwrap();
    for _ in 0..3 {
        far.send(b"x").unwrap();
        assert_eq!(select(&mut selector, LIMIT).len(), 1);
        assert_eq!(select(&mut selector, NOW), []);
    }
}

/// SE-04 and SE-05: zero does not wait, some waits at least that long, none waits for an event.
#[test]
fn timeouts_are_kept_and_never_cut_short() {
    without_a_hang(|| {
        for kind in BOTH_KINDS {
            let (near, far) = pair();
            let mut selector = selector(kind);
            selector.register(near, (), Interest::READ).unwrap();
            assert_eq!(select(&mut selector, NOW), []);
            for timeout in [300, 1_500, 20_000].map(Duration::from_micros) {
                for _ in 0..5 {
                    let start = Instant::now();
                    assert_eq!(select(&mut selector, Some(timeout)), []);
                    assert!(
                        start.elapsed() >= timeout,
                        "{kind}: {:?} instead of {timeout:?}",
                        start.elapsed()
                    );
                }
            }
            let sender = thread::spawn(move || far.send(b"x"));
            assert_eq!(select(&mut selector, None).len(), 1);
            sender.join().unwrap().unwrap();
        }
    });
}

/// SE-06: whatever is ready is reported by one select, however many that are.
#[test]
fn all_that_is_ready_is_reported_at_once() {
    for kind in BOTH_KINDS {
        let pairs: Vec<_> = (0..400).map(|_| pair()).collect();
        let mut selector = selector(kind);
        for (near, far) in &pairs {
            selector.register(Rc::clone(near), (), Interest::READ).unwrap();
            far.send(b"x").unwrap();
        }
        assert_eq!(select(&mut selector, LIMIT).len(), pairs.len(), "{kind}");
    }
}

/// SE-07: a peer that is gone is reported in the directions asked for, and the next call on the
/// socket tells.
#[test]
fn a_hang_up_is_reported_as_the_interest() {
    for kind in BOTH_KINDS {
        for (interest, expected) in
            [(Interest::READ, Readiness::READABLE), (Interest::WRITE, Readiness::WRITABLE)]
        {
            let (near, far) = pair();
            drop(far);
            let mut selector = selector(kind);
            let token = selector.register(Rc::clone(&near), (), interest).unwrap();
            let events = select(&mut selector, LIMIT);
            assert_eq!(events.len(), 1);
            assert_eq!(events[0].token, token);
            assert!(events[0].readiness.contains(expected), "{kind}: {events:?}");
            assert_eq!(events[0].readiness, events[0].readiness.within(interest));
            assert_eq!(near.send(b"x").map_err(kind_of), Err(ErrorKind::BrokenPipe));
        }
    }
}

/// SE-09: one registration serves both directions, which come and go by themselves; without any,
/// the kernel forgets the source, even one that has hung up.
#[test]
fn directions_come_and_go_independently() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        far.send(b"x").unwrap();
        let mut selector = selector(kind);
        let token = selector.register(near, (), Interest::NONE).unwrap();
        let mut with = |interest| {
            selector.modify(token, interest).unwrap();
            select(&mut selector, NOW)
                .iter()
                .map(|event| event.readiness.directions())
                .next()
                .unwrap_or_default()
        };
        for interest in [
            Interest::NONE,
            Interest::READ,
            Interest::BOTH,
            Interest::WRITE,
            Interest::NONE,
            Interest::BOTH,
        ] {
            assert_eq!(with(interest), interest, "{kind}");
        }
        drop(far);
        assert_eq!(with(Interest::NONE), Interest::NONE, "{kind}: a hang-up that nobody waits for");
    }
}

/// SE-10: a regular file cannot be watched by epoll, and the attempt changes nothing.
#[test]
fn a_regular_file_is_refused() {
    if OVER_POLL {
        return;
    }
    for kind in BOTH_KINDS {
        let mut selector = Selector::new(kind).unwrap();
        let file = OwnedFd::from(std::fs::File::open(env!("CARGO_MANIFEST_PATH")).unwrap());
        assert_eq!(
            selector.register(file, (), Interest::READ).map_err(kind_of),
            Err(ErrorKind::PermissionDenied)
        );
        assert!(selector.is_empty());
    }
}

/// SE-12: a descriptor number that is used again belongs to its new owner alone.
#[test]
fn d_25_a_reused_descriptor_number_is_watched_anew() {
    for kind in BOTH_KINDS {
        let mut selector: Selector<Socket, _> = Selector::new(kind).unwrap();
        let mut tokens = Vec::new();
        let mut numbers = Vec::new();
        for _ in 0..3 {
            let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
            numbers.push(near.as_raw_fd());
            let token = selector.register(near, (), Interest::BOTH).unwrap();
            far.send(b"x").unwrap();
            let readiness = Readiness::READABLE | Readiness::WRITABLE;
            assert_eq!(select(&mut selector, LIMIT), [Event { token, readiness }], "{kind}");
            tokens.push(token);
            // The far end goes first: the number of the near end is the lowest free one next time,
            // too.
            drop(far);
            drop(selector.unregister(token).unwrap());
        }
        assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2]);
    }
}

/// D-04: what is registered cannot be closed, so its number cannot come to name another socket.
#[test]
fn d_04_a_registered_descriptor_stays_open() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        let mut selector = selector(kind);
        selector.register(near, (), Interest::READ).unwrap();
        // The selector is the only owner left, and its user has no way to get the source but
        // `unregister`.
        assert_eq!(far.send(b"x").unwrap(), 1);
        assert_eq!(select(&mut selector, LIMIT).len(), 1);
        drop(selector);
        assert_eq!(
            far.send(b"x").map_err(kind_of),
            Err(ErrorKind::BrokenPipe),
            "the selector has closed it"
        );
    }
}

/// SE-08: also where the back end keeps its wake-ups and its registrations in one place.
#[test]
fn a_wake_up_is_not_lost_among_registrations() {
    without_a_hang(|| {
        for kind in BOTH_KINDS {
            let (mut selector, (near, _far)) = (selector(kind), pair());
            selector.waker().wake();
            let token = selector.register(near, (), Interest::READ).unwrap();
            selector.modify(token, Interest::BOTH).unwrap();
            drop(selector.unregister(token).unwrap());
            assert!(select(&mut selector, None).is_empty(), "{kind}");
        }
    });
}

/// SE-13: the default is the platform's best, behind an interface that a test double can take the
/// place of.
#[test]
fn the_default_is_mio_and_a_fake_can_stand_in() {
    assert_eq!(SelectorKind::default(), SelectorKind::Mio);
    assert_eq!("polling".parse::<SelectorKind>().unwrap(), SelectorKind::Polling);
    let error = "epoll".parse::<SelectorKind>().unwrap_err().to_string();
    assert_eq!(error, "there is no selector \"epoll\": choose mio or polling");
    let backend = FakeBackend::new(Mode::Edge);
    let mut selector = Selector::with_backend(Box::new(backend.clone()));
    let token = selector.register("not even a socket", (), Interest::READ).unwrap();
    backend.report([(0, Readiness::READABLE)]);
    assert_eq!(select(&mut selector, None), [Event { token, readiness: Readiness::READABLE }]);
}

#[test]
fn a_wake_up_from_another_thread_ends_the_wait() {
    without_a_hang(|| {
        for kind in BOTH_KINDS {
            let (near, _far) = pair();
            let mut selector = selector(kind);
            selector.register(near, (), Interest::READ).unwrap();
            let waker = selector.waker();
            let thread = thread::spawn(move || waker.wake());
            assert_eq!(select(&mut selector, None), []);
            thread.join().unwrap();
        }
    });
}

#[test]
fn wake_ups_before_a_wait_end_it_once() {
    without_a_hang(|| {
        for kind in BOTH_KINDS {
            let mut selector = selector::<()>(kind);
            let waker = selector.waker();
            for _ in 0..3 {
                (0..1000).for_each(|_| waker.wake());
                assert_eq!(select(&mut selector, None), []);
                let start = Instant::now();
                let timeout = Duration::from_millis(5);
                assert_eq!(select(&mut selector, Some(timeout)), []);
                assert!(start.elapsed() >= timeout, "{kind}: one wake-up ended two waits");
            }
        }
    });
}

/// No wake-up is lost, whenever it comes: each side waits for the other's answer, many times.
#[test]
fn no_wake_up_is_lost() {
    without_a_hang(|| {
        for kind in BOTH_KINDS {
            let mut selector = selector::<()>(kind);
            let (waker, (sender, receiver)) = (selector.waker(), mpsc::sync_channel(0));
            let thread = thread::spawn(move || {
                for number in 0..5_000 {
                    // The other side takes this before it waits, or while it is on its way to do so.
                    sender.send(number).unwrap();
                    waker.wake();
                }
            });
            for number in 0..5_000 {
                assert_eq!(receiver.recv().unwrap(), number);
                assert_eq!(select(&mut selector, None), []);
            }
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_wake_up_after_the_end_is_harmless() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        let mut selector = selector(kind);
        selector.register(near, (), Interest::READ).unwrap();
        let waker = selector.waker();
        drop(selector);
        waker.wake();
        assert_eq!(
            far.send(b"x").map_err(kind_of),
            Err(ErrorKind::BrokenPipe),
            "{kind}: the waker keeps no source"
        );
    }
}

/// A report that was on its way when its source was taken back is not mistaken for one of the next
/// source.
#[test]
fn a_report_of_a_source_that_is_gone_names_nothing() {
    for kind in BOTH_KINDS {
        let pairs: Vec<_> = (0..2).map(|_| pair()).collect();
        let mut selector = selector(kind);
        for (near, far) in &pairs {
            selector.register(Rc::clone(near), "old", Interest::READ).unwrap();
            far.send(b"x").unwrap();
        }
        let events = select(&mut selector, LIMIT);
        assert_eq!(events.len(), 2);
        for event in &events {
            selector.unregister(event.token).unwrap();
        }
        let (new, _far) = pair();
        selector.register(new, "new", Interest::READ).unwrap();
        assert!(events.iter().all(|event| selector.get(event.token).is_none()));
    }
}

/// `watch` and `settle` make a reader right over both: it drains by its flag, however it is
/// reported.
#[test]
fn a_reader_with_a_flag_is_right_over_both() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        let mut selector = selector(kind);
        let token = selector.watch(near, Readiness::NONE, Interest::READ).unwrap();
        let mut received = Vec::new();
        let text = b"some text that is read in pieces of four bytes, twice";
        for round in 1..=2 {
            far.send(text).unwrap();
            while received.len() < round * text.len() {
                let (socket, flags) = selector.get_mut(token).unwrap();
                if !flags.contains(Readiness::READABLE) {
                    for event in select(&mut selector, LIMIT) {
                        *selector.get_mut(event.token).unwrap().1 |= event.readiness;
                        selector.settle(event.token, Interest::READ, event.readiness).unwrap();
                    }
                    continue;
                }
                let mut buffer = [0; 4];
                let answer = chapter_02::TryIo::try_recv(&**socket, &mut buffer).unwrap();
                flags.after_receive(&answer, buffer.len());
                if let std::task::Poll::Ready(count) = answer {
                    received.extend_from_slice(&buffer[..count]);
                }
            }
        }
        assert_eq!(received, [&text[..], &text[..]].concat(), "{kind}");
    }
}

/// Over a level-triggered back end, a report that nobody waits for is the last one.
#[test]
fn an_interest_that_nobody_has_any_more_goes_with_its_first_report() {
    let (near, far) = pair();
    let mut selector = selector(SelectorKind::Polling);
    let token = selector.watch(near, (), Interest::READ).unwrap();
    drop(far);
    let events = select(&mut selector, LIMIT);
    assert_eq!(events.len(), 1);
    selector.settle(token, Interest::NONE, events[0].readiness).unwrap();
    assert_eq!(select(&mut selector, NOW), [], "a hang-up would be reported for ever");
    selector.settle(token, Interest::READ, Readiness::NONE).unwrap();
    assert_eq!(select(&mut selector, LIMIT).len(), 1, "it is reported to who wants to know again");
}

/// The kernel forgets every source before it is closed, also when the selector goes.
#[test]
fn a_selector_that_goes_takes_back_its_registrations() {
    let backend = FakeBackend::new(Mode::Level);
    let mut selector = Selector::with_backend(Box::new(backend.clone()));
    selector.register("watched", (), Interest::READ).unwrap();
    selector.register("kept", (), Interest::NONE).unwrap();
    drop(selector);
    assert_eq!(backend.take_calls(), [Call::Add(0, Interest::READ), Call::Remove]);
}
