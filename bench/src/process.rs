//! What a process has cost, from `/proc`.

use anyhow::Context;
use rustix::io::Errno;
use rustix::process::Pid;
use std::fs;
use std::io;
use std::ops::Sub;
use std::time::Duration;

/// Processor time of a process, all its threads together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processor {
    /// Time on a processor.
    pub used: Duration,
    /// Time in the run queue, able to run while something else did.
    pub waited: Duration,
}

impl Processor {
    /// Up to now. Exact for a process that sleeps, else up to the last tick of the scheduler.
    ///
    /// # Errors
    ///
    /// If the process is gone or the kernel keeps no such account.
    pub fn of(pid: Pid) -> anyhow::Result<Processor> {
        let mut total = Processor { used: Duration::ZERO, waited: Duration::ZERO };
        let mut slices = 0;
        for thread in fs::read_dir(format!("/proc/{pid}/task")).context("the server is gone")? {
            let text = match fs::read_to_string(thread?.path().join("schedstat")) {
                Ok(text) => text,
                // A thread may end after it was listed, before or while its file is read.
                Err(error) if is_gone(&error) => continue,
                Err(error) => return Err(error.into()),
            };
            let (thread, thread_slices) =
                Processor::parse(&text).with_context(|| format!("schedstat says {text:?}"))?;
            total.used += thread.used;
            total.waited += thread.waited;
            slices += thread_slices;
        }
        // Every process that runs has had a time slice: none at all means that nobody counts. The
        // times themselves may still be 0, for they are booked at a tick or when the slice ends.
        anyhow::ensure!(slices > 0, "the kernel keeps no account of threads");
        Ok(total)
    }

    /// Nanoseconds on a processor, nanoseconds in the run queue, number of time slices.
    fn parse(schedstat: &str) -> Option<(Processor, u64)> {
        let mut fields = schedstat.split_whitespace().map(|field| field.parse::<u64>().ok());
        let mut time = || Some(Duration::from_nanos(fields.next()??));
        let processor = Processor { used: time()?, waited: time()? };
        Some((processor, fields.next()??))
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::SRCH))
}

impl Sub for Processor {
    type Output = Processor;

    fn sub(self, earlier: Processor) -> Processor {
        Processor {
            used: self.used.saturating_sub(earlier.used),
            waited: self.waited.saturating_sub(earlier.waited),
        }
    }
}

/// Resident memory, in bytes. What the kernel buffers for sockets is not in it.
///
/// # Errors
///
/// If the process is gone or the kernel does not tell.
pub fn resident(pid: Pid) -> anyhow::Result<u64> {
    // The sum in `status` is put together from counters of each processor and can be some pages behind.
    let kib = field(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?, "Rss:");
    Ok(kib.context("the kernel does not tell the resident memory")? * 1024)
}

/// How often the main thread was taken off its processor: because it slept, or because another had its turn.
///
/// # Errors
///
/// If the process is gone or the kernel does not tell.
pub fn switches(pid: Pid) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let count = |name| field(&text, name).context("the kernel does not count context switches");
    Ok(count("voluntary_ctxt_switches:")? + count("nonvoluntary_ctxt_switches:")?)
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_kernel_are_understood() {
        let expected = Processor {
            used: Duration::from_nanos(38_218_501),
            waited: Duration::from_nanos(70_211),
        };
        assert_eq!(Processor::parse("38218501 70211 42\n"), Some((expected, 42)));
        assert_eq!(Processor::parse("0\n"), None);
        assert_eq!(field("header [rollup]\nRss:     1832 kB\nPss:  20 kB\n", "Rss:"), Some(1832));
        assert_eq!(field("Pss: 20 kB\n", "Rss:"), None);
    }

    #[test]
    fn this_process_has_used_a_processor() {
        let pid = rustix::process::getpid();
        // Booked at the next tick at the latest.
        while Processor::of(pid).unwrap().used == Duration::ZERO {}
        // Also while threads come and go.
        std::thread::scope(|scope| {
            scope.spawn(|| (0..500).for_each(|_| std::thread::spawn(|| {}).join().unwrap()));
            (0..500).for_each(|_| assert!(Processor::of(pid).is_ok()));
        });
        assert!(resident(pid).unwrap() > 100_000);
        switches(pid).unwrap();
    }
}
