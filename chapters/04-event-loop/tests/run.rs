//! A loop from beginning to end.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "support/child.rs"]
mod child;

use chapter_03::SelectorKind;
use chapter_04::signal::SIGINT;
use chapter_04::{
    EventLoop, FutureCell, JoinError, LoopError, Runner, run, run_with, running_loop, sleep, spawn,
    yield_now,
};
use child::{Child, say};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const BOTH_KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];
/// Longer than any test may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Calls a function when it is dropped.
struct AtDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// What is reported to the exception handler of the running loop.
fn reports() -> Rc<RefCell<Vec<String>>> {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let reported = Rc::clone(&reports);
    running_loop().unwrap().set_exception_handler(move |_, context| {
        reported.borrow_mut().push(context.to_string());
    });
    reports
}

/// RN-01: the value of main comes back, and the loop, a new one each time, is closed.
#[test]
fn run_gives_the_value_of_main_and_closes_the_loop() {
    for kind in BOTH_KINDS {
        let loops = [1, 2].map(|_| {
            run_with(kind, async {
                yield_now().await;
                Rc::new(running_loop().unwrap())
            })
            .unwrap()
        });
        assert!(loops.iter().all(|event_loop| event_loop.is_closed() && !event_loop.is_running()));
    }
    assert!(running_loop().is_err());
}

/// RN-01: a failure of main is its value; that it was cancelled or has panicked is an error.
#[test]
fn run_tells_why_there_is_no_value() {
    assert_eq!(run(async { Err::<(), _>("a value") }).unwrap(), Err("a value"));
    let panicked = run(async { assert!(running_loop().is_err(), "oh") }).unwrap_err();
    assert!(matches!(panicked, LoopError::Main(JoinError::Panicked(text)) if text == "oh"));
    let stopped = run(async {
        running_loop().unwrap().stop();
        pending::<()>().await;
    });
    assert!(matches!(stopped, Err(LoopError::Stopped)));
}

/// RN-01: who is left is cancelled, has its destructors run before `run` returns, and is no cause
/// for a report, whatever it waits for.
#[test]
fn leftover_tasks_are_cancelled_and_have_their_last_turn() {
    for kind in BOTH_KINDS {
        let ended = Rc::new(Cell::new(0));
        let counted = Rc::clone(&ended);
        let reports = run_with(kind, async move {
            let leftover = |kind_of_wait: u32| {
                let ended = Rc::clone(&counted);
                async move {
                    let _end = AtDrop(move || ended.set(ended.get() + 1));
                    match kind_of_wait {
                        0 => sleep(Duration::from_secs(3600)).await,
                        1 => pending::<()>().await,
                        2 => FutureCell::<()>::new().await.unwrap(),
                        _ => loop {
                            yield_now().await;
                        },
                    }
                }
            };
            (0..4).for_each(|kind_of_wait| spawn(leftover(kind_of_wait)).detach());
            // In the round after main's last step they begin to wait.
            reports()
        })
        .unwrap();
        assert_eq!(ended.get(), 4);
        assert_eq!(*reports.borrow(), [""; 0]);
        assert_eq!(Rc::strong_count(&ended), 1, "a leftover was not dropped");
    }
}

/// RN-01: what a leftover's destructor asks of the loop does not keep it alive.
#[test]
fn a_leftover_may_spawn_in_its_last_turn() {
    let spawned = Rc::new(Cell::new(0));
    let counted = Rc::clone(&spawned);
    run(async move {
        spawn(async move {
            let _end = AtDrop(move || {
                let counted = Rc::clone(&counted);
                counted.set(counted.get() + 1);
                spawn(async move {
                    let _end = AtDrop(move || counted.set(counted.get() + 1));
                    pending::<()>().await;
                })
                .detach();
            });
            pending::<()>().await;
        })
        .detach();
        yield_now().await;
        reports();
    })
    .unwrap();
    assert_eq!((spawned.get(), Rc::strong_count(&spawned)), (1, 1));
}

/// RN-02: the inner main is dropped before anything of it has run; the outer one goes on.
#[test]
fn run_inside_a_running_loop_is_an_error() {
    let (begun, dropped) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    let (begins, drops) = (Rc::clone(&begun), Rc::clone(&dropped));
    let (error, reports) = run(async move {
        let reports = reports();
        let end = AtDrop(move || drops.set(true));
        let inner = run(async move {
            let _end = end;
            begins.set(true);
        });
        yield_now().await;
        (inner.unwrap_err().to_string(), reports)
    })
    .unwrap();
    assert!(error.contains("runs in this thread already"), "{error}");
    assert_eq!((begun.get(), dropped.get()), (false, true));
    assert_eq!(*reports.borrow(), [""; 0]);
}

/// RN-02: and nothing is said of the inner main as of a task that was destroyed.
#[test]
fn a_refused_run_writes_nothing_to_standard_error() {
    let (said, status) = Child::play("nested").end();
    assert_eq!((said, status.code()), (vec!["Ok(true)".to_owned()], Some(0)));
}

/// RN-02 and LP-13: in a callback of a loop as well.
#[test]
fn run_inside_a_callback_is_an_error() {
    let mut event_loop = EventLoop::new().unwrap();
    let callback = || assert!(matches!(run(async {}), Err(LoopError::Nested)));
    event_loop.call_soon(callback).unwrap();
    event_loop.set_exception_handler(|_, context| panic!("{context}"));
    event_loop.stop();
    event_loop.run_forever().unwrap();
}

/// RN-04: a leftover that fails, in its last turn or before, is reported.
#[test]
fn errors_of_leftovers_are_reported() {
    let reports = run(async {
        let reports = reports();
        spawn(async { Err::<(), _>("failed before the end") }).detach();
        spawn(async {
            let _end = AtDrop(|| panic!("failed while it was cancelled"));
            pending::<()>().await;
        })
        .detach();
        reports
    })
    .unwrap();
    let reports = reports.borrow();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert!(reports[0].ends_with(": failed before the end"), "{reports:?}");
    assert!(
        reports[1].ends_with(": the task panicked: failed while it was cancelled"),
        "{reports:?}"
    );
}

/// RN-03: main is cancelled and then who is left, each with its destructors; the error says why.
#[test]
fn an_interrupt_cancels_main_and_ends_the_run() {
    for kind in BOTH_KINDS {
        let child = Child::play(&format!("interrupted {kind}"));
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
    let child = Child::play("stuck");
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
    let child = Child::play("own handler");
    assert_eq!(child.line(), "ready");
    for call in 1..=3 {
        child.signal(SIGINT);
        assert_eq!(child.line(), format!("call {call}"));
    }
    let (said, status) = child.end();
    assert_eq!(said, ["Ok(7)"]);
    assert!(status.success(), "{status}");
}

/// A thread that ends drops its variables, in an order that nobody promises: a destructor among them
/// may find that of the running loop gone. There is no run then, and no panic, which would end the
/// process.
#[test]
fn a_run_while_its_thread_ends_is_an_error() {
    struct Late(mpsc::Sender<(bool, bool)>);
    impl Drop for Late {
        fn drop(&mut self) {
            self.0.send((running_loop().is_ok(), run(async {}).is_ok())).unwrap();
        }
    }
    // One is made before the variable of the loop, and one after it.
    thread_local! {
        static BEFORE: RefCell<Option<Late>> = const { RefCell::new(None) };
        static AFTER: RefCell<Option<Late>> = const { RefCell::new(None) };
    }
    let (outcomes, seen) = mpsc::channel();
    let ends = thread::spawn(move || {
        BEFORE.set(Some(Late(outcomes.clone())));
        run(async {}).unwrap();
        AFTER.set(Some(Late(outcomes)));
    });
    ends.join().unwrap();
    let mut seen: Vec<_> = seen.iter().collect();
    seen.sort();
    assert_eq!(seen, [(false, false), (false, true)]);
}

/// RN-03: who does not ask for it keeps the default action.
#[test]
fn a_run_that_was_not_asked_leaves_the_signal_alone() {
    let child = Child::play("not asked");
    assert_eq!(child.line(), "ready");
    child.signal(SIGINT);
    let (said, status) = child.end();
    assert!(said.is_empty(), "{said:?}");
    assert_eq!(status.signal(), Some(SIGINT), "{status}");
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
        "nested" => {
            let outcome = run(async { matches!(run(pending::<()>()), Err(LoopError::Nested)) });
            say(&format!("{outcome:?}"));
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

/// RN-01: a job that is under way when main ends comes to its end before `run` returns.
#[test]
fn the_worker_pool_is_ended_with_the_run() {
    let is_done = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&is_done);
    let (go, goes) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel();
    run(async move {
        let job = move || {
            begin.send(()).unwrap();
            goes.recv().unwrap_err();
            done.store(true, Ordering::SeqCst);
        };
        let job = running_loop().unwrap().run_in_executor(job).unwrap();
        spawn(async move {
            // The job goes on when this task is cancelled.
            let _go = go;
            job.await.unwrap();
        })
        .detach();
        begun.recv_timeout(LIMIT).unwrap();
    })
    .unwrap();
    assert!(is_done.load(Ordering::SeqCst));
}

/// RN-01: a job that does not come to an end is reported and does not hold up the end of the run.
#[test]
fn a_job_that_hangs_outlives_the_run() {
    let (go, goes) = mpsc::channel::<()>();
    let ((begin, begun), (done, is_done)) = (mpsc::channel(), mpsc::channel());
    let runner = Runner::new().pool_grace(Duration::ZERO);
    let reports = runner.run(async move {
        let job = move || {
            begin.send(()).unwrap();
            goes.recv().unwrap_err();
            done.send(()).unwrap();
        };
        let _job = running_loop().unwrap().run_in_executor(job).unwrap();
        begun.recv_timeout(LIMIT).unwrap();
        reports()
    });
    assert_eq!(*reports.unwrap().borrow(), ["a job of the worker pool outlives the run"]);
    drop(go);
    is_done.recv_timeout(LIMIT).unwrap();
}

/// RN-05: clients that say nothing do not hold up the end of the server, and its status says what
/// has ended it.
#[test]
fn ctrl_c_ends_a_server_with_idle_clients() {
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
