use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;
use std::thread::available_parallelism;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where and when a measurement was made: the class of machine, never its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    cores: usize,
    architecture: String,
    /// The first two numbers of the kernel's version.
    kernel: String,
    date: Date,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Date {
    year: u64,
    month: u64,
    day: u64,
}

impl Machine {
    /// This machine, today. Ask before the thread is pinned: cores that it may not use do not count.
    pub fn here() -> Machine {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let kernel: Vec<_> = release.trim().split('.').take(2).collect();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Machine {
            cores: available_parallelism().map_or(1, usize::from),
            architecture: std::env::consts::ARCH.to_owned(),
            kernel: kernel.join("."),
            date: Date::of_day(since_1970.as_secs() / 86_400),
        }
    }

    /// How many processors there are for us.
    pub fn cores(&self) -> usize {
        self.cores
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, architecture, kernel, date } = self;
        let plural = if *cores == 1 { "" } else { "s" };
        write!(f, "{cores} core{plural} ({architecture}), Linux {kernel}, ")?;
        write!(f, "{:04}-{:02}-{:02}", date.year, date.month, date.day)
    }
}

impl Date {
    /// The date of a day counted from 1 January 1970, in UTC.
    fn of_day(mut day: u64) -> Date {
        let leap = |year: u64| {
            year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
        };
        let mut year = 1970;
        while day >= 365 + u64::from(leap(year)) {
            day -= 365 + u64::from(leap(year));
            year += 1;
        }
        let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = 0;
        while day >= lengths[month] {
            day -= lengths[month];
            month += 1;
        }
        Date { year, month: month as u64 + 1, day: day + 1 }
    }
}

/// The average number of processes that were running or waiting to run in the last minute, as the kernel tells it.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        let date = |day| Date::of_day(day);
        assert_eq!(date(0), Date { year: 1970, month: 1, day: 1 });
        assert_eq!(date(11_016), Date { year: 2000, month: 2, day: 29 });
        assert_eq!(date(11_017), Date { year: 2000, month: 3, day: 1 });
        assert_eq!(date(20_453), Date { year: 2025, month: 12, day: 31 });
        assert_eq!(date(20_454), Date { year: 2026, month: 1, day: 1 });
    }
}
