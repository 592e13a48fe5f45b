//! Task 3.4: `BackOff`.

use back_off::{BACK_OFF, BackOff};
use grading::{Trial, Verdict};
use rustix::io::Errno;
use std::time::{Duration, Instant};

/// The learner's file once more: outside of it nobody sees a pause, and here it is seen without a
/// clock.
#[rustfmt::skip]
#[allow(dead_code, unused_imports)]
#[path = "../src/back_off.rs"]
mod back_off;

/// A moment, by its distance from the beginning.
fn at(trial: &Trial, start: Instant, after: Duration) -> Instant {
    trial.did(format!("{after:?} after the beginning"));
    start + after
}

pub(crate) fn a_pause_ends_once_and_not_early(trial: &mut Trial) -> Verdict {
    const WHY: &str = "What is left of the pause is the timeout of the server's wait. A pause that \
                       ends early, or again and again, lets the server ask in vain without rest; \
                       one that does not end keeps the clients out for ever.";
    const CUT: &str = "A client of the server's own has gone, and its descriptor is free: a pause \
                       ends now. If there was none, there is none.";
    let start = Instant::now();
    let moment = Duration::from_nanos(1);
    let shortage = || Errno::MFILE.into();
    let mut back_off = BackOff::default();
    let left = back_off.remaining(|| start);
    trial.expect("what remains of no pause", &None, &left, WHY)?;
    trial.expect(
        "take_elapsed() without a pause",
        &false,
        &back_off.take_elapsed(|| start),
        WHY,
    )?;

    trial.did("begin()");
    back_off.begin(start, &shortage());
    trial.expect("is_on()", &true, &back_off.is_on(), WHY)?;
    let part = Duration::from_millis(trial.random().between(1, 200) as u64);
    let now = at(trial, start, part);
    trial.expect("what remains", &Some(BACK_OFF - part), &back_off.remaining(|| now), WHY)?;
    trial.expect("take_elapsed()", &false, &back_off.take_elapsed(|| now), WHY)?;
    let now = at(trial, start, BACK_OFF - moment);
    trial.expect("take_elapsed()", &false, &back_off.take_elapsed(|| now), WHY)?;
    let now = at(trial, start, BACK_OFF + part);
    let left = back_off.remaining(|| now);
    trial.expect("what remains", &Some(Duration::ZERO), &left, WHY)?;
    trial.expect("take_elapsed()", &true, &back_off.take_elapsed(|| now), WHY)?;
    trial.expect("is_on() after that", &false, &back_off.is_on(), WHY)?;
    trial.expect("take_elapsed() once more", &false, &back_off.take_elapsed(|| now), WHY)?;
    trial.expect("what remains", &None, &back_off.remaining(|| now), WHY)?;

    trial.did("cut_short(), without a pause");
    back_off.cut_short(|| now);
    trial.expect("is_on()", &false, &back_off.is_on(), CUT)?;
    trial.did("begin(), and the same again after a while");
    back_off.begin(now, &shortage());
    let now = now + BACK_OFF;
    back_off.begin(now, &shortage());
    trial.expect("what remains", &Some(BACK_OFF), &back_off.remaining(|| now), WHY)?;
    trial.did("cut_short()");
    let now = now + part;
    back_off.cut_short(|| now);
    trial.expect("what remains", &Some(Duration::ZERO), &back_off.remaining(|| now), CUT)?;
    trial.expect("is_on()", &true, &back_off.is_on(), CUT)?;
    trial.expect("take_elapsed()", &true, &back_off.take_elapsed(|| now), CUT)
}
