//! Task 5.5: the order of the addresses, and the rules of the race.

use chapter_05::{Attempt, HappyEyeballs, interleave};
use grading::{Trial, Verdict};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(crate) fn the_families_take_turns(trial: &mut Trial) -> Verdict {
    const WHY: &str = "If a whole family has no route, each of its addresses costs a delay. So the \
                       families take turns, and a dead one costs one delay.";
    let name = |address: &SocketAddr| {
        let family = if address.is_ipv4() { "v4" } else { "v6" };
        format!("{family}-{}", address.port())
    };
    for _ in 0..8 {
        let mut counts = [0, 0];
        let count = trial.random().between(1, 7);
        let addresses: Vec<SocketAddr> = (0..count)
            .map(|_| {
                let family = trial.random().between(0, 1);
                counts[family] += 1;
                match family {
                    0 => SocketAddr::from(([127, 0, 0, 1], counts[0])),
                    _ => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], counts[1])),
                }
            })
            .collect();
        let first_count = trial.random().between(0, 3);
        let names: Vec<String> = addresses.iter().map(name).collect();
        trial.did(format!("interleave([{}], {first_count})", names.join(", ")));
        let (mut first, mut other): (Vec<&String>, Vec<&String>) =
            names.iter().partition(|name| name[..2] == names[0][..2]);
        let mut expected = Vec::new();
        // From behind, for the last of a list is the cheap one to take.
        first.reverse();
        other.reverse();
        for _ in 1..first_count {
            expected.extend(first.pop());
        }
        while !(first.is_empty() && other.is_empty()) {
            expected.extend(first.pop());
            expected.extend(other.pop());
        }
        let expected: Vec<String> = expected.into_iter().cloned().collect();
        let came = interleave(addresses, first_count).iter().map(name).collect();
        trial.expect("the order", &expected, &came, WHY)?;
    }
    trial.did("interleave([], 1)");
    trial.expect("the order", &Vec::new(), &interleave(Vec::new(), 1), "No address is no fault.")
}

/// A race of addresses 0, 1, 2 and so on, that is driven by hand. Times are milliseconds.
struct Race {
    race: Option<HappyEyeballs<usize, usize, String>>,
    begin: Instant,
    running: Vec<Attempt>,
}

impl Race {
    fn new(trial: &Trial, addresses: usize, delay: Option<u64>) -> Race {
        trial.did(match delay {
            Some(delay) => format!("a race of {addresses} addresses, with a delay of {delay} ms"),
            None => format!("a race of {addresses} addresses, without a delay"),
        });
        let race = HappyEyeballs::new((0..addresses).collect(), delay.map(Duration::from_millis));
        Race { race, begin: Instant::now(), running: Vec::new() }
    }

    /// Calls `start_due`; it is to start this address, or none, and to give this time.
    fn start_due(
        &mut self,
        trial: &Trial,
        now: u64,
        expected: Option<usize>,
        next: Option<u64>,
        why: &str,
    ) -> Verdict {
        let race = self.race.as_mut().expect("the race goes on");
        let mut started = None;
        let time = self.begin + Duration::from_millis(now);
        let came = race.start_due(time, |address| *started.insert(address));
        self.running = race.running_mut().map(|(attempt, _)| attempt).collect();
        let came = came.map(|time| time.saturating_duration_since(self.begin).as_millis() as u64);
        let said = |started: Option<usize>, next: Option<u64>| {
            let started = match started {
                Some(address) => format!("starts attempt {address}"),
                None => "starts nothing".to_owned(),
            };
            let next = match next {
                Some(time) => format!("is to be called again at {time} ms"),
                None => "need not be called again before something happens".to_owned(),
            };
            format!("start_due({now} ms) {started}, and {next}")
        };
        let (expected, came) = (said(expected, next), said(started, came));
        trial.ensure(expected == came, &expected, &came, why)?;
        trial.did(expected);
        Ok(())
    }

    /// Says that an attempt has failed.
    fn fails(&mut self, trial: &Trial, address: usize) -> Result<(), Vec<String>> {
        trial.did(format!("attempt {address} fails"));
        let attempt = self.running.iter().find(|attempt| attempt.index() == address).copied();
        let race = self.race.take().expect("the race goes on");
        let attempt = attempt.expect("the check knows what it has started");
        self.race = Some(race.failed(attempt, format!("refused by {address}"))?);
        Ok(())
    }

    /// The same, where the race has to go on.
    fn fails_and_goes_on(&mut self, trial: &Trial, address: usize, why: &str) -> Verdict {
        match self.fails(trial, address) {
            Ok(()) => Ok(()),
            Err(errors) => trial.fail("the race goes on", format!("its end, {errors:?}"), why),
        }
    }
}

pub(crate) fn the_next_attempt_starts_at_a_failure_or_after_the_delay(
    trial: &mut Trial,
) -> Verdict {
    const DELAY: &str = "An attempt that is silent costs a delay, counted from its own start; the \
                         others need not wait until the kernel gives it up, which takes minutes.";
    const FAILURE: &str =
        "Who is refused knows it at once: there is nothing to be waited for any more.";
    const EARLIER: &str = "The failure of an attempt whose successor runs already starts nothing: each \
                           attempt has one successor.";
    const NOTHING: &str = "Where no address is left, no time has to come: to be woken at it would be \
                           to be woken in vain.";
    let delay = trial.random().between(100, 400) as u64;
    let early = trial.random().between(1, 99) as u64;
    let mut race = Race::new(trial, 5, Some(delay));
    race.start_due(trial, 0, Some(0), Some(delay), DELAY)?;
    race.start_due(trial, early, None, Some(delay), DELAY)?;
    race.start_due(trial, delay, Some(1), Some(2 * delay), DELAY)?;
    // A turn that comes late counts from when it came.
    let late = 2 * delay + early;
    race.start_due(trial, late, Some(2), Some(late + delay), DELAY)?;
    race.fails_and_goes_on(trial, 1, EARLIER)?;
    race.start_due(trial, late + 1, None, Some(late + delay), EARLIER)?;
    race.fails_and_goes_on(trial, 2, FAILURE)?;
    let refused = late + 1 + early / 2;
    race.start_due(trial, refused, Some(3), Some(refused + delay), FAILURE)?;
    race.start_due(trial, refused, None, Some(refused + delay), "One failure starts one attempt.")?;
    // A failure in the moment of the deadline.
    race.fails_and_goes_on(trial, 3, FAILURE)?;
    race.start_due(trial, refused + delay, Some(4), None, NOTHING)?;
    race.start_due(trial, refused + 3 * delay, None, None, NOTHING)?;

    let mut race = Race::new(trial, 3, None);
    const ALONE: &str = "Without a delay an attempt has all the time that it wants.";
    race.start_due(trial, 0, Some(0), None, ALONE)?;
    race.start_due(trial, 60_000 + early, None, None, ALONE)?;
    race.fails_and_goes_on(trial, 0, FAILURE)?;
    race.start_due(trial, 70_000, Some(1), None, FAILURE)
}

pub(crate) fn when_all_have_failed_every_error_is_told(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Each address has its own reason, and the last one to fail is seldom the one that \
                       matters: the errors are those of all attempts, in the order of their starts.";
    const RUNS: &str = "As long as an attempt runs, or an address is left, the race is not lost.";
    let count = trial.random().between(3, 6);
    let mut race = Race::new(trial, count, Some(0));
    for address in 0..count {
        let next = (address + 1 < count).then_some(0);
        race.start_due(
            trial,
            0,
            Some(address),
            next,
            "Without patience all run at once, each started by a turn.",
        )?;
    }
    let mut order: Vec<usize> = (0..count).collect();
    trial.random().shuffle(&mut order);
    let (last, others) = order.split_last().expect("there are three at least");
    for &address in others {
        race.fails_and_goes_on(trial, address, RUNS)?;
    }
    let Err(errors) = race.fails(trial, *last) else {
        return trial.fail(
            "the race is lost",
            "it goes on",
            "Nothing runs, and no address is left.",
        );
    };
    let expected: Vec<String> = (0..count).map(|address| format!("refused by {address}")).collect();
    trial.expect("the errors", &expected, &errors, WHY)?;

    let mut race = Race::new(trial, 2, None);
    race.start_due(trial, 0, Some(0), None, RUNS)?;
    race.fails_and_goes_on(trial, 0, RUNS)?;
    race.start_due(trial, 1, Some(1), None, RUNS)
}
