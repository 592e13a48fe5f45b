//! Callbacks for readiness: what they promise, over both kernels and over one that is written down.

use crate::net::limit::over_kernel;
use crate::watch::{OnDrop, reports};
use chapter_03::fake::Call;
use chapter_03::{Interest, Mode, Readiness, SelectorKind, Source};
use chapter_04::fake::FakeLoop;
use chapter_04::{Census, EventLoop, LoopHandle, PASS_BUDGET, Subject, yield_now};
use socket2::{Domain, Socket, Type};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

const BOTH_KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];
const READY: Readiness = Readiness::READABLE;
const EMPTY: Census = Census { tasks: 0, timers: 0, sources: 0, ready: 0 };

fn one_pass(event_loop: &mut EventLoop) {
    event_loop.stop();
    event_loop.run_forever().unwrap();
}

/// Two connected sockets.
fn pair() -> (Rc<Socket>, Socket) {
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
    near.set_nonblocking(true).unwrap();
    far.set_nonblocking(true).unwrap();
    (Rc::new(near), far)
}

/// A source of its own, for a kernel that is only written down.
fn source() -> Rc<dyn Source> {
    Rc::new(OwnedFd::from(File::open("/dev/null").unwrap()))
}

/// What has happened, in its order.
#[derive(Clone, Default)]
struct Trace(Rc<RefCell<Vec<&'static str>>>);

impl Trace {
    fn noting(&self, what: &'static str) -> impl FnMut() + use<> {
        let trace = self.clone();
        move || trace.note(what)
    }

    fn note(&self, what: &'static str) {
        self.0.borrow_mut().push(what);
    }

    fn take(&self) -> Vec<&'static str> {
        self.0.take()
    }
}

/// SE-03 as add_reader has it, over both kernels: what a reader leaves there calls it again.
#[test]
fn a_reader_runs_until_it_leaves_nothing() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        let mut event_loop = over_kernel(kind);
        let (handle, socket) = (event_loop.clone(), Rc::clone(&near));
        let received = Rc::new(RefCell::new(Vec::new()));
        let list = Rc::clone(&received);
        let read_a_byte = move || {
            let mut byte = [0];
            assert_eq!((&*socket).read(&mut byte).unwrap(), 1, "{kind}: nothing was there");
            list.borrow_mut().push(byte[0]);
            if byte[0] == b'!' {
                handle.stop();
            }
        };
        event_loop.add_reader(near, read_a_byte).unwrap();
        far.send(b"bytes!").unwrap();
        event_loop.run_forever().unwrap();
        one_pass(&mut event_loop);
        assert_eq!(*received.borrow(), b"bytes!", "{kind}");
    }
}

/// Once in each pass, no more and no less, as long as the source is ready.
#[test]
fn a_reader_that_reads_nothing_runs_once_in_each_pass() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        far.send(b"x").unwrap();
        let mut event_loop = over_kernel(kind);
        let count = Rc::new(Cell::new(0));
        let counted = Rc::clone(&count);
        event_loop.add_reader(near, move || counted.set(counted.get() + 1)).unwrap();
        let counts = event_loop.run_until_complete(async move {
            let mut counts = Vec::new();
            for _ in 0..10 {
                yield_now().await;
                counts.push(count.get());
            }
            counts
        });
        let counts = counts.unwrap();
        let expected: Vec<i32> = (counts[0]..counts[0] + 10).collect();
        assert_eq!(counts, expected, "{kind}");
    }
}

/// What it asks of an edge-triggered kernel: the report again after each run, for that is the only
/// way to be told of bytes that the callback has left there. A level-triggered one repeats itself.
#[test]
fn an_edge_triggered_kernel_is_asked_to_report_again() {
    for mode in [Mode::Edge, Mode::Level] {
        let FakeLoop { mut event_loop, backend, .. } = FakeLoop::new(mode);
        let (handle, runs) = (event_loop.clone(), Cell::new(0));
        let stop_at_two = move || {
            runs.set(runs.get() + 1);
            if runs.get() == 2 {
                handle.stop();
            }
        };
        event_loop.add_reader(source(), stop_at_two).unwrap();
        one_pass(&mut event_loop);
        backend.take_calls();
        backend.report([(0, READY)]);
        backend.report([(0, READY)]);
        event_loop.run_forever().unwrap();
        let (wait, again) = (Call::Wait(None), Call::Modify(0, Interest::BOTH));
        let expected =
            if mode == Mode::Edge { vec![wait, again, wait, again] } else { vec![wait, wait] };
        assert_eq!(backend.take_calls(), expected, "{mode:?}");
    }
}

/// A report that comes before the callback has waited for it is not lost.
#[test]
fn a_report_of_the_first_wait_is_seen() {
    for mode in [Mode::Edge, Mode::Level, Mode::Oneshot] {
        let FakeLoop { mut event_loop, backend, .. } = FakeLoop::new(mode);
        let trace = Trace::default();
        event_loop.add_reader(source(), trace.noting("read")).unwrap();
        backend.report([(0, READY)]);
        one_pass(&mut event_loop);
        assert_eq!(trace.take(), ["read"], "{mode:?}");
        one_pass(&mut event_loop);
        assert_eq!(trace.take(), [""; 0], "{mode:?}: it ran without a report");
    }
}

/// LP-20: a source has one reader; whoever removes it is told whether there was one.
#[test]
fn a_second_reader_takes_the_place_of_the_first() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        let mut event_loop = over_kernel(kind);
        let (trace, handle) = (Trace::default(), event_loop.clone());
        assert!(!event_loop.remove_reader(&near));
        let guard = OnDrop(trace.noting("the first is dropped"));
        let first = move || {
            let _guard = &guard;
            panic!("it was replaced");
        };
        event_loop.add_reader(near.clone(), first).unwrap();
        let mut second = trace.noting("the second runs");
        event_loop
            .add_reader(near.clone(), move || {
                second();
                handle.stop();
            })
            .unwrap();
        assert_eq!(trace.take(), ["the first is dropped"], "{kind}");
        assert_eq!(event_loop.census().sources, 1);
        far.send(b"x").unwrap();
        event_loop.run_forever().unwrap();
        assert_eq!(trace.take(), ["the second runs"], "{kind}");
        assert!(!event_loop.remove_writer(&near));
        assert!(event_loop.remove_reader(&near));
        assert!(!event_loop.remove_reader(&near));
        assert_eq!(event_loop.census().sources, 0);
    }
}

/// LP-20, LP-22: both are reported by the same wait, and the first replaces the second. That report
/// was for the old one: the new one has its turn when the kernel, asked again, reports again.
#[test]
fn a_reader_replaced_in_its_pass_leaves_the_next_pass_to_the_new_one() {
    for mode in [Mode::Edge, Mode::Level] {
        let FakeLoop { mut event_loop, backend, .. } = FakeLoop::new(mode);
        let (trace, handle) = (Trace::default(), event_loop.clone());
        let (second, traced) = (source(), trace.clone());
        let other = Rc::clone(&second);
        let replace = move || {
            traced.note("first");
            handle.add_reader(Rc::clone(&other), traced.noting("new")).unwrap();
        };
        event_loop.add_reader(source(), replace).unwrap();
        event_loop.add_reader(second, trace.noting("old")).unwrap();
        one_pass(&mut event_loop);
        backend.take_calls();
        backend.report([(0, READY), (1, READY)]);
        one_pass(&mut event_loop);
        assert_eq!(trace.take(), ["first"], "{mode:?}");
        let again = Call::Modify(1, Interest::BOTH);
        assert_eq!(backend.take_calls().contains(&again), mode == Mode::Edge);
        one_pass(&mut event_loop);
        assert_eq!(trace.take(), [""; 0], "{mode:?}: it runs by the report for the old one");
        backend.report([(1, READY)]);
        one_pass(&mut event_loop);
        assert_eq!(trace.take(), ["new"], "{mode:?}");
    }
}

/// LP-22: both are reported by the same wait, and the first removes the second.
#[test]
fn a_reader_removed_in_its_pass_does_not_run() {
    for mode in [Mode::Edge, Mode::Level] {
        let FakeLoop { mut event_loop, backend, .. } = FakeLoop::new(mode);
        let (trace, handle) = (Trace::default(), event_loop.clone());
        let (first, second) = (source(), source());
        let (mut note, other) = (trace.noting("first"), Rc::clone(&second));
        let remove = move || {
            note();
            assert!(handle.remove_reader(&other));
        };
        event_loop.add_reader(first, remove).unwrap();
        let guard = OnDrop(trace.noting("second is dropped"));
        let never = move || {
            let _guard = &guard;
            panic!("it was removed");
        };
        event_loop.add_reader(second, never).unwrap();
        one_pass(&mut event_loop);
        backend.report([(0, READY), (1, READY)]);
        one_pass(&mut event_loop);
        assert_eq!(trace.take(), ["first", "second is dropped"], "{mode:?}: dropped at once");
        assert_eq!(event_loop.census().sources, 1);
    }
}

/// LP-23, and SE-09: one source with a reader and a writer is registered once.
#[test]
fn the_reader_runs_before_the_writer() {
    for mode in [Mode::Edge, Mode::Level] {
        let FakeLoop { mut event_loop, backend, .. } = FakeLoop::new(mode);
        let (trace, source) = (Trace::default(), source());
        event_loop.add_writer(Rc::clone(&source), trace.noting("write")).unwrap();
        event_loop.add_reader(Rc::clone(&source), trace.noting("read")).unwrap();
        one_pass(&mut event_loop);
        backend.report([(0, READY | Readiness::WRITABLE)]);
        one_pass(&mut event_loop);
        assert_eq!(trace.take(), ["read", "write"], "{mode:?}");
        assert_eq!(event_loop.census().sources, 1);
    }
}

/// SE-09: each direction comes and goes without the other, and the last takes the source along.
#[test]
fn the_directions_of_a_source_are_independent() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        far.send(b"x").unwrap();
        let mut event_loop = over_kernel(kind);
        let (trace, handle) = (Trace::default(), event_loop.clone());
        let adds_a_writer = {
            let (trace, near) = (trace.clone(), Rc::clone(&near));
            move || {
                trace.note("read");
                assert!(handle.remove_reader(&near));
                let (mut write, stop) = (trace.noting("write"), handle.clone());
                // Room to send was reported long ago, and nobody has asked for it then.
                let writer = move || {
                    write();
                    stop.stop();
                };
                handle.add_writer(near.clone(), writer).unwrap();
            }
        };
        event_loop.add_reader(near.clone(), adds_a_writer).unwrap();
        event_loop.run_forever().unwrap();
        assert_eq!(trace.take(), ["read", "write"], "{kind}");

        let (mut read, handle) = (trace.noting("read again"), event_loop.clone());
        let reader = move || {
            read();
            handle.stop();
        };
        event_loop.add_reader(near.clone(), reader).unwrap();
        assert!(event_loop.remove_writer(&near));
        event_loop.run_forever().unwrap();
        assert_eq!(trace.take(), ["read again"], "{kind}");
        assert_eq!(event_loop.census().sources, 1);
        assert!(event_loop.remove_reader(&near));
        assert_eq!((event_loop.census().sources, Rc::strong_count(&near)), (0, 1), "{kind}");
    }
}

/// LP-16: it is reported by the line that added it, stays, and the others carry on.
#[test]
fn a_reader_that_panics_is_reported_and_stays() {
    let FakeLoop { mut event_loop, backend, .. } = FakeLoop::new(Mode::Edge);
    let (trace, reports) = (Trace::default(), reports(&event_loop));
    let line = line!() + 1;
    event_loop.add_reader(source(), || panic!("the reader fails")).unwrap();
    event_loop.add_reader(source(), trace.noting("second")).unwrap();
    one_pass(&mut event_loop);
    for _ in 0..2 {
        backend.report([(0, READY), (1, READY)]);
        one_pass(&mut event_loop);
        assert_eq!(trace.take(), ["second"]);
        let context = reports.borrow_mut().pop().unwrap();
        assert_eq!(context.error.as_deref(), Some("the reader fails"));
        assert!(
            matches!(context.subject, Some(Subject::Callback(place)) if place.line() == line),
            "{context}"
        );
    }
    assert!(reports.borrow().is_empty());
}

/// A reader may change everything from inside: itself, another one, a new one.
#[test]
fn a_reader_may_remove_itself_and_come_back() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        far.send(b"x").unwrap();
        let mut event_loop = over_kernel(kind);
        let (trace, handle) = (Trace::default(), event_loop.clone());
        let (socket, traced) = (Rc::clone(&near), trace.clone());
        let guard = OnDrop(trace.noting("dropped"));
        let once = move || {
            let _guard = &guard;
            traced.note("runs");
            assert!(handle.remove_reader(&socket));
            assert!(!handle.remove_reader(&socket));
            assert_eq!(handle.census().sources, 0);
            // The kernel has let go of it already: it can be watched anew.
            let (mut again, handle_too) = (traced.noting("again"), handle.clone());
            let again = move || {
                again();
                handle_too.stop();
            };
            handle.add_reader(socket.clone(), again).unwrap();
        };
        event_loop.add_reader(near, once).unwrap();
        event_loop.run_forever().unwrap();
        assert_eq!(trace.take(), ["runs", "dropped", "again"], "{kind}");
        assert_eq!(event_loop.census().sources, 1);
    }
}

/// A kernel that cannot watch a source leaves nothing behind: the callback is dropped at once.
/// (poll(2) takes every descriptor.)
#[test]
fn a_refused_source_leaves_nothing() {
    if cfg!(mio_unsupported_force_poll_poll) {
        return;
    }
    for kind in BOTH_KINDS {
        let file = Rc::new(OwnedFd::from(File::open("Cargo.toml").unwrap()));
        let event_loop = EventLoop::with_selector(kind).unwrap();
        let trace = Trace::default();
        let guard = OnDrop(trace.noting("dropped"));
        let never = move || {
            let _guard = &guard;
        };
        let refused = event_loop.add_reader(file.clone(), never).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{kind}");
        assert_eq!((trace.take(), event_loop.census()), (vec!["dropped"], EMPTY));
        assert_eq!(Rc::strong_count(&file), 1);
    }
}

/// The same where the kernel refuses the second direction: the first stays as it is.
#[test]
fn a_refused_direction_leaves_the_other_one() {
    for mode in [Mode::Edge, Mode::Level] {
        let FakeLoop { mut event_loop, backend, .. } = FakeLoop::new(mode);
        let (trace, source) = (Trace::default(), source());
        event_loop.add_reader(Rc::clone(&source), trace.noting("read")).unwrap();
        one_pass(&mut event_loop);
        backend.fail_next(ErrorKind::OutOfMemory.into());
        let refused = event_loop.add_writer(Rc::clone(&source), || ()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::OutOfMemory);
        assert!(!event_loop.remove_writer(&source));
        backend.report([(0, READY)]);
        one_pass(&mut event_loop);
        assert_eq!((trace.take(), event_loop.census().sources), (vec!["read"], 1), "{mode:?}");
    }
}

/// What the kernel refuses later, when nobody asks, is reported by the line that added the callback.
#[test]
fn a_source_that_cannot_be_watched_any_more_is_reported() {
    let FakeLoop { mut event_loop, backend, .. } = FakeLoop::new(Mode::Edge);
    let reports = reports(&event_loop);
    let source = source();
    event_loop.add_reader(Rc::clone(&source), || ()).unwrap();
    one_pass(&mut event_loop);
    backend.report([(0, READY)]);
    backend.fail_next(ErrorKind::OutOfMemory.into());
    one_pass(&mut event_loop);
    assert_eq!(reports.borrow()[0].message, "a source cannot be watched any more");
    assert!(event_loop.remove_reader(&source));
    assert_eq!(event_loop.census(), EMPTY);
}

/// A reader whose source stays ready takes its turn and no more: timers and other callbacks of the
/// same loop have theirs (LP-02).
#[test]
fn a_reader_cannot_starve_a_timer() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        far.send(b"x").unwrap();
        let mut event_loop = over_kernel(kind);
        let handle = event_loop.clone();
        let mut set_timer = Some(move || {
            let stop = handle.clone();
            handle.call_later(Duration::ZERO, move || stop.stop()).unwrap();
        });
        let reader = move || set_timer.take().iter().for_each(|set_timer| set_timer());
        event_loop.add_reader(near.clone(), reader).unwrap();
        event_loop.add_writer(near, || ()).unwrap();
        event_loop.run_forever().unwrap();
    }
}

/// LP-02: a pass that is full does not keep a reader from its turn in the next.
#[test]
fn a_callback_that_schedules_itself_cannot_starve_a_reader() {
    fn again(handle: LoopHandle, runs: Rc<Cell<usize>>) {
        let handle_too = handle.clone();
        let callback = move || {
            runs.set(runs.get() + 1);
            assert!(runs.get() < 10 * PASS_BUDGET, "nobody else has a turn");
            again(handle_too, runs);
        };
        handle.call_soon(callback).unwrap();
    }
    let FakeLoop { mut event_loop, backend, .. } = FakeLoop::new(Mode::Edge);
    let (handle, runs) = (event_loop.clone(), Rc::new(Cell::new(0)));
    let (seen, at) = (Rc::clone(&runs), Rc::new(Cell::new(0)));
    let noted = Rc::clone(&at);
    let reader = move || {
        noted.set(seen.get());
        handle.stop();
    };
    event_loop.add_reader(source(), reader).unwrap();
    one_pass(&mut event_loop);
    again(event_loop.clone(), runs);
    backend.report([]);
    backend.report([(0, READY)]);
    event_loop.run_forever().unwrap();
    assert_eq!(at.get(), PASS_BUDGET + 1, "one of them was ready before the report");
}

/// LP-15: closing the loop drops callbacks and sources, tells nobody that a task was destroyed, and
/// refuses what destructors ask for meanwhile.
#[test]
fn closing_the_loop_removes_all() {
    for kind in BOTH_KINDS {
        let (near, far) = pair();
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        let reports = reports(&event_loop);
        let trace = Trace::default();
        let (handle, traced, socket) = (event_loop.clone(), trace.clone(), Rc::clone(&near));
        let guard = OnDrop(move || {
            assert!(!handle.remove_writer(&socket), "all are gone before the first is dropped");
            let refused = handle.add_reader(socket.clone(), || ()).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::NotConnected);
            traced.note("dropped");
        });
        let reader = move || {
            let _guard = &guard;
        };
        event_loop.add_reader(near.clone(), reader).unwrap();
        event_loop.add_writer(near.clone(), || ()).unwrap();
        one_pass(&mut event_loop);
        event_loop.close();
        assert_eq!((trace.take(), event_loop.census()), (vec!["dropped"], EMPTY));
        assert!(reports.borrow().is_empty(), "{:?}", reports.borrow());
        assert!(!event_loop.remove_reader(&near));
        assert_eq!(Rc::strong_count(&near), 1, "{kind}: the loop keeps the source");
        drop(near);
        assert_eq!((&far).read(&mut [0]).unwrap(), 0, "the connection ends with its last owner");
    }
}
