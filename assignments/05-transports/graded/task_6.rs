//! Task 5.6: the race on the loop, where time is virtual and hosts do as they are told.

use crate::scene::mode;
use chapter_04::fake::FakeLoop;
use chapter_04::{Outcome, running_loop, sleep};
use chapter_05::{RaceOptions, connect_any};
use grading::{Notes, Trial, Verdict};
use std::cell::RefCell;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What a host does with those who connect to it, so many milliseconds after they began.
#[derive(Debug, Clone, Copy)]
enum Host {
    Answers(u64),
    Refuses(u64),
    IsSilent,
}

use Host::{Answers, IsSilent, Refuses};

/// Hosts by their number, and what has happened at them.
#[derive(Clone)]
struct Net {
    hosts: Rc<[Host]>,
    begin: Instant,
    events: Rc<RefCell<Vec<String>>>,
    notes: Notes,
}

impl Net {
    fn note(&self, number: usize, event: &str) {
        let time = running_loop().expect("the race runs on a loop").time() - self.begin;
        let event = format!("attempt {number} {event} at {} ms", time.as_millis());
        self.notes.saw(&event);
        self.events.borrow_mut().push(event);
    }
}

/// An attempt under way, or the connection that has come of it: its end is noted.
struct Attempt {
    net: Net,
    number: usize,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.net.note(self.number, "is closed");
    }
}

/// Starts an attempt, which counts as started even if nobody polls it.
fn connect(net: &Net, address: SocketAddr) -> impl Future<Output = io::Result<Attempt>> {
    let number = usize::from(address.port());
    net.note(number, "starts");
    let (attempt, host) = (Attempt { net: net.clone(), number }, net.hosts[number]);
    async move {
        match host {
            Answers(time) => {
                wait(time).await;
                Ok(attempt)
            }
            Refuses(time) => {
                wait(time).await;
                Err(io::Error::new(ErrorKind::ConnectionRefused, format!("refused by {number}")))
            }
            IsSilent => pending().await,
        }
    }
}

async fn wait(time: u64) {
    if time > 0 {
        sleep(Duration::from_millis(time)).await;
    }
}

/// What has become of a race.
struct Course {
    /// In their order, until `connect_any` has returned.
    events: Vec<String>,
    /// The winner, or the errors.
    end: Result<usize, Vec<String>>,
    /// When `connect_any` has returned.
    time: u64,
    timers: usize,
}

impl Outcome for Course {}

/// Plays a race, of whose hosts the first `six` have addresses of IPv6.
fn race(trial: &Trial, hosts: &[Host], six: usize, delay: Option<u64>) -> Course {
    let words = hosts.iter().enumerate().map(|(number, host)| {
        let family = match six {
            0 => "",
            six if number < six => " (IPv6)",
            _ => " (IPv4)",
        };
        match host {
            Answers(time) => format!("{number}{family} answers after {time} ms"),
            Refuses(time) => format!("{number}{family} refuses after {time} ms"),
            IsSilent => format!("{number}{family} is silent"),
        }
    });
    let delay_said = delay.map_or("no delay".to_owned(), |delay| format!("a delay of {delay} ms"));
    trial.did(format!("connect_any() with {delay_said}: {}", words.collect::<Vec<_>>().join(", ")));
    let (hosts, notes): (Rc<[Host]>, Notes) = (hosts.into(), trial.notes());
    let mut fake = FakeLoop::new(mode(trial));
    let main = async move {
        let event_loop = running_loop().expect("it runs on a loop");
        let begin = event_loop.time();
        let net = Net { hosts, begin, events: Rc::default(), notes };
        let addresses = (0..net.hosts.len()).map(|number| match number < six {
            true => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], number as u16)),
            false => SocketAddr::from(([127, 0, 0, 1], number as u16)),
        });
        let options = RaceOptions { delay: delay.map(Duration::from_millis), interleave: None };
        let outcome =
            connect_any(addresses.collect(), options, |address| connect(&net, address)).await;
        let time = (event_loop.time() - begin).as_millis() as u64;
        let events = net.events.take();
        let timers = event_loop.census().timers;
        let end = match &outcome {
            Ok(attempt) => Ok(attempt.number),
            Err(errors) => Err(errors.errors().iter().map(ToString::to_string).collect()),
        };
        Course { events, end, time, timers }
    };
    fake.event_loop.run_until_complete(main).expect("the loop is not stopped")
}

/// The race goes like this.
fn goes(
    trial: &Trial,
    hosts: &[Host],
    delay: Option<u64>,
    events: &[(usize, &str, u64)],
    end: Result<usize, &[usize]>,
    why: &str,
) -> Verdict {
    follows(trial, &race(trial, hosts, 0, delay), events, end, why)
}

fn follows(
    trial: &Trial,
    course: &Course,
    events: &[(usize, &str, u64)],
    end: Result<usize, &[usize]>,
    why: &str,
) -> Verdict {
    let events: Vec<String> = events
        .iter()
        .map(|(number, event, time)| format!("attempt {number} {event} at {time} ms"))
        .collect();
    trial.expect("what happens", &events, &course.events, why)?;
    let end = end.map_err(|all| all.iter().map(|number| format!("refused by {number}")).collect());
    trial.expect("the outcome", &end, &course.end, why)
}

const STARTS: &str = "starts";
const CLOSED: &str = "is closed";

pub(crate) fn a_race_goes_as_its_rules_say(trial: &mut Trial) -> Verdict {
    const SILENT: &str =
        "A silent address costs one delay, and goes on beside those that come later.";
    const REFUSED: &str = "A refusal starts the next attempt at once, and an attempt that runs on may \
                           still win.";
    const SAME_TURN: &str = "All attempts are asked in each turn: a success wins against a failure, and \
                             against a start, in the same moment.";
    let delay = trial.random().between(100, 200) as u64;
    let soon = trial.random().between(2, 90) as u64;
    let both = Some(delay);
    let silent = [IsSilent, Answers(soon)];
    let events = [(0, STARTS, 0), (1, STARTS, delay), (0, CLOSED, delay + soon)];
    goes(trial, &silent, both, &events, Ok(1), SILENT)?;

    let slow = [Answers(delay + soon), Refuses(1), Answers(1000)];
    let events = [
        (0, STARTS, 0),
        (1, STARTS, delay),
        (1, CLOSED, delay + 1),
        (2, STARTS, delay + 1),
        (2, CLOSED, delay + soon),
    ];
    goes(trial, &slow, both, &events, Ok(0), REFUSED)?;

    let same = [Refuses(delay + soon), Answers(soon), Answers(0)];
    let events = [(0, STARTS, 0), (1, STARTS, delay), (0, CLOSED, delay + soon)];
    goes(trial, &same, both, &events, Ok(1), SAME_TURN)?;
    let at_the_deadline = [Answers(delay), Answers(0)];
    goes(trial, &at_the_deadline, both, &[(0, STARTS, 0)], Ok(0), SAME_TURN)?;

    let refused = [Refuses(soon), Refuses(0), Refuses(soon)];
    let events = [
        (0, STARTS, 0),
        (0, CLOSED, soon),
        (1, STARTS, soon),
        (1, CLOSED, soon),
        (2, STARTS, soon),
        (2, CLOSED, 2 * soon),
    ];
    let why = "Without a delay one comes after the other, and all errors are told.";
    goes(trial, &refused, None, &events, Err(&[0, 1, 2]), why)?;
    let dead_family = [IsSilent, IsSilent, Answers(soon)];
    let course = race(trial, &dead_family, 2, both);
    let events = [(0, STARTS, 0), (2, STARTS, delay), (0, CLOSED, delay + soon)];
    follows(trial, &course, &events, Ok(2), "With a delay the families take turns.")?;
    goes(trial, &[], both, &[], Err(&[]), "Nothing to attempt is an error, too.")
}

pub(crate) fn whoever_loses_is_closed_before_the_winner_is_given(trial: &mut Trial) -> Verdict {
    const CLOSED: &str = "Whoever has a connection wants no other one: a loser that goes on has a socket, \
                          and a peer who thinks that he is wanted.";
    const TIME: &str =
        "The winner is wanted now: the others are not waited for, they are given up.";
    let delay = trial.random().between(50, 100) as u64;
    let count = trial.random().between(3, 5);
    let winner = trial.random().between(0, count - 2);
    let slow = 10 * delay;
    let mut hosts = vec![Answers(slow); count];
    // It answers when all have started, and before any other one does.
    let time = count as u64 * delay;
    hosts[winner] = Answers(time - winner as u64 * delay);
    let course = race(trial, &hosts, 0, Some(delay));
    trial.expect("the outcome", &Ok(winner), &course.end, TIME)?;
    let named = |word: &str| course.events.iter().filter(|event| event.contains(word)).count();
    trial.expect("attempts that were started", &count, &named("starts"), TIME)?;
    trial.expect(
        "attempts that are closed when it returns",
        &(count - 1),
        &named("is closed"),
        CLOSED,
    )?;
    trial.expect("milliseconds until it returns", &time, &course.time, TIME)?;
    trial.expect(
        "timers of the loop",
        &0,
        &course.timers,
        "Who gives up an attempt gives up its time-out.",
    )
}
