//! Sockets of a loop over a kernel that is written down: what exactly is asked of it, and what
//! happens when it answers what a real one seldom does.

use crate::cancel::{Moment, dropped_at, moments};
use chapter_02::fake::FakeSocket;
use chapter_03::fake::Call;
use chapter_03::{Interest, Mode, Readiness};
use chapter_04::fake::FakeLoop;
use chapter_04::{AsyncSocket, Census, OPERATIONS_MAX, spawn, try_join_all, yield_now};
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

const MODES: [Mode; 3] = [Mode::Edge, Mode::Level, Mode::Oneshot];
const READABLE: Readiness = Readiness::READABLE;
const WRITABLE: Readiness = Readiness::WRITABLE;
const NOTHING: Census = Census { tasks: 0, timers: 0, sources: 0, ready: 0 };
/// Waits: one that only looks, because something is ready to run; and one without an end.
const LOOK: Call = Call::Wait(Some(Duration::ZERO));
const SLEEP: Call = Call::Wait(None);

/// The first wait of a run reports nothing: it is the one before the main task's first step.
fn fake(mode: Mode, reports: &[Readiness]) -> FakeLoop {
    let fake = FakeLoop::new(mode);
    fake.backend.report([]);
    reports.iter().for_each(|readiness| fake.backend.report([(0, *readiness)]));
    fake
}

type Fake = AsyncSocket<FakeSocket>;

/// Runs a task on a socket with this script, and gives what the task gave and what the kernel was
/// asked until then and by the end of the socket.
fn run<T: 'static, F: Future<Output = T> + 'static>(
    mut fake: FakeLoop,
    script: FakeSocket,
    task: impl FnOnce(Rc<Fake>) -> F,
) -> (T, Vec<Call>) {
    let socket = Rc::new(fake.socket(script).unwrap());
    let task = task(socket);
    let value = fake.event_loop.run_until_complete(async { Some(task.await) }).unwrap();
    assert_eq!(fake.event_loop.census(), NOTHING);
    (value.unwrap(), fake.backend.take_calls())
}

async fn receive(socket: &Fake) -> String {
    String::from_utf8_lossy(&socket.recv(100).await.unwrap()).into_owned()
}

/// SA-01 and SA-02: what need not wait asks for nothing.
#[test]
fn an_operation_that_need_not_wait_leaves_the_kernel_alone() {
    let watched = [Interest::BOTH, Interest::READ, Interest::READ];
    for (mode, interest) in MODES.into_iter().zip(watched) {
        let script = FakeSocket::new().receives([Ok("in")]);
        let (received, calls) = run(fake(mode, &[]), script, |socket| async move {
            socket.send_all(b"out").await.unwrap();
            receive(&socket).await
        });
        assert_eq!(received, "in");
        assert_eq!(calls, [Call::Add(0, interest), LOOK, Call::Remove]);
    }
}

/// Three messages that are received and answered, each with one wait. Over edges the kernel is told
/// once; over levels the interest in what comes stays; a oneshot kernel has to be told again.
#[test]
fn a_message_needs_one_wait() {
    for mode in MODES {
        let script =
            FakeSocket::new().receives([Err(ErrorKind::WouldBlock), Ok("a"), Ok("b"), Ok("c")]);
        let record = script.clone();
        let ((), calls) = run(fake(mode, &[READABLE; 3]), script, |socket| async move {
            for _ in 0..3 {
                let message = socket.recv(100).await.unwrap();
                socket.send_all(&message).await.unwrap();
            }
        });
        assert_eq!(record.sent(), b"abc");
        let again = Call::Modify(0, Interest::READ);
        let expected = match mode {
            Mode::Edge => vec![Call::Add(0, Interest::BOTH), LOOK, SLEEP, SLEEP, SLEEP],
            Mode::Level => vec![Call::Add(0, Interest::READ), LOOK, SLEEP, SLEEP, SLEEP],
            Mode::Oneshot => {
                vec![Call::Add(0, Interest::READ), LOOK, SLEEP, again, SLEEP, again, SLEEP, again]
            }
        };
        assert_eq!(calls, [expected, vec![Call::Remove]].concat(), "{mode:?}");
    }
}

/// Over levels, a report that nobody waits for takes the interest away, or the kernel would go on
/// reporting; the source that nothing is wanted of is not even watched for hang-ups.
#[test]
fn over_levels_an_interest_ends_with_the_first_report_that_nobody_waits_for() {
    let script = FakeSocket::new().takes([Some(1)]);
    let reports = [READABLE, WRITABLE, READABLE | WRITABLE];
    let ((), calls) = run(fake(Mode::Level, &reports), script, |socket| async move {
        let received = dropped_at(Moment::AfterPoll(0), socket.recv(100));
        assert!(received.await.is_none());
        yield_now().await;
        socket.send_all(b"ab").await.unwrap();
        yield_now().await;
    });
    let expected = [
        vec![Call::Add(0, Interest::READ), LOOK],
        // Readable, and nobody waits.
        vec![LOOK, Call::Remove],
        // A part is sent; the other one waits for a report, and has it.
        vec![Call::Add(0, Interest::WRITE), SLEEP],
        // Writable again, and nobody waits.
        vec![LOOK, Call::Remove],
    ];
    assert_eq!(calls, expected.concat());
}

/// SA-12: a wrong report, also of a hang-up that is none, leaves the operation waiting.
#[test]
fn a_wrong_report_leaves_the_operation_waiting() {
    for mode in MODES {
        let not_yet = Err(ErrorKind::WouldBlock);
        let script = FakeSocket::new()
            .receives([not_yet, not_yet, not_yet, Ok("at last")])
            .takes([None, None, Some(1), None, Some(0)]);
        let record = script.clone();
        let wrong = READABLE | WRITABLE | Readiness::READ_CLOSED;
        let reports = [[wrong, READABLE | WRITABLE, wrong].as_slice(), &[WRITABLE; 5]].concat();
        let (received, _) = run(fake(mode, &reports), script, |socket| async move {
            let received = receive(&socket).await;
            socket.send_all(b"out").await.unwrap();
            received
        });
        assert_eq!((received.as_str(), &*record.sent()), ("at last", &b"out"[..]), "{mode:?}");
    }
}

/// A report of the other direction wakes nobody.
#[test]
fn a_report_of_the_other_direction_is_kept_for_later() {
    for mode in [Mode::Edge, Mode::Level] {
        let script =
            FakeSocket::new().receives([Err(ErrorKind::WouldBlock), Ok("a")]).takes([None]);
        let reports = [READABLE | WRITABLE, WRITABLE, READABLE];
        let (polls, _) = run(fake(mode, &reports), script, |socket| async move {
            let sent = dropped_at(Moment::AfterPoll(0), socket.send_all(b"x"));
            assert!(sent.await.is_none());
            // Both flags are down now; the writer has left.
            let received = dropped_at(Moment::BeforePoll(2), socket.recv(1)).await;
            received.is_some()
        });
        assert!(polls, "{mode:?}: the receiver was woken by WRITABLE");
    }
}

/// SA-06: one byte at a time, and "not yet" in between.
#[test]
fn a_send_goes_on_after_each_part() {
    for mode in MODES {
        let parts = [Some(1), None, Some(2), Some(1), None, None, Some(100)];
        let script = FakeSocket::new().takes(parts);
        let record = script.clone();
        run(fake(mode, &[WRITABLE; 6]), script, |socket| async move {
            socket.send_all(b"0123456789").await.unwrap();
        });
        assert_eq!(record.sent(), b"0123456789", "{mode:?}");
    }
}

/// SA-03 and SA-06: an error of whichever call ends the operation, and leaves nothing registered.
#[test]
fn an_error_of_any_call_ends_the_operation() {
    for mode in MODES {
        for call in 0..4 {
            let not_yet = std::iter::repeat_n(Err(ErrorKind::WouldBlock), call);
            let failing = not_yet.clone().chain([Err(ErrorKind::ConnectionReset)]);
            let script = FakeSocket::new().receives::<&str>(failing);
            let (received, _) = run(fake(mode, &[READABLE; 3]), script, |socket| async move {
                socket.recv(1).await.map(drop).map_err(|error| error.kind())
            });
            assert_eq!(received, Err(ErrorKind::ConnectionReset), "{mode:?}, call {call}");

            let script = FakeSocket::new().takes(std::iter::repeat_n(Some(1), call));
            let record = script.clone();
            let (sent, _) = run(fake(mode, &[WRITABLE; 3]), script, |socket| async move {
                let mut sending = Box::pin(socket.send_all(b"0123456789"));
                let sent = std::future::poll_fn(|context| {
                    if record.sent().len() == call {
                        record.break_with(ErrorKind::BrokenPipe);
                    }
                    sending.as_mut().poll(context)
                });
                sent.await.map_err(|error| error.kind())
            });
            assert_eq!(sent, Err(ErrorKind::BrokenPipe), "{mode:?}, call {call}");
        }
    }
}

/// SA-03: what the kernel refuses to watch is an error of the operation; nobody waits then, and the
/// next operation begins from a clean slate.
#[test]
fn a_wait_that_the_kernel_refuses_is_an_error() {
    for mode in [Mode::Level, Mode::Oneshot] {
        let script = FakeSocket::new().takes([None, Some(1)]);
        let fake = fake(mode, &[WRITABLE]);
        let backend = fake.backend.clone();
        let (outcomes, _) = run(fake, script, |socket| async move {
            backend.fail_next(ErrorKind::OutOfMemory.into());
            let refused = socket.send_all(b"x").await.map_err(|error| error.kind());
            (refused, socket.send_all(b"x").await.map_err(|error| error.kind()))
        });
        assert_eq!(outcomes, (Err(ErrorKind::OutOfMemory), Ok(())));
    }
    let fake = FakeLoop::new(Mode::Edge);
    fake.backend.fail_next(ErrorKind::OutOfMemory.into());
    let refused = fake.socket(FakeSocket::new()).map(drop).map_err(|error| error.kind());
    assert_eq!((refused, fake.event_loop.census()), (Err(ErrorKind::OutOfMemory), NOTHING));
}

/// A client that cannot be watched is closed, and accept says why; the listener is as before.
#[test]
fn a_client_that_the_kernel_cannot_watch_is_an_error_of_accept() {
    let (lost, taken) = (FakeSocket::new(), FakeSocket::new());
    let handles = [lost.clone(), taken.clone()];
    let emfile = || io::Error::from_raw_os_error(24);
    let script = FakeSocket::new().accepts([Ok(lost), Err(emfile()), Ok(taken)]);
    let fake = fake(Mode::Edge, &[]);
    let backend = fake.backend.clone();
    run(fake, script, |socket| async move {
        backend.fail_next(ErrorKind::OutOfMemory.into());
        assert_eq!(socket.accept().await.unwrap_err().kind(), ErrorKind::OutOfMemory);
        assert!(handles[0].is_closed_elsewhere());
        assert_eq!(socket.accept().await.unwrap_err().raw_os_error(), Some(24));
        let (client, peer) = socket.accept().await.unwrap();
        assert_eq!(peer.to_string(), "127.0.0.1:1");
        drop(client);
        assert!(handles[1].is_closed_elsewhere());
    });
}

/// D-03 (SA-15): one report wakes all who wait, and each finds its part.
#[test]
fn d_03_three_receivers_of_one_socket_are_served_by_one_report() {
    for mode in MODES {
        let script = FakeSocket::new().receives([Err(ErrorKind::WouldBlock), Ok("abc")]);
        let (mut received, _) = run(fake(mode, &[READABLE]), script, |socket| {
            let receivers = [(); 3]
                .map(|()| Rc::clone(&socket))
                .map(|socket| async move { socket.recv(1).await.unwrap().to_vec() });
            async { try_join_all(receivers.map(spawn)).await.unwrap() }
        });
        received.sort();
        assert_eq!(received, [b"a", b"b", b"c"], "{mode:?}");
    }
}

/// D-03: and where there is something for one of them only, it is not the same one each time.
#[test]
fn d_03_two_receivers_of_one_socket_take_turns() {
    for mode in MODES {
        let not_yet = Err(ErrorKind::WouldBlock);
        let messages = ["1", "2", "3", "4", "5", "6"].map(Ok);
        let script = FakeSocket::new().receives([not_yet].into_iter().chain(messages));
        let (turns, _) = run(fake(mode, &[READABLE; 6]), script, |socket| async move {
            let turns = Rc::<RefCell<Vec<_>>>::default();
            let receivers = ["first", "second"].map(|name| {
                let (socket, turns) = (Rc::clone(&socket), Rc::clone(&turns));
                spawn(async move {
                    for _ in 0..3 {
                        receive(&socket).await;
                        turns.borrow_mut().push(name);
                    }
                })
            });
            try_join_all(receivers).await.unwrap();
            turns.take()
        });
        assert!(turns.windows(2).all(|turns| turns[0] != turns[1]), "{mode:?}: {turns:?}");
    }
}

/// D-01: exactly so many clients in a turn, also if each pass reports more.
#[test]
fn d_01_an_acceptor_takes_so_many_clients_in_a_turn() {
    for mode in MODES {
        let clients = (0..1000).map(|_| Ok(FakeSocket::new()));
        let script = FakeSocket::new().accepts(clients);
        let turns = run(fake(mode, &[READABLE; 20]), script, |socket| async move {
            let acceptor = spawn(async move {
                for _ in 0..1000 {
                    socket.accept().await.unwrap();
                }
            });
            let mut turns = 0;
            while !acceptor.is_finished() {
                yield_now().await;
                turns += 1;
            }
            turns
        });
        assert_eq!(turns.0, 1000_usize.div_ceil(OPERATIONS_MAX as usize), "{mode:?}");
    }
}

/// D-02 (SA-13): an accept that is cancelled in the pass that reports the client leaves the client
/// in the kernel's queue, for the next accept.
#[test]
fn d_02_a_cancelled_accept_takes_nobody() {
    for mode in MODES {
        let (client, script) = (FakeSocket::new(), FakeSocket::new());
        let (known, queue) = (client.clone(), script.clone());
        run(fake(mode, &[READABLE]), script, |socket| async move {
            spawn(async move { drop(queue.accepts([Ok(client)])) }).detach();
            let accepting = dropped_at(Moment::BeforePoll(1), socket.accept());
            assert!(accepting.await.is_none());
            assert!(!known.is_closed_elsewhere());
            let (client, _) = socket.accept().await.unwrap();
            drop(client);
            assert!(known.is_closed_elsewhere());
        });
    }
}

/// D-22 (SA-14, SA-22): a receive that is dropped at any step, wrong reports among them, has taken
/// nothing.
#[test]
fn d_22_a_dropped_receive_has_taken_nothing() {
    for mode in MODES {
        let mut steps = 0;
        for moment in moments() {
            let not_yet = Err(ErrorKind::WouldBlock);
            let script =
                FakeSocket::new().receives([not_yet, not_yet, Ok("ab"), not_yet, Ok("cd")]);
            let record = script.clone();
            let (is_done, _) = run(fake(mode, &[READABLE; 9]), script, |socket| async move {
                let first = dropped_at(moment, socket.recv(1)).await;
                let is_done = first.is_some();
                let mut bytes = first.map_or(Vec::new(), |first| first.unwrap().to_vec());
                assert_eq!(bytes.len() + record.left_to_receive(), 4);
                while bytes.len() < 4 {
                    bytes.extend_from_slice(&socket.recv(10).await.unwrap());
                }
                assert_eq!(bytes, b"abcd", "{mode:?}, {moment:?}");
                is_done
            });
            if is_done {
                break;
            }
            steps += 1;
        }
        assert_eq!(
            steps, 5,
            "{mode:?}: three polls, and a drop before and after each but the last"
        );
    }
}

/// D-22 (SA-06): a send that is dropped at any step has sent a beginning; what is sent next follows
/// it.
#[test]
fn d_22_a_dropped_send_has_sent_a_beginning() {
    for mode in MODES {
        let mut steps = 0;
        for moment in moments() {
            let script = FakeSocket::new().takes([Some(1), None, Some(2), None, Some(1)]);
            let record = script.clone();
            let (is_done, _) = run(fake(mode, &[WRITABLE; 9]), script, |socket| async move {
                let is_done = dropped_at(moment, socket.send_all(b"0123456789")).await.is_some();
                let begin = record.sent();
                assert!(b"0123456789".starts_with(&begin));
                assert_eq!(is_done, begin.len() == 10);
                socket.send_all(b"next").await.unwrap();
                assert_eq!(record.sent(), [&begin, &b"next"[..]].concat(), "{mode:?}, {moment:?}");
                is_done
            });
            if is_done {
                break;
            }
            steps += 1;
        }
        assert_eq!(steps, 11, "{mode:?}: six polls, and a drop before and after each but the last");
    }
}
