use crate::standstill::Standstill;
use crate::story::Story;
use crate::trial::Notes;
use rustix::thread::gettid;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a look at the result lasts before the threads are looked at.
const LOOK: Duration = Duration::from_millis(10);

/// A server in its thread. It may never end, and need not: the process does.
#[derive(Debug)]
pub struct Serving<T> {
    result: Receiver<T>,
    notes: Notes,
    /// What the kernel counts of the thread. Open from the beginning, so that a look takes no
    /// descriptor; none where the platform does not tell.
    counts: Option<File>,
}

impl<T: Send + 'static> Serving<T> {
    pub(crate) fn start(notes: Notes, body: impl FnOnce() -> T + Send + 'static) -> Serving<T> {
        let (sender, result) = mpsc::channel();
        let (numbers, number) = mpsc::channel();
        thread::Builder::new()
            .name("server".to_owned())
            .spawn(move || {
                // Nobody may be left to hear of either.
                let _ = numbers.send(gettid());
                let _ = sender.send(body());
            })
            .expect("the system has a thread left");
        let number = number.recv().expect("a thread says its number first");
        let counts = File::open(format!("/proc/self/task/{number}/schedstat")).ok();
        Serving { result, notes, counts }
    }

    /// The share of a processor that the server has in the next `window`. `None` where the platform
    /// does not tell.
    ///
    /// A thread that rests has next to none, and one that never rests a good part, which gets
    /// smaller as the machine gets busier: a limit belongs close to 0.
    pub fn runs(&self, window: Duration) -> Option<f64> {
        let (began, before) = (Instant::now(), self.run_so_far()?);
        thread::sleep(window);
        let run = self.run_so_far()?.saturating_sub(before);
        Some(run.as_secs_f64() / began.elapsed().as_secs_f64())
    }

    fn run_so_far(&self) -> Option<Duration> {
        let mut text = [0; 128];
        let count = self.counts.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(&text[..count]).ok()?;
        // "time on a processor, time in the run queue, time slices", in nanoseconds.
        Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
    }

    /// What it has come to: it is waited for as long as it can still come to an end.
    ///
    /// # Errors
    ///
    /// The story of a server that goes on, or has panicked; `expected` is what it should have done.
    pub fn end(&self, expected: &str, why: &str) -> Result<T, Box<Story>> {
        let mut wait = Standstill::begin();
        loop {
            match self.result.recv_timeout(LOOK) {
                Ok(result) => return Ok(result),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.notes.story(expected, "its thread has panicked", why));
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(reason) = wait.reached() {
                        let came = format!("it goes on: {reason}");
                        return Err(self.notes.story(expected, came, why));
                    }
                }
            }
        }
    }
}
