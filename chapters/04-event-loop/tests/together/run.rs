//! A loop from beginning to end.

use crate::at_drop::AtDrop;
use chapter_03::SelectorKind;
use chapter_04::{
    EventLoop, FutureCell, JoinError, LoopError, Runner, run, run_with, running_loop, sleep, spawn,
    yield_now,
};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const BOTH_KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];
/// Longer than any test may take.
const LIMIT: Duration = Duration::from_secs(60);

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
