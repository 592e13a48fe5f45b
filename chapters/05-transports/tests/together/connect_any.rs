//! The race on a loop without a kernel: time is virtual, and attempts do as they are told.

use crate::cancel::{Moment, dropped_at, moments};
use chapter_03::Mode;
use chapter_04::fake::FakeLoop;
use chapter_04::{running_loop, sleep, spawn, yield_now};
use chapter_05::{ConnectErrors, RECOMMENDED_DELAY, RaceOptions, connect_any};
use std::cell::RefCell;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What an address does with those who connect to it, so many milliseconds after they began.
#[derive(Debug, Clone, Copy)]
enum Host {
    Answers(u64),
    Refuses(u64),
    /// It is a black hole.
    Swallows,
}

use Host::{Answers, Refuses, Swallows};

/// Hosts by their number, which is their address, and what has happened at them.
#[derive(Clone)]
struct Net {
    hosts: Rc<[(char, Host)]>,
    begin: Instant,
    trace: Rc<RefCell<Vec<String>>>,
}

/// An attempt under way, or the connection that has come of it.
struct Connection {
    net: Net,
    number: u16,
}

impl Net {
    /// Hosts with addresses of IP version '4' or '6'.
    fn new<const N: usize>(hosts: [(char, Host); N]) -> Net {
        let begin = running_loop().unwrap().time();
        Net { hosts: Rc::new(hosts), begin, trace: Rc::default() }
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        let address = |(port, (family, _)): (u16, &(char, Host))| match family {
            '4' => SocketAddr::from(([127, 0, 0, 1], port)),
            _ => SocketAddr::from(([0; 16], port)),
        };
        (0..).zip(self.hosts.iter()).map(address).collect()
    }

    fn note(&self, event: &str, number: u16) {
        let time = running_loop().unwrap().time() - self.begin;
        self.trace.borrow_mut().push(format!("{event} {number} at {}", time.as_millis()));
    }

    /// Starts an attempt; it counts as started even if nobody polls it.
    fn start(&self, address: SocketAddr) -> impl Future<Output = io::Result<Connection>> {
        let number = address.port();
        self.note("start", number);
        let connection = Connection { net: self.clone(), number };
        async move {
            match connection.net.hosts[usize::from(number)].1 {
                Answers(after) => {
                    wait(after).await;
                    Ok(connection)
                }
                Refuses(after) => {
                    wait(after).await;
                    let text = format!("refused by {number}");
                    Err(io::Error::new(ErrorKind::ConnectionRefused, text))
                }
                Swallows => pending().await,
            }
        }
    }

    async fn connect_any(&self, options: RaceOptions) -> Result<Connection, ConnectErrors> {
        connect_any(self.addresses(), options, |address| self.start(address)).await
    }

    /// How a race goes: what happens, and the winner or the text of the error.
    async fn race(self, options: RaceOptions) -> (Vec<String>, Result<u16, String>) {
        let outcome = self.connect_any(options).await;
        // What is still under way has said so by now, or never will.
        let trace = self.trace.take();
        (trace, outcome.map(|connection| connection.number).map_err(|errors| errors.to_string()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.net.note("drop", self.number);
    }
}

/// An attempt may also end at once, in its first poll.
async fn wait(after: u64) {
    if after > 0 {
        sleep(Duration::from_millis(after)).await;
    }
}

const SEQUENTIAL: RaceOptions = RaceOptions { delay: None, interleave: None };

fn delay(milliseconds: u64) -> RaceOptions {
    RaceOptions { delay: Some(Duration::from_millis(milliseconds)), interleave: None }
}

/// Runs without a kernel; a wait that would have no end is a panic.
fn run(main: impl Future<Output = ()> + 'static) {
    FakeLoop::new(Mode::Edge).event_loop.run_until_complete(main).unwrap();
}

/// Checks the course of a race: its events and its end.
#[track_caller]
fn check<const N: usize, const M: usize>(
    hosts: [(char, Host); N],
    options: RaceOptions,
    events: [&str; M],
    end: Result<u16, &str>,
) {
    let (events, end) = (events.map(str::to_owned), end.map_err(str::to_owned));
    run(async move {
        let (trace, outcome) = Net::new(hosts).race(options).await;
        assert_eq!(trace, events);
        assert_eq!(outcome, end);
    });
}

/// HE-05: what a black hole costs is one delay.
#[test]
fn a_black_holed_first_address_costs_one_delay() {
    let events = ["start 0 at 0", "start 1 at 100", "drop 0 at 100"];
    check([('4', Swallows), ('4', Answers(0))], delay(100), events, Ok(1));
    let events = ["start 0 at 0", "start 1 at 100", "drop 0 at 130"];
    check([('4', Swallows), ('4', Answers(30))], delay(100), events, Ok(1));
}

/// HE-03: the next attempt starts at the failure of the one before it, or after the delay.
#[test]
fn an_attempt_starts_at_a_failure_or_after_the_delay() {
    let hosts = [('4', Refuses(30)), ('4', Refuses(500)), ('4', Refuses(0)), ('4', Answers(50))];
    let events = [
        "start 0 at 0",
        "drop 0 at 30",
        "start 1 at 30",
        "start 2 at 130",
        "drop 2 at 130",
        "start 3 at 130",
        "drop 1 at 180",
    ];
    check(hosts, delay(100), events, Ok(3));
}

/// HE-03: when it fails at the moment of the deadline, one attempt starts.
#[test]
fn a_failure_at_the_deadline_starts_one_attempt() {
    let hosts = [('4', Refuses(100)), ('4', Swallows), ('4', Answers(0))];
    let events =
        ["start 0 at 0", "drop 0 at 100", "start 1 at 100", "start 2 at 200", "drop 1 at 200"];
    check(hosts, delay(100), events, Ok(2));
}

/// HE-04: a success at the moment when the next attempt is due wins, and that is not started.
#[test]
fn a_success_at_the_deadline_wins() {
    check([('4', Answers(100)), ('4', Answers(0))], delay(100), ["start 0 at 0"], Ok(0));
    let hosts = [('4', Answers(200)), ('4', Refuses(100)), ('4', Answers(0))];
    let events = ["start 0 at 0", "start 1 at 100", "drop 1 at 200"];
    check(hosts, delay(100), events, Ok(0));
    let hosts = [('4', Refuses(200)), ('4', Answers(100)), ('4', Answers(0))];
    let events = ["start 0 at 0", "start 1 at 100", "drop 0 at 200"];
    check(hosts, delay(100), events, Ok(1));
}

/// HE-01 and CC-02: without a delay an attempt has all the time that it wants, and the families do
/// not take turns.
#[test]
fn without_a_delay_one_comes_after_another() {
    let hosts =
        [('6', Refuses(90_000)), ('6', Refuses(0)), ('4', Answers(70_000)), ('6', Swallows)];
    let events = [
        "start 0 at 0",
        "drop 0 at 90000",
        "start 1 at 90000",
        "drop 1 at 90000",
        "start 2 at 90000",
    ];
    check(hosts, SEQUENTIAL, events, Ok(2));
}

/// HE-01 and HE-02: with a delay the families take turns, unless it is said how.
#[test]
fn a_delay_interleaves_the_families() {
    let hosts = [('6', Refuses(1)), ('6', Refuses(1)), ('6', Refuses(1)), ('4', Refuses(1))];
    let order = |options| {
        run(async move {
            let (options, expected): (RaceOptions, [u16; 4]) = options;
            let errors = Net::new(hosts).connect_any(options).await.err().unwrap();
            let expected = expected.map(|number| format!("refused by {number}"));
            assert!(errors.errors().iter().map(ToString::to_string).eq(expected), "{errors}");
        });
    };
    let recommended = RaceOptions { delay: Some(RECOMMENDED_DELAY), interleave: None };
    order((recommended, [0, 3, 1, 2]));
    order((RaceOptions { interleave: Some(2), ..recommended }, [0, 1, 3, 2]));
    order((RaceOptions { interleave: Some(0), ..recommended }, [0, 1, 2, 3]));
    order((SEQUENTIAL, [0, 1, 2, 3]));
    order((RaceOptions { interleave: Some(1), ..SEQUENTIAL }, [0, 3, 1, 2]));
}

/// HE-06 and CC-03: the errors are in the order of the attempts, not in that of time.
#[test]
fn when_all_have_failed_their_errors_are_in_the_order_of_the_attempts() {
    let hosts = [('4', Refuses(900)), ('4', Refuses(20)), ('4', Refuses(300))];
    let events = [
        "start 0 at 0",
        "start 1 at 100",
        "drop 1 at 120",
        "start 2 at 120",
        "drop 2 at 420",
        "drop 0 at 900",
    ];
    let text = "Multiple exceptions: refused by 0, refused by 1, refused by 2";
    check(hosts, delay(100), events, Err(text));
    check([('4', Refuses(7))], delay(100), ["start 0 at 0", "drop 0 at 7"], Err("refused by 0"));
}

/// HE-07 (D-19): two attempts are ready in the same turn. The first one wins, and the other does not
/// even get to know.
#[test]
fn d_19_of_two_winners_one_is_dropped() {
    let hosts = [('4', Answers(150)), ('4', Answers(50)), ('4', Answers(0))];
    let events = ["start 0 at 0", "start 1 at 100", "drop 1 at 150"];
    check(hosts, delay(100), events, Ok(0));
}

/// D-19: attempts that end in their first poll, without ever waiting, go the same way as others.
#[test]
fn d_19_attempts_that_end_at_once_race_as_well() {
    check([('4', Answers(0)), ('4', Answers(0))], delay(100), ["start 0 at 0"], Ok(0));
    check([('4', Answers(0)), ('4', Answers(0))], delay(0), ["start 0 at 0"], Ok(0));
    let hosts = [('4', Refuses(0)), ('4', Refuses(0)), ('4', Answers(0)), ('4', Swallows)];
    let events = ["start 0 at 0", "drop 0 at 0", "start 1 at 0", "drop 1 at 0", "start 2 at 0"];
    check(hosts, delay(100), events, Ok(2));
    check(hosts, SEQUENTIAL, events, Ok(2));
}

/// A delay of zero starts all of them, one in each turn.
#[test]
fn without_patience_all_run_at_once() {
    let hosts = [('4', Swallows), ('4', Answers(20)), ('4', Answers(10))];
    let events = ["start 0 at 0", "start 1 at 0", "start 2 at 0", "drop 0 at 10", "drop 1 at 10"];
    check(hosts, delay(0), events, Ok(2));
}

/// HE-08 (D-19): nothing to attempt is an error, at once.
#[test]
fn d_19_no_address_is_an_error() {
    for options in [SEQUENTIAL, delay(0), delay(100)] {
        check([], options, [], Err("there is no address to connect to"));
    }
}

/// HE-07 (D-19): whoever gives up, at whichever turn, ends every attempt in that moment, and no timer
/// is left.
#[test]
fn d_19_a_race_that_is_dropped_ends_every_attempt() {
    run(async {
        let mut dropped = Vec::new();
        for moment in moments() {
            let net = Net::new([('4', Swallows), ('4', Refuses(150)), ('4', Answers(110))]);
            let is_done = dropped_at(moment, net.connect_any(delay(100))).await.is_some();
            let trace = net.trace.take();
            let count = |event: &str| trace.iter().filter(|line| line.starts_with(event)).count();
            assert_eq!(count("start"), count("drop"), "{moment:?}: {trace:?}");
            assert_eq!(running_loop().unwrap().census().timers, 0, "{moment:?}");
            if is_done {
                break;
            }
            dropped.push(moment);
        }
        // Its polls: at 0, at 100 and at 200 for a start each, at 250 for the refusal, at 310.
        let expected: Vec<Moment> = moments().take(9).collect();
        assert_eq!(dropped, expected);
    });
}

/// HE-07 (D-19): a task that is cancelled while it connects ends, and nobody swallows that.
#[test]
fn d_19_a_task_that_connects_can_be_cancelled() {
    run(async {
        let net = Net::new([('4', Refuses(0)), ('4', Swallows), ('4', Swallows)]);
        let racer = net.clone();
        let task = spawn(async move { racer.connect_any(delay(100)).await.map(|_| ()) });
        sleep(Duration::from_millis(130)).await;
        task.cancel();
        yield_now().await;
        assert!(task.is_finished());
        assert_eq!(task.await.unwrap_err(), chapter_04::JoinError::Cancelled);
        let events = [
            "start 0 at 0",
            "drop 0 at 0",
            "start 1 at 0",
            "start 2 at 100",
            "drop 1 at 130",
            "drop 2 at 130",
        ];
        assert_eq!(*net.trace.borrow(), events);
    });
}
