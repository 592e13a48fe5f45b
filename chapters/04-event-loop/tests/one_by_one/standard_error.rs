//! What is written to standard error, which is that of the whole process: each scene has one of its own.

use crate::alone::alone;
use crate::child::{self, Child, say};
use chapter_03::Mode;
use chapter_04::fake::FakeLoop;
use chapter_04::{EventLoop, LoopError, run};
use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

/// LP-25: without a handler, and where the handler fails, a line of standard error says what
/// happened. The loop carries on, and asks the handler again.
#[test]
fn what_no_handler_takes_is_written_to_standard_error() {
    let _alone = alone();
    let (said, status) = Child::play(module_path!(), "failures").end();
    assert!(status.success(), "{said:#?}");
    for (line, count) in [
        ("): nobody was told", 1),
        ("the exception handler failed: the handler too", 2),
        ("): the handler was told", 2),
    ] {
        let lines = said.iter().filter(|said| said.ends_with(line));
        assert_eq!(lines.count(), count, "{line:?} in {said:#?}");
    }
}

/// RN-02: and nothing is said of the inner main as of a task that was destroyed.
#[test]
fn a_refused_run_writes_nothing_to_standard_error() {
    let _alone = alone();
    let (said, status) = Child::play(module_path!(), "nested").end();
    assert_eq!((said, status.code()), (vec!["Ok(true)".to_owned()], Some(0)));
}

#[test]
#[ignore = "other tests start it, as a process of its own"]
fn scene() {
    let Some(scene) = child::scene() else { return };
    match scene.as_str() {
        "failures" => failures(),
        "nested" => {
            let outcome = run(async { matches!(run(pending::<()>()), Err(LoopError::Nested)) });
            say(&format!("{outcome:?}"));
        }
        unknown => panic!("{unknown}"),
    }
}

fn failures() {
    let mut event_loop = FakeLoop::new(Mode::Edge).event_loop;
    let one_pass = |event_loop: &mut EventLoop| {
        event_loop.stop();
        event_loop.run_forever().unwrap();
    };
    event_loop.call_soon(|| panic!("nobody was told")).unwrap();
    one_pass(&mut event_loop);
    let asked = Rc::new(Cell::new(0));
    let asks = Rc::clone(&asked);
    event_loop.set_exception_handler(move |_, _| {
        asks.set(asks.get() + 1);
        panic!("the handler too");
    });
    for _ in 0..2 {
        event_loop.call_soon(|| panic!("the handler was told")).unwrap();
    }
    let carries_on = Rc::new(Cell::new(false));
    let carried_on = Rc::clone(&carries_on);
    event_loop.call_soon(move || carries_on.set(true)).unwrap();
    one_pass(&mut event_loop);
    assert_eq!((asked.get(), carried_on.get()), (2, true));
}
