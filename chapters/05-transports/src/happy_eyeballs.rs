use std::time::{Duration, Instant};
use std::vec;

/// How long to wait for an attempt before the next one is started beside it: what RFC 8305
/// recommends (HE-01).
pub const RECOMMENDED_DELAY: Duration = Duration::from_millis(250);

/// A race of connection attempts, of which one wins: Happy Eyeballs (RFC 8305), as asyncio does it.
///
/// It decides, and does nothing else: it has no socket and no clock. Whoever drives it says what has
/// happened, and is told what to start and how long to wait:
///
/// | what has happened | what to call | what follows |
/// |---|---|---|
/// | everything so far has been said | [`start_due`](HappyEyeballs::start_due) | at most one attempt is started; the deadline of the next |
/// | an attempt failed | [`failed`](HappyEyeballs::failed) | it is dropped, its error kept; or all have failed |
/// | an attempt succeeded | [`won`](HappyEyeballs::won) | everything else is dropped; the race is over |
/// | the caller gives up | drop it | everything is dropped |
///
/// An attempt starts when the one before it fails, or the delay after the one before it has started,
/// whichever is first (HE-03). That an earlier one fails starts nothing: its successor runs already.
///
/// It owns the attempts (`P`, such as futures that connect) and keeps the error (`E`) of each that
/// failed. So no loser is forgotten, and a second winner has no race any more to be told to (D-19):
///
/// ```compile_fail,E0382
/// # use chapter_05::HappyEyeballs;
/// # fn two(race: HappyEyeballs<(), (), ()>) {
/// let winner = race.won("the first");
/// let other = race.won("the second");
/// # }
/// ```
#[doc(alias = "staggered_race")]
#[derive(Debug)]
#[must_use = "dropping a race drops its attempts"]
pub struct HappyEyeballs<A, P, E> {
    delay: Option<Duration>,
    /// Those without an attempt so far.
    addresses: vec::IntoIter<A>,
    /// In the order of their starts, which is that of the addresses.
    attempts: Vec<State<P, E>>,
    next: Next,
}

/// The name of an attempt in its race.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt(usize);

#[derive(Debug)]
enum State<P, E> {
    Running(P),
    Failed(E),
}

/// When the next attempt is due, if there is an address left.
#[derive(Debug, Clone, Copy)]
enum Next {
    Now,
    /// At this time, or when the latest attempt fails.
    At(Instant),
    /// When the latest attempt fails.
    OnFailure,
}

impl<A, P, E> HappyEyeballs<A, P, E> {
    /// A race in which nothing has started, over addresses in the order in which they are tried.
    /// Without a delay they are tried one after another (HE-01). `None` if there is no address: such
    /// a race would have no outcome (HE-08).
    pub fn new(addresses: Vec<A>, delay: Option<Duration>) -> Option<HappyEyeballs<A, P, E>> {
        (!addresses.is_empty()).then(|| HappyEyeballs {
            delay,
            addresses: addresses.into_iter(),
            attempts: Vec::new(),
            next: Next::Now,
        })
    }

    /// Starts the next attempt if it is due at the time `now`. Gives the time at which to call this
    /// again, even if nothing happens until then.
    ///
    /// First say what has happened up to now: a success then wins against a start at the same
    /// moment, and a failure at the deadline starts one attempt, not two.
    pub fn start_due(&mut self, now: Instant, start: impl FnOnce(A) -> P) -> Option<Instant> {
        let is_due = match self.next {
            Next::Now => true,
            Next::At(time) => time <= now,
            Next::OnFailure => false,
        };
        if is_due && let Some(address) = self.addresses.next() {
            // A deadline beyond the end of time is none.
            let deadline = self.delay.and_then(|delay| now.checked_add(delay));
            self.next = deadline.map_or(Next::OnFailure, Next::At);
            self.attempts.push(State::Running(start(address)));
        }
        match self.next {
            Next::At(time) if !self.addresses.as_slice().is_empty() => Some(time),
            _ => None,
        }
    }

    /// The attempts that run, the first one first.
    pub fn running_mut(&mut self) -> impl Iterator<Item = (Attempt, &mut P)> {
        self.attempts.iter_mut().enumerate().filter_map(|(index, state)| match state {
            State::Running(attempt) => Some((Attempt(index), attempt)),
            State::Failed(_) => None,
        })
    }

    /// An attempt failed: it is dropped. If it was the latest, the next one is due now (HE-03).
    ///
    /// # Errors
    ///
    /// All have failed, and there is no address left: the errors, in the order of the attempts
    /// (HE-06), at least one.
    ///
    /// # Panics
    ///
    /// The attempt does not run.
    pub fn failed(mut self, attempt: Attempt, error: E) -> Result<Self, Vec<E>> {
        let state = &mut self.attempts[attempt.0];
        assert!(matches!(state, State::Running(_)), "an attempt ends once");
        *state = State::Failed(error);
        if attempt.0 + 1 == self.attempts.len() {
            self.next = Next::Now;
        }
        let is_running = self.running_mut().next().is_some();
        if is_running || !self.addresses.as_slice().is_empty() {
            return Ok(self);
        }
        let error = |state| match state {
            State::Failed(error) => Some(error),
            State::Running(_) => None,
        };
        Err(self.attempts.into_iter().filter_map(error).collect())
    }

    /// An attempt succeeded with this value, and the race is over: when the value is given back,
    /// every attempt is dropped (HE-04).
    pub fn won<V>(self, value: V) -> V {
        drop(self);
        value
    }
}

impl Attempt {
    /// Which of the addresses it is for, counted from 0.
    pub fn index(self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod every_race;
#[cfg(test)]
mod tests;
