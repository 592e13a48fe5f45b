use crate::threads::{self, Thread};
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// How long nothing may run for a wait to be in vain. A thread that could run counts as running,
/// however busy the machine is. Longer than any pause that a server makes.
const STILL: Duration = Duration::from_millis(400);

/// The same where standing still is what a check hopes for: it is only looked at what can be seen of
/// a server that has rested.
const STILL_SHORT: Duration = Duration::from_millis(60);

/// How much processor time the process may spend in one wait.
const BURNED: Duration = Duration::from_millis(700);

/// How long a wait may be in which everything sleeps nearly always: what wakes now and then to look
/// for something has had its chances.
const DOZED: Duration = Duration::from_secs(3);

/// How long a wait may be in any case. The grader's own limit for a check is longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How to know that what is waited for will not come: on one machine, bytes that were sent are there
/// at once, so a server that sleeps has nothing more to say.
#[derive(Debug)]
pub(crate) struct Standstill {
    began: Instant,
    burned: Duration,
    last: Vec<Thread>,
    /// Since when nothing has run, as far as we have looked.
    since: Instant,
    still: Duration,
    /// How often we have looked, and how often everything slept.
    looks: u32,
    asleep: u32,
}

impl Standstill {
    /// The beginning of a wait for something.
    pub(crate) fn begin() -> Standstill {
        Standstill::of(STILL)
    }

    /// The beginning of a wait for nothing.
    pub(crate) fn short() -> Standstill {
        Standstill::of(STILL_SHORT)
    }

    fn of(still: Duration) -> Standstill {
        // Most waits end at once: the threads are looked at when one does not.
        let (now, last) = (Instant::now(), Vec::new());
        let burned = processor_time();
        Standstill { began: now, burned, last, since: now, still, looks: 0, asleep: 0 }
    }

    /// Whether it is in vain to wait any longer, and how that is known.
    pub(crate) fn reached(&mut self) -> Option<String> {
        let now = Instant::now();
        let threads = threads::others();
        let asleep = threads.iter().all(Thread::sleeps);
        self.looks += 1;
        self.asleep += u32::from(asleep);
        if threads != self.last || !asleep {
            (self.last, self.since) = (threads, now);
        }
        let burned = processor_time().saturating_sub(self.burned);
        if burned > BURNED {
            Some("the program was busy all the time".to_owned())
        } else if !self.last.is_empty() && now.duration_since(self.since) > self.still {
            Some("everything sleeps".to_owned())
        } else if now.duration_since(self.began) > DOZED && self.asleep * 10 > self.looks * 9 {
            Some("the program only wakes now and then, and sleeps again".to_owned())
        } else if now.duration_since(self.began) > PATIENCE {
            Some(format!("it was waited for {} seconds", PATIENCE.as_secs()))
        } else {
            None
        }
    }
}

/// How much processor time this process has had. Asking takes no descriptor.
pub fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    #[test]
    fn a_program_that_runs_in_vain_is_told_from_one_that_sleeps() {
        let (stop, stopped) = mpsc::channel::<()>();
        let busy =
            thread::spawn(move || while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {});
        let mut wait = Standstill::begin();
        let reason = loop {
            if let Some(reason) = wait.reached() {
                break reason;
            }
            thread::yield_now();
        };
        drop(stop);
        busy.join().unwrap();
        assert_eq!(reason, "the program was busy all the time");
    }
}
