//! Every race of up to four addresses: each attempt fails, succeeds or never ends, at each of a few
//! moments after its start, with each of a few delays. What the machine does is compared with what
//! the rules say, which is computed without it.

use super::*;
use std::cell::RefCell;
use std::rc::Rc;

/// Milliseconds since the beginning of the race.
type Ms = u64;

/// How an attempt ends, and how long after its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Fails(Ms),
    Succeeds(Ms),
    Never,
}

/// How a race ends, and when.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Won(usize, Ms),
    /// The errors, which are the numbers of their attempts.
    Failed(Vec<usize>, Ms),
    /// Nothing will happen any more; here the caller gives up.
    Endless,
}

/// What happens in a race: when each attempt starts, and how it all ends.
type Course = (Vec<Option<Ms>>, Outcome);

/// The rules HE-01, HE-03, HE-04 and HE-06 as equations.
fn rules(delay: Option<Ms>, ends: &[End]) -> Course {
    let success = |starts: &[Option<Ms>], n: usize| match (starts[n], ends[n]) {
        (Some(start), End::Succeeds(after)) => Some((start + after, n)),
        _ => None,
    };
    let mut starts = vec![Some(0)];
    for n in 1..ends.len() {
        let due = starts[n - 1].and_then(|start| {
            let by_delay = delay.map(|delay| start + delay);
            let by_failure = match ends[n - 1] {
                End::Fails(after) => Some(start + after),
                _ => None,
            };
            by_delay.into_iter().chain(by_failure).min()
        });
        let first_success = (0..n).filter_map(|m| success(&starts, m)).min();
        starts.push(due.filter(|due| first_success.is_none_or(|(time, _)| *due < time)));
    }
    let fails = |n| match (starts[n], ends[n]) {
        (Some(start), End::Fails(after)) => Some(start + after),
        _ => None,
    };
    let numbers: Vec<usize> = (0..ends.len()).collect();
    let outcome = match numbers.iter().filter_map(|n| success(&starts, *n)).min() {
        Some((time, winner)) => Outcome::Won(winner, time),
        None => match numbers.iter().map(|n| fails(*n)).collect::<Option<Vec<Ms>>>() {
            Some(times) => Outcome::Failed(numbers, times.into_iter().max().unwrap()),
            None => Outcome::Endless,
        },
    };
    (starts, outcome)
}

/// An attempt that runs: it notes when it is dropped.
struct Running(usize, Rc<RefCell<Vec<usize>>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

type Race = HappyEyeballs<usize, Running, usize>;

/// A race that is driven through the moments at which anything happens, and through no other.
struct Trial<'a> {
    delay: Option<Ms>,
    ends: &'a [End],
    begin: Instant,
    now: Ms,
    starts: Vec<Option<Ms>>,
    dropped: Rc<RefCell<Vec<usize>>>,
}

impl Trial<'_> {
    /// When an attempt that runs will end.
    fn end(&self, attempt: Attempt) -> Option<Ms> {
        match self.ends[attempt.index()] {
            End::Fails(after) | End::Succeeds(after) => {
                self.starts[attempt.index()].map(|start| start + after)
            }
            End::Never => None,
        }
    }

    fn start_due(&mut self, race: &mut Race) -> Option<Ms> {
        let now = self.begin + Duration::from_millis(self.now);
        let deadline = race.start_due(now, |address| {
            assert_eq!(self.starts[address].replace(self.now), None, "it starts once");
            Running(address, Rc::clone(&self.dropped))
        })?;
        let latest = self.starts.iter().rposition(Option::is_some).unwrap();
        assert!(latest + 1 < self.starts.len(), "there is nothing to wait for");
        let deadline = Ms::try_from((deadline - self.begin).as_millis()).unwrap();
        assert_eq!(
            Some(deadline),
            self.starts[latest].zip(self.delay).map(|(start, delay)| start + delay)
        );
        Some(deadline)
    }

    /// Those who have started and are not dropped.
    fn left(&self) -> usize {
        self.starts.iter().flatten().count() - self.dropped.borrow().len()
    }

    fn drive(&mut self, mut race: Race, is_reversed: bool) -> Outcome {
        loop {
            let deadline = self.start_due(&mut race);
            let running: Vec<Attempt> = race.running_mut().map(|(attempt, _)| attempt).collect();
            assert_eq!(running.len(), self.left());
            let ends = running.iter().filter_map(|attempt| self.end(*attempt));
            let Some(next) = ends.chain(deadline).min() else { return Outcome::Endless };
            self.now = next;
            let mut ended = running;
            ended.retain(|attempt| self.end(*attempt) == Some(next));
            if is_reversed {
                ended.reverse();
            }
            let succeeds =
                |attempt: &&Attempt| matches!(self.ends[attempt.index()], End::Succeeds(_));
            if let Some(winner) = ended.iter().filter(succeeds).min() {
                let winner = race.won(*winner);
                assert_eq!(self.left(), 0, "the others are dropped with the race");
                return Outcome::Won(winner.index(), next);
            }
            for attempt in ended {
                let left = self.left();
                race = match race.failed(attempt, attempt.index()) {
                    Ok(race) => race,
                    Err(errors) => return Outcome::Failed(errors, next),
                };
                assert_eq!(self.left(), left - 1, "who fails is dropped at once");
            }
        }
    }
}

fn drive(delay: Option<Ms>, ends: &[End], is_reversed: bool) -> Course {
    let race = HappyEyeballs::new((0..ends.len()).collect(), delay.map(Duration::from_millis));
    let (starts, dropped) = (vec![None; ends.len()], Rc::default());
    let mut trial = Trial { delay, ends, begin: Instant::now(), now: 0, starts, dropped };
    let outcome = trial.drive(race.unwrap(), is_reversed);
    let mut dropped = trial.dropped.take();
    dropped.sort_unstable();
    let started = (0..ends.len()).filter(|n| trial.starts[*n].is_some());
    assert!(started.eq(dropped), "who has started is dropped, once");
    (trial.starts, outcome)
}

/// HE-01, HE-03, HE-04, HE-06, D-19: every race goes as the rules say, whatever happens in it and in
/// which order. There is one winner at most, and of all others nothing is left.
#[test]
fn d_19_every_race_goes_as_the_rules_say() {
    let times = [0, 1, 2, 4];
    let mut ends = vec![End::Never];
    ends.extend(times.map(End::Fails));
    ends.extend(times.map(End::Succeeds));
    let mut counts = [0; 3];
    for length in 1..=4 {
        for number in 0..ends.len().pow(length) {
            let digit = |place| ends[number / ends.len().pow(place) % ends.len()];
            let ends: Vec<End> = (0..length).map(digit).collect();
            for delay in [None, Some(0), Some(1), Some(2), Some(3)] {
                let expected = rules(delay, &ends);
                for is_reversed in [false, true] {
                    let course = drive(delay, &ends, is_reversed);
                    assert_eq!(course, expected, "delay {delay:?}, {ends:?}, {is_reversed}");
                }
                counts[match expected.1 {
                    Outcome::Won(..) => 0,
                    Outcome::Failed(..) => 1,
                    Outcome::Endless => 2,
                }] += 1;
            }
        }
    }
    assert_eq!(counts.iter().sum::<usize>(), 5 * (9 + 81 + 729 + 6561));
    assert!(counts.iter().all(|count| *count > 1000), "{counts:?}");
}
