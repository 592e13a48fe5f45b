use crate::limit::PATIENCE;
use anyhow::{Result, bail};
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// What a program has written so far, collected by a thread so that the program never waits for us.
#[derive(Debug, Clone)]
pub struct Output {
    shared: Arc<(Mutex<Collected>, Condvar)>,
}

#[derive(Debug, Default)]
struct Collected {
    bytes: Vec<u8>,
    ended: bool,
}

impl Output {
    pub(crate) fn collect(mut source: impl Read + Send + 'static) -> Output {
        let output = Output { shared: Arc::default() };
        let shared = Arc::clone(&output.shared);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let count = source.read(&mut buffer).unwrap_or(0);
                let mut collected = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
                collected.bytes.extend_from_slice(&buffer[..count]);
                collected.ended = count == 0;
                shared.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        output
    }

    /// All of it so far.
    pub fn text(&self) -> String {
        let collected = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&collected.bytes).into_owned()
    }

    /// Waits until `find` finds something in what has been written so far; `what` names it.
    ///
    /// # Errors
    ///
    /// The output has ended, or [`PATIENCE`] has: both messages quote the output.
    pub fn wait_for<T>(&self, what: &str, mut find: impl FnMut(&str) -> Option<T>) -> Result<T> {
        self.wait(what, |text, ended| match find(text) {
            None if ended => {
                Some(Err(anyhow::anyhow!("waited for {what}, but the output ended: {text:?}")))
            }
            found => found.map(Ok),
        })?
    }

    /// Waits for a whole line with `part` in it, and gives the line.
    ///
    /// # Errors
    ///
    /// As [`wait_for`](Output::wait_for).
    pub fn wait_for_line(&self, part: &str) -> Result<String> {
        self.wait_for(&format!("a line with {part:?}"), |text| {
            let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            whole.map(str::trim_end).find(|line| line.contains(part)).map(str::to_owned)
        })
    }

    /// Waits until the program has closed its output, and gives all of it.
    ///
    /// # Errors
    ///
    /// [`PATIENCE`] is over.
    pub fn wait_for_end(&self) -> Result<String> {
        self.wait("the end of the output", |text, ended| ended.then(|| text.to_owned()))
    }

    fn wait<T>(&self, what: &str, mut find: impl FnMut(&str, bool) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        let (mutex, changed) = &*self.shared;
        let mut collected = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let text = String::from_utf8_lossy(&collected.bytes);
            if let Some(found) = find(&text, collected.ended) {
                return Ok(found);
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                bail!("waited {PATIENCE:?} for {what}; the output so far: {text:?}");
            };
            drop(text);
            collected =
                changed.wait_timeout(collected, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
