//! What a process costs, from `/proc`. Where the platform does not tell, `None`.

use rustix::process::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// How much processor time the process has had or waited for, all threads together.
///
/// The time it waits in the run queue counts, so that a process that never rests wants about 100 %
/// of a processor however busy the machine is, and one that rests wants none.
pub fn processor_wanted(pid: Pid) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let (mut wanted, mut slices) = (0, 0);
    for thread in threads {
        // "time on a processor, time in the run queue, time slices", in nanoseconds.
        // A thread may end after it was listed; then it wants nothing any more.
        let Ok(text) = fs::read_to_string(thread.ok()?.path().join("schedstat")) else { continue };
        let mut fields = text.split_whitespace().map(|field| field.parse::<u64>().ok());
        wanted += fields.next()?? + fields.next()??;
        slices += fields.next()??;
    }
    // Every process that runs has had a time slice: none at all means that nobody counts. The times
    // of one that has just started may be 0, for they are booked at a tick or when the slice ends.
    (slices > 0).then_some(Duration::from_nanos(wanted))
}

/// The share of one processor that the process wants, observed for `window`: 0.0 is rest, 1.0 is no
/// rest.
///
/// A process that waits in the run queue at the end of the window is not credited for that wait
/// yet, so a window should be long against the time slices of a scheduler (some milliseconds).
pub fn processor_share(pid: Pid, window: Duration) -> Option<f64> {
    let (start, before) = (Instant::now(), processor_wanted(pid)?);
    thread::sleep(window);
    let wanted = processor_wanted(pid)?.saturating_sub(before);
    Some(wanted.as_secs_f64() / start.elapsed().as_secs_f64())
}

/// Resident memory now, in bytes.
pub fn resident(pid: Pid) -> Option<u64> {
    status(pid, "VmRSS:").map(|kib| kib * 1024)
}

/// The most that resident memory has ever been, in bytes. What the kernel buffers for its sockets
/// is not in it.
pub fn resident_peak(pid: Pid) -> Option<u64> {
    status(pid, "VmHWM:").map(|kib| kib * 1024)
}

/// How often the main thread has gone to sleep.
pub fn sleeps(pid: Pid) -> Option<u64> {
    status(pid, "voluntary_ctxt_switches:")
}

/// The numbers of its open descriptors.
pub fn descriptors(pid: Pid) -> Option<BTreeSet<u64>> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    entries.map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn status(pid: Pid, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
