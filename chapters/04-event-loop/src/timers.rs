use slab::Slab;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Instant;

/// From this many entries on, dead ones are swept when they are more than half.
const SWEEP_MIN: usize = 100;

/// What is to happen at a time, ordered by (deadline, sequence).
///
/// Of equal deadlines the one that was set first comes first. A heap that orders by the deadline
/// alone, such as asyncio's, scrambles them (LP-07, D-27).
///
/// Setting a timer costs what a heap costs: little, unless the new deadline is among the earliest.
/// Cancelling frees the action at once and leaves the heap alone; the dead entry goes when its
/// deadline comes, or when more than half of the heap is dead (LP-10). So the memory is bounded by
/// twice the most timers that were alive at one time.
#[derive(Debug)]
pub(crate) struct Timers<A> {
    heap: BinaryHeap<Entry>,
    /// The actions of the timers that are alive, and the sequence number of each.
    alive: Slab<(u64, A)>,
    next_sequence: u64,
    /// Deadlines are counted in nanoseconds from here: they compare faster than two `Instant`s.
    origin: Instant,
}

/// The name of a timer. It names nothing once the timer is due or cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerKey {
    place: u32,
    sequence: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    deadline: u64,
    key: TimerKey,
}

impl<A> Timers<A> {
    pub(crate) fn new(origin: Instant) -> Timers<A> {
        Timers { heap: BinaryHeap::new(), alive: Slab::new(), next_sequence: 0, origin }
    }

    /// Sets a timer.
    pub(crate) fn set(&mut self, deadline: Instant, action: A) -> TimerKey {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let place = self.alive.insert((sequence, action));
        let place = u32::try_from(place).expect("four billion timers do not fit into memory");
        let key = TimerKey { place, sequence };
        self.heap.push(Entry { deadline: self.nanoseconds(deadline), key });
        key
    }

    /// Cancels a timer and gives its action back, unless it was due or cancelled before.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<A> {
        if !is_alive(&self.alive, key) {
            return None;
        }
        let (_, action) = self.alive.remove(key.place as usize);
        if self.heap.len() > SWEEP_MIN && self.alive.len() < self.heap.len() / 2 {
            self.heap.retain(|entry| is_alive(&self.alive, entry.key));
        }
        Some(action)
    }

    /// The action of a timer that is alive.
    pub(crate) fn get_mut(&mut self, key: TimerKey) -> Option<&mut A> {
        let (sequence, action) = self.alive.get_mut(key.place as usize)?;
        (*sequence == key.sequence).then_some(action)
    }

    /// The earliest deadline.
    pub(crate) fn next(&mut self) -> Option<Instant> {
        self.drop_dead();
        let nanoseconds = self.heap.peek()?.deadline;
        Some(self.origin + std::time::Duration::from_nanos(nanoseconds))
    }

    /// Takes the action of the earliest timer whose deadline is not after `now` (LP-08).
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<A> {
        self.drop_dead();
        if self.heap.peek()?.deadline > self.nanoseconds(now) {
            return None;
        }
        let entry = self.heap.pop()?;
        Some(self.alive.remove(entry.key.place as usize).1)
    }

    /// The actions of the timers that are alive, in no order.
    pub(crate) fn into_actions(self) -> impl Iterator<Item = A> {
        self.alive.into_iter().map(|(_, (_, action))| action)
    }

    /// How many timers are alive.
    pub(crate) fn len(&self) -> usize {
        self.alive.len()
    }

    /// Takes dead entries from the top of the heap, until the top is alive or nothing is left.
    fn drop_dead(&mut self) {
        while self.heap.peek().is_some_and(|entry| !is_alive(&self.alive, entry.key)) {
            self.heap.pop();
        }
    }

    /// A deadline before the origin is as good as the origin: it is due.
    fn nanoseconds(&self, deadline: Instant) -> u64 {
        let since = deadline.saturating_duration_since(self.origin);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

fn is_alive<A>(alive: &Slab<(u64, A)>, key: TimerKey) -> bool {
    alive.get(key.place as usize).is_some_and(|(sequence, _)| *sequence == key.sequence)
}

/// The greatest entry of the heap is the one that is due first.
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        (other.deadline, other.key.sequence).cmp(&(self.deadline, self.key.sequence))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn timers() -> (Timers<u32>, impl Fn(u64) -> Instant) {
        let origin = Instant::now();
        (Timers::new(origin), move |seconds| origin + Duration::from_secs(seconds))
    }

    fn take_all(timers: &mut Timers<u32>, now: Instant) -> Vec<u32> {
        std::iter::from_fn(|| timers.take_due(now)).collect()
    }

    /// LP-06 and D-27 (LP-07): by deadline, and where those are equal by the order of setting.
    #[test]
    fn d_27_equal_deadlines_keep_the_order_in_which_they_were_set() {
        let (mut timers, at) = timers();
        for number in 0..100 {
            timers.set(at(u64::from(number % 3)), number);
        }
        let mut expected: Vec<u32> = (0..100).collect();
        expected.sort_by_key(|number| number % 3);
        assert_eq!(take_all(&mut timers, at(2)), expected);
    }

    /// LP-08: at the deadline, and not a nanosecond before.
    #[test]
    fn a_timer_is_not_due_before_its_deadline() {
        let (mut timers, at) = timers();
        timers.set(at(1), 7);
        assert_eq!(timers.next(), Some(at(1)));
        assert_eq!(timers.take_due(at(1) - Duration::from_nanos(1)), None);
        assert_eq!(timers.take_due(at(1)), Some(7));
        assert_eq!(timers.next(), None);
    }

    /// LP-09: once; and an old key does not cancel the timer that has its place now.
    #[test]
    fn a_timer_is_cancelled_once() {
        let (mut timers, at) = timers();
        let old = timers.set(at(1), 1);
        assert_eq!(timers.cancel(old), Some(1));
        let new = timers.set(at(1), 2);
        assert_eq!(timers.cancel(old), None);
        assert_eq!(take_all(&mut timers, at(1)), [2]);
        assert_eq!(timers.cancel(new), None);
    }

    /// LP-10: a storm of time-outs that are set and cancelled leaves nothing behind.
    #[test]
    fn memory_is_bounded_while_timers_are_set_and_cancelled() {
        let (mut timers, at) = timers();
        let kept: Vec<_> = (0..1000).map(|number| timers.set(at(2000), number)).collect();
        for number in 0..1_000_000 {
            let key = timers.set(at(1000 + number % 999), 0);
            timers.cancel(key);
            assert!(timers.heap.len() <= 2 * kept.len() + 2, "{} entries", timers.heap.len());
        }
        assert_eq!((timers.len(), timers.next()), (1000, Some(at(2000))));
        assert!(kept.into_iter().all(|key| timers.cancel(key).is_some()));
        assert!(timers.heap.len() <= SWEEP_MIN);
    }

    /// The order of a million random events is that of a sorted list.
    #[test]
    fn random_timers_behave_as_a_sorted_list() {
        let (mut timers, at) = timers();
        let mut model: Vec<(u64, u32, TimerKey)> = Vec::new();
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        for number in 0..100_000_u32 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let seconds = seed % 50;
            match seed >> 61 {
                0..=3 => model.push((seconds, number, timers.set(at(seconds), number))),
                4 | 5 if !model.is_empty() => {
                    let (_, name, key) = model.swap_remove(seed as usize % model.len());
                    assert_eq!(timers.cancel(key), Some(name));
                }
                _ => {
                    let due = model.iter().filter(|(deadline, ..)| *deadline <= seconds);
                    let first = due.min_by_key(|(deadline, name, _)| (*deadline, *name)).copied();
                    model.retain(|(_, name, _)| first.is_none_or(|(_, first, _)| *name != first));
                    assert_eq!(timers.take_due(at(seconds)), first.map(|(_, name, _)| name));
                }
            }
            assert_eq!(timers.len(), model.len());
        }
    }
}
