//! Limits, so that a test which hangs fails.

#![allow(dead_code, reason = "each test file uses a part of this")]

use chapter_03::SelectorKind;
use chapter_04::EventLoop;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Longer than any test may take: one that waits for so long has hung.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Fails with `message` if the test takes longer than `limit`, also if it blocks its thread.
pub(crate) fn within(limit: Duration, message: &str, test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let test = thread::spawn(move || {
        test();
        done.send(()).unwrap();
    });
    match is_done.recv_timeout(limit) {
        Err(RecvTimeoutError::Timeout) => panic!("{message}"),
        _ => test.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

/// A loop over a real kernel that does not wait for longer than [`LIMIT`].
pub(crate) fn over_kernel(kind: SelectorKind) -> EventLoop {
    let event_loop = EventLoop::with_selector(kind).unwrap();
    let handle = event_loop.clone();
    let limit = move || {
        handle.stop();
        panic!("no callback has ended the test");
    };
    event_loop.call_later(LIMIT, limit).unwrap();
    event_loop
}
