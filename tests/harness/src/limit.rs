use crate::process;
use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long anything is waited for. Long, because a wait ends with its event; only a failure takes
/// all of it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long one script may take against one server.
pub const TEST_MAX: Duration = Duration::from_secs(60);

/// Runs `body`, and ends this whole process, and every program it has started, if that takes longer
/// than `limit`.
///
/// A thread that hangs cannot be ended alone. The message names the test.
pub fn within<T>(limit: Duration, name: &str, body: impl FnOnce() -> T) -> T {
    let (done, watched) = mpsc::channel::<()>();
    let message = format!("\n{name}: still not done after {limit:?}\n");
    thread::spawn(move || {
        if watched.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            // Written past the test harness, which would keep what a test prints until its end.
            let _ = io::stderr().write_all(message.as_bytes());
            process::kill_all();
            std::process::abort();
        }
    });
    let value = body();
    // The watcher ends when the channel is closed, here or by a panic.
    drop(done);
    value
}
