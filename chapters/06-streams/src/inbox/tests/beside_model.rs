use super::model::{End, Model};
use super::random::Random;
use super::{Answer, Attempt, Operation, answer, broken, limits};
use crate::connection_lost::ConnectionLost;
use crate::inbox::Inbox;
use std::num::NonZero;
use std::thread;

/// Each is a connection of its own, that comes in [`CHUNKINGS`] ways.
const CONNECTIONS: u64 = 40_000;
const CHUNKINGS: u64 = 25;
const LENGTH_MAX: usize = 12;

/// So few that separators, and beginnings of them, are frequent.
const ALPHABET: &[u8] = b"ab\r\n";

const SEPARATORS: &[&[&[u8]]] = &[
    &[b"\n"],
    &[b"\r\n"],
    &[b"\r\n\r\n"],
    &[b"aab"],
    &[b"\n", b"\r\n"],
    &[b"abab", b"b", b"ba"],
    &[b"a\r", b"\r\n", b"\r\nab"],
];

/// RD-01 to RD-09, RD-15, RD-17, D-20 and D-38: random bytes in a million random chunkings, with
/// operations that are tried, given up and followed by others at every moment. Each says what it is to
/// say of the bytes that have come, and loses none.
#[test]
fn in_a_million_chunkings_every_read_says_what_a_simple_model_says() {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let broken = broken();
    thread::scope(|scope| {
        for first in 0..threads {
            let seeds = (0..CONNECTIONS).skip(first).step_by(threads);
            scope.spawn(|| seeds.for_each(|seed| connection(seed, &broken)));
        }
    });
}

fn connection(seed: u64, broken: &ConnectionLost) {
    let mut random = Random::new(seed);
    let mut bytes = [0; LENGTH_MAX];
    let bytes = &mut bytes[..random.below(LENGTH_MAX + 1)];
    bytes.fill_with(|| random.one_of(ALPHABET));
    let line_max = 1 + random.below(8);
    let end = random.one_of(&[End::Eof, End::Broken]);
    for chunking in 0..CHUNKINGS {
        let place = (seed, chunking);
        Run::new(place, bytes, line_max).play(&mut random, end, broken);
    }
}

struct Run<'a> {
    /// The seed of a failure, and which of its chunkings it was.
    place: (u64, u64),
    inbox: Inbox,
    model: Model<'a>,
}

impl<'a> Run<'a> {
    fn new(place: (u64, u64), bytes: &'a [u8], line_max: usize) -> Run<'a> {
        Run { place, inbox: Inbox::new(limits(line_max)), model: Model::new(bytes, line_max) }
    }

    fn play(mut self, random: &mut Random, end: End, broken: &ConnectionLost) {
        let mut attempt = any(random);
        loop {
            // Not every chunk finds somebody who reads.
            while !random.once_in(2) {
                if self.is_told(&mut attempt) || random.once_in(3) {
                    attempt = any(random);
                }
            }
            if self.model.end.is_some() {
                break;
            }
            self.goes_on(random, end, broken);
        }
        for _ in 0..3 {
            assert!(self.is_told(&mut attempt), "{:?}: somebody waits for ever", self.place);
            attempt = any(random);
        }
    }

    /// A chunk comes, or the end.
    fn goes_on(&mut self, random: &mut Random, end: End, broken: &ConnectionLost) {
        let rest = &self.model.bytes[self.model.come..];
        if rest.is_empty() {
            self.model.end = Some(end);
            return match end {
                End::Eof => self.inbox.feed_eof(),
                End::Broken => self.inbox.feed_loss(broken.clone()),
            };
        }
        let most = if random.once_in(2) { 3 } else { LENGTH_MAX };
        let count = (1 + random.below(most)).min(rest.len());
        self.inbox.feed_data(&rest[..count]);
        self.model.come += count;
    }

    /// Tries once. `false`: not yet.
    fn is_told(&mut self, attempt: &mut Attempt) -> bool {
        let operation = attempt.operation;
        let before = self.model.gone;
        let read = attempt.once_more(&mut self.inbox);
        let expected = self.model.answer(operation);
        let said = answer(&read);
        let Run { place, model, inbox } = self;
        assert!(
            said == expected
                && inbox.kept() == model.kept().len()
                && inbox.at_eof() == model.at_eof(),
            "seed and chunking {place:?}: {operation:?} of {:?} on from {before}\n\
             said {said:?} and not {expected:?},\n{inbox:?},\n{model:?}",
            String::from_utf8_lossy(model.bytes)
        );
        said != Answer::NotYet
    }
}

fn any(random: &mut Random) -> Attempt {
    Attempt::new(match random.below(8) {
        0 => Operation::Read(random.below(6)),
        1 => Operation::ReadToEnd,
        2 => Operation::ReadExactly(random.below(8)),
        3..6 => Operation::ReadUntil(random.one_of(SEPARATORS)),
        _ => Operation::ReadLine,
    })
}
