//! Task 4.1: `Timers`, which the crate keeps to itself: its file is compiled here once more.

use grading::{Trial, Verdict, measure};
use std::time::{Duration, Instant};
use timers::Timers;

#[rustfmt::skip]
#[path = "../src/timers.rs"]
#[allow(dead_code, unused_imports)]
mod timers;

/// Takes what is due at `now`, until there is none.
fn take_all(timers: &mut Timers<usize>, now: Instant) -> Vec<usize> {
    std::iter::from_fn(|| timers.take_due(now)).collect()
}

/// A deadline in words that do not depend on when the check began.
fn after(origin: Instant, deadline: Option<Instant>) -> String {
    deadline.map_or("none".to_owned(), |deadline| {
        let (sign, distance) = match deadline.checked_duration_since(origin) {
            Some(distance) => ("", distance),
            None => ("-", origin - deadline),
        };
        format!("{sign}{} ns", distance.as_nanos())
    })
}

pub(crate) fn the_earliest_deadline_comes_first(trial: &mut Trial) -> Verdict {
    const WHY: &str = "The standard library's heap gives its greatest entry first, and the timer that is due first has \
                       the least deadline: one of the two has to be turned round.";
    let origin = Instant::now();
    let at = |millis: usize| origin + Duration::from_millis(millis as u64);
    for count in [6, 200] {
        let mut timers = Timers::new(origin);
        let step = trial.random().between(1, 9);
        let mut delays: Vec<usize> = (1..=count).map(|place| place * step).collect();
        trial.random().shuffle(&mut delays);
        for &millis in &delays {
            timers.set(at(millis), millis);
        }
        let shown = if count < 10 { format!("{delays:?}") } else { "many numbers of".to_owned() };
        trial.did(format!("timers are set for {shown} ms"));
        trial.expect("next(), in ms", &step, &millis(origin, timers.next()), WHY)?;
        let middle = step * count / 2;
        trial.did(format!("take_due() at {middle} ms, until it gives none"));
        let due: Vec<usize> = (1..=count / 2).map(|place| place * step).collect();
        trial.expect("it gives the timers of", &due, &take_all(&mut timers, at(middle)), WHY)?;
        let rest: Vec<usize> = (count / 2 + 1..=count).map(|place| place * step).collect();
        trial.did(format!("take_due() at {} ms, until it gives none", count * step));
        let came = take_all(&mut timers, at(count * step));
        trial.expect("it gives the timers of", &rest, &came, WHY)?;
    }
    Ok(())
}

/// How many milliseconds after `origin` a deadline is, with the greatest number for none.
fn millis(origin: Instant, deadline: Option<Instant>) -> usize {
    deadline.map_or(usize::MAX, |deadline| {
        deadline.saturating_duration_since(origin).as_millis() as usize
    })
}

pub(crate) fn equal_deadlines_keep_the_order_in_which_they_were_set(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A heap keeps no order among equals, and gives its greatest first. Who schedules one thing after \
                       another for the same time counts on their order. So no two entries may be equal, and of two with \
                       the same deadline the one that was set first is the greater.";
    let origin = Instant::now();
    let mut timers = Timers::new(origin);
    let count = trial.random().between(8, 14);
    trial.did(format!("timers 0 to {} are set, all for the same time", count - 1));
    for number in 0..count {
        timers.set(origin, number);
    }
    let expected: Vec<usize> = (0..count).collect();
    trial.expect("take_due() gives", &expected, &take_all(&mut timers, origin), WHY)?;
    trial.did("the same with three deadlines, by turns");
    let at = |number: usize| origin + Duration::from_secs(number as u64 % 3);
    for number in 0..count {
        timers.set(at(number), number);
    }
    let mut expected: Vec<usize> = (0..count).collect();
    expected.sort_by_key(|number| number % 3);
    trial.expect("take_due() gives", &expected, &take_all(&mut timers, at(2)), WHY)
}

pub(crate) fn a_timer_is_due_at_its_deadline_and_not_before(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A timer that runs too early finds that its time has not come. Whatever deadlines are counted in, \
                       nothing of them may be cut off.";
    let origin = Instant::now();
    let mut timers = Timers::new(origin);
    let nanos = trial.random().between(1_000_001, 1_999_999) as u64;
    let deadline = origin + Duration::from_nanos(nanos);
    trial.did(format!("a timer is set for {nanos} ns"));
    timers.set(deadline, 7);
    let (expected, came) = (after(origin, Some(deadline)), after(origin, timers.next()));
    trial.ensure(expected == came, format!("next() gives {expected}"), came, WHY)?;
    trial.did("take_due() one nanosecond before");
    let early = timers.take_due(deadline - Duration::from_nanos(1));
    trial.expect("it gives", &None, &early, WHY)?;
    trial.did("take_due() at the deadline");
    trial.expect(
        "it gives",
        &Some(7),
        &timers.take_due(deadline),
        "Not before, and not after either.",
    )?;
    let early = trial.random().between(1, 1_000_000) as u64;
    if let Some(past) = origin.checked_sub(Duration::from_nanos(early)) {
        trial.did(format!("a timer is set for {early} ns before the origin"));
        timers.set(past, 8);
        trial.did("take_due() at the origin");
        let due = timers.take_due(origin);
        trial.expect("it gives", &Some(8), &due, "What should have been before is due now.")?;
    }
    Ok(())
}

pub(crate) fn a_cancelled_timer_is_gone_at_once(trial: &mut Trial) -> Verdict {
    const WHY: &str =
        "What was cancelled ends no wait, is not due, and its key names no other timer.";
    let origin = Instant::now();
    let at = |seconds: u64| origin + Duration::from_secs(seconds);
    let mut timers = Timers::new(origin);
    let later = trial.random().between(2, 9) as u64;
    trial.did(format!("timer 1 is set for 1 s, timer 2 for {later} s"));
    let first = timers.set(at(1), 1);
    timers.set(at(later), 2);
    trial.did("timer 1 is cancelled");
    trial.expect("cancel() gives", &Some(1), &timers.cancel(first), WHY)?;
    trial.expect("len()", &1, &timers.len(), WHY)?;
    let expected = after(origin, Some(at(later)));
    let came = after(origin, timers.next());
    trial.ensure(expected == came, format!("next() gives {expected}"), came, WHY)?;
    trial.did(format!("timer 3 is set for {later} s, and timer 1 cancelled once more"));
    timers.set(at(later), 3);
    trial.expect("cancel() gives", &None, &timers.cancel(first), WHY)?;
    trial.did(format!("take_due() at {later} s, until it gives none"));
    trial.expect("it gives", &vec![2, 3], &take_all(&mut timers, at(later)), WHY)
}

pub(crate) fn cancelled_timers_take_no_room(trial: &mut Trial) -> Verdict {
    const STORM: usize = 150_000;
    const MAY_GROW: u64 = 1024 * 1024;
    let origin = Instant::now();
    let hour = origin + Duration::from_secs(3600);
    let mut timers = Timers::new(origin);
    let kept = trial.random().between(20, 60);
    for number in 0..kept {
        timers.set(hour, number);
    }
    let pid = rustix::process::getpid();
    let before = measure::resident(pid);
    for _ in 0..STORM {
        let key = timers.set(hour, 0);
        trial.ensure(
            timers.cancel(key) == Some(0),
            "cancel() gives the action back",
            "another one, or none",
            "A timer that is alive can be cancelled.",
        )?;
    }
    trial.did(format!("{kept} timers are set for an hour"));
    trial.did(format!("{STORM} more are set for an hour and cancelled, one by one"));
    let grown = before.zip(measure::resident(pid)).map_or(0, |(from, to)| to.saturating_sub(from));
    trial.ensure(
        grown < MAY_GROW,
        "the memory of the timers that are alive",
        "memory for most of those that are dead",
        "Nearly every time-out is cancelled long before its time. What is left of it may not stay until then.",
    )?;
    trial.expect(
        "take_due() gives so many",
        &kept,
        &take_all(&mut timers, hour).len(),
        "Who is alive stays.",
    )
}
