//! A protocol that wraps a protocol, by the cipher of the examples: whoever stands above it gets the
//! same calls, at the same bytes, as without it.

use crate::actor::{Action, Kind, Pass, Plan, play};
use crate::stack::{STACKS, Stack};
use chapter_03::Readiness;
use std::io::ErrorKind;

/// Marsaglia's xorshift: the same numbers for the same seed, on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn list<T>(&mut self, end: usize, item: impl Fn(&mut Random) -> T) -> Vec<T> {
        (0..self.below(end)).map(|_| item(self)).collect()
    }

    fn kind(&mut self) -> Kind {
        match self.below(8) {
            0..4 => Kind::Chunks,
            // An empty one is a mistake of the protocol.
            room => Kind::InPlace(room - 4 + 2 * self.below(5)),
        }
    }

    fn action(&mut self) -> Action {
        match self.below(28) {
            0..6 => Action::Write(self.below(12)),
            6..9 => Action::WriteLines(self.list(4, |random| random.below(8))),
            9..12 => Action::Pause,
            12..15 => Action::Resume,
            15..19 => Action::Swap(self.kind()),
            19..21 => Action::Limits(self.below(12), self.below(4)),
            21..23 => Action::KeepOpen,
            23 => Action::WriteEof,
            24 => Action::Close,
            25 => Action::Abort,
            26 => Action::Fail,
            _ => Action::Panic,
        }
    }

    fn plan(&mut self) -> Plan {
        let receive = |random: &mut Random| match random.below(12) {
            0 => Ok(Vec::new()),
            1 => Err(ErrorKind::WouldBlock),
            2 => Err(ErrorKind::ConnectionReset),
            length => Ok((0..length).map(|_| random.below(256).to_le_bytes()[0]).collect()),
        };
        let take = |random: &mut Random| match random.below(16) {
            0 => Err(ErrorKind::BrokenPipe),
            1..6 => Ok(None),
            count => Ok(Some(count - 5)),
        };
        let pass = |random: &mut Random| Pass {
            report: Readiness::READABLE.when(!random.one_in(4))
                | Readiness::WRITABLE.when(!random.one_in(4)),
            outside: random.list(3, Random::action),
            lent: random.one_in(3),
        };
        // Small marks, so that a few bytes cross them.
        let mut callbacks = vec![vec![Action::Limits(8, 2)]];
        callbacks.extend(self.list(16, |random| random.list(3, Random::action)));
        Plan {
            first: self.kind(),
            receives: self.list(12, receive),
            takes: self.list(16, take),
            callbacks,
            passes: self.list(16, pass),
        }
    }
}

/// TR-03, TR-08, TR-13, TR-33, TR-38, FC-03, FC-05, FC-11 and PR-07: whatever happens to a
/// connection, and whatever its protocol does in each callback, and others from outside, a cipher
/// makes no difference: the calls, what the transport answers in each, the sends of the kernel, the
/// reports of the loop, the bytes. Nor do two.
#[test]
fn a_cipher_makes_no_difference() {
    let mut random = Random(0x5eed);
    let mut told = ["connection_lost", "pause_writing", "resume_writing", "eof_received"]
        .map(|callback| (callback, 0));
    for case in 0..5_000 {
        let plan = random.plan();
        let plain = play(&plan, Stack::Nothing);
        for stack in [Stack::Cipher, Stack::CipherOnCipher] {
            assert_eq!(play(&plan, stack), plain, "{stack:?}, case {case}: {plan:#?}");
        }
        for (callback, count) in &mut told {
            let told = format!("told {callback}");
            *count += plain.trace.iter().filter(|line| line.contains(&told)).count();
        }
    }
    // They are no empty plans.
    assert!(told.iter().all(|(_, count)| *count > 250), "{told:?}");
}

/// The protocol writes at first, when the kernel has no room; then it has some, again and again.
fn stalled(writes: impl IntoIterator<Item = usize>, takes: &[usize]) -> Plan {
    let room = takes.iter().map(|count| Ok(Some(*count)));
    let writable = Pass { report: Readiness::WRITABLE, ..Pass::default() };
    Plan {
        takes: [Ok(None)].into_iter().chain(room).collect(),
        callbacks: vec![writes.into_iter().map(Action::Write).collect()],
        // The first begins.
        passes: [Pass::default()].into_iter().chain(vec![writable; takes.len()]).collect(),
        ..Plan::default()
    }
}

/// What the protocol is told of the flow, and how much is kept then.
fn flow(plan: &Plan, stack: Stack) -> Vec<(String, String)> {
    let told = |line: &String| {
        let (_, event) = line.split_once("is told ")?;
        let (callback, state) = event.split_once(": ")?;
        let (kept, _) = state.split_once(" kept")?;
        callback.ends_with("_writing").then(|| (callback.to_owned(), kept.to_owned()))
    };
    play(plan, stack).trace.iter().filter_map(told).collect()
}

/// FC-03 and FC-05: at the high mark nothing is said, a byte above it pauses; a byte above the low
/// mark nothing is said, at it writing goes on. A cipher keeps no byte of its own, so it moves
/// neither.
#[test]
fn the_water_marks_are_the_same_bytes_above_a_cipher() {
    let event = |callback: &str, kept: usize| (callback.to_owned(), kept.to_string());
    let (high, low) = (64 * 1024, 16 * 1024);
    let expected = [event("pause_writing", high + 1), event("resume_writing", low)];
    for stack in STACKS {
        assert_eq!(flow(&stalled([high], &[]), stack), []);
        let above_the_low_mark = stalled([high, 1], &[high - low]);
        assert_eq!(flow(&above_the_low_mark, stack), expected[..1], "{stack:?}");
        let at_the_low_mark = stalled([high, 1], &[high - low, 1]);
        assert_eq!(flow(&at_the_low_mark, stack), expected, "{stack:?}");
    }
}

/// TR-38 and PR-07: a protocol that is received in place gives way to another one after its first
/// four bytes. The others, which have come at the same time, are for that one.
#[test]
fn no_byte_is_lost_when_the_protocol_above_is_swapped_amid_a_chunk() {
    let plan = Plan {
        first: Kind::InPlace(4),
        receives: vec![Ok(b"headbody".to_vec())],
        callbacks: vec![vec![], vec![Action::Swap(Kind::Chunks)]],
        passes: vec![
            Pass { report: Readiness::READABLE, ..Pass::default() },
            Pass::default(),
            Pass::default(),
            Pass::default(),
        ],
        ..Plan::default()
    };
    for stack in STACKS {
        let seen = play(&plan, stack);
        let received = |line: &&String| line.contains("data_received") || line.contains("updated");
        let received: Vec<_> = seen.trace.iter().filter(received).collect();
        let [head, body] = received[..] else { panic!("{stack:?}: {received:?}") };
        assert!(
            head.contains(&format!("protocol 0 is told buffer_updated {:?}", b"head")),
            "{head}"
        );
        assert!(
            body.contains(&format!("protocol 1 is told data_received {:?}", b"body")),
            "{body}"
        );
    }
}
