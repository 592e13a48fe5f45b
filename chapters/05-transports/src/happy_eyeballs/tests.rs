//! Single moments of a race.

use super::*;

/// A race with nothing to drop, and a delay in seconds.
fn race(addresses: Vec<char>, delay: Option<u64>) -> HappyEyeballs<char, char, &'static str> {
    HappyEyeballs::new(addresses, delay.map(Duration::from_secs)).unwrap()
}

/// HE-03: a failure at the moment of the deadline starts one attempt, and the delay counts from
/// there.
#[test]
fn a_failure_at_the_deadline_starts_one_attempt() {
    let begin = Instant::now();
    let at = |seconds| begin + Duration::from_secs(seconds);
    let mut race = race(vec!['a', 'b', 'c'], Some(5));
    assert_eq!(race.start_due(at(0), |address| address), Some(at(5)));
    let mut race = race.failed(Attempt(0), "refused").unwrap();
    assert_eq!(race.start_due(at(5), |address| address), Some(at(10)));
    assert_eq!(race.start_due(at(5), |address| address), Some(at(10)));
    assert!(race.running_mut().eq([(Attempt(1), &mut 'b')]));
}

/// HE-03: the failure of an attempt whose successor runs already starts nothing.
#[test]
fn the_failure_of_an_earlier_attempt_starts_nothing() {
    let begin = Instant::now();
    let at = |seconds| begin + Duration::from_secs(seconds);
    let mut race = race(vec!['a', 'b', 'c'], Some(5));
    race.start_due(at(0), |address| address);
    assert_eq!(race.start_due(at(5), |address| address), Some(at(10)));
    let mut race = race.failed(Attempt(0), "refused").unwrap();
    assert_eq!(race.start_due(at(6), |address| address), Some(at(10)));
    assert!(race.running_mut().eq([(Attempt(1), &mut 'b')]));
}

/// HE-01: without a delay no time that passes starts anything.
#[test]
fn without_a_delay_an_attempt_has_all_time() {
    let begin = Instant::now();
    let mut race = race(vec!['a', 'b'], None);
    for hours in 0..3 {
        let now = begin + Duration::from_secs(3600 * hours);
        assert_eq!(race.start_due(now, |address| address), None);
        assert!(race.running_mut().eq([(Attempt(0), &mut 'a')]));
    }
}

/// HE-08 (D-19): where nothing can be attempted there is no race, which would never end.
#[test]
fn d_19_there_is_no_race_without_an_address() {
    let none: Option<HappyEyeballs<char, char, ()>> = HappyEyeballs::new(Vec::new(), None);
    assert!(none.is_none());
}

/// A delay so long that its end cannot be told is no deadline.
#[test]
fn a_delay_without_end_is_none() {
    let mut race: HappyEyeballs<char, char, ()> =
        HappyEyeballs::new(vec!['a', 'b'], Some(Duration::MAX)).unwrap();
    assert_eq!(race.start_due(Instant::now(), |address| address), None);
}

#[test]
#[should_panic(expected = "an attempt ends once")]
fn an_attempt_does_not_fail_twice() {
    let mut race = race(vec!['a', 'b'], None);
    race.start_due(Instant::now(), |address| address);
    let _ = race.failed(Attempt(0), "refused").unwrap().failed(Attempt(0), "again");
}
