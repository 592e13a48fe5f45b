use crate::fake::FakeStream;
use chapter_03::{Interest, Mode, Readiness, fake};
use chapter_04::fake::FakeLoop;
use std::collections::VecDeque;
use std::io::ErrorKind;

/// What arrives between two passes: bytes; none of them is the end of file.
pub(super) type Arrival = &'static [Result<&'static [u8], ErrorKind>];

/// What is true of a stream, told to its loop as a kernel tells it: an edge once, a level each time,
/// and neither unless it was asked for.
pub(super) struct Kernel {
    pub(super) fake: FakeLoop,
    stream: FakeStream,
    mode: Mode,
    interest: Interest,
    arrivals: VecDeque<Arrival>,
    /// What an edge has still to tell.
    edges: Readiness,
    /// Whether the end of file, or an error, has arrived.
    has_ended: bool,
    /// Whether there will be room again after a send that took a part.
    makes_room: bool,
    /// How many bytes were offered to it in vain.
    missed: usize,
}

impl Kernel {
    pub(super) fn new(
        mode: Mode,
        stream: FakeStream,
        arrivals: &[Arrival],
        makes_room: bool,
    ) -> Kernel {
        Kernel {
            fake: FakeLoop::new(mode),
            stream,
            mode,
            interest: Interest::NONE,
            arrivals: arrivals.iter().copied().collect(),
            edges: Readiness::NONE,
            has_ended: false,
            makes_room,
            missed: 0,
        }
    }

    /// One pass of the loop, which is one round.
    pub(super) fn pass(&mut self) {
        self.note_calls();
        let report = self.report();
        self.fake.backend.report(report.map(|readiness| (0, readiness)));
        self.fake.event_loop.stop();
        self.fake.event_loop.run_forever().unwrap();
        self.note_calls();
    }

    /// The next thing arrives.
    pub(super) fn deliver(&mut self) {
        let Some(arrival) = self.arrivals.pop_front() else { return };
        // A clone has the same script.
        drop(self.stream.clone().receives(arrival.iter().copied()));
        self.edges |= Readiness::READABLE;
        if arrival.iter().any(|piece| piece.is_err() || piece.is_ok_and(<[u8]>::is_empty)) {
            self.has_ended = true;
            self.edges |= Readiness::READ_CLOSED;
        }
    }

    /// Whether nothing will happen any more by itself.
    pub(super) fn is_at_rest(&mut self) -> bool {
        self.note_calls();
        let census = self.fake.event_loop.census();
        let has_news = self.would_report() != Readiness::NONE;
        self.arrivals.is_empty() && census.ready == 0 && (census.sources == 0 || !has_news)
    }

    /// Whether it takes, sooner or later, everything.
    pub(super) fn takes(&self) -> bool {
        self.makes_room || self.missed == 0
    }

    fn note_calls(&mut self) {
        for call in self.fake.backend.take_calls() {
            match call {
                fake::Call::Add(_, interest) | fake::Call::Modify(_, interest) => {
                    self.interest = interest;
                }
                fake::Call::Remove => self.interest = Interest::NONE,
                fake::Call::Wait(_) => {}
            }
        }
        // The room that a send has not found is there before the next pass.
        let missed = self.stream.offered() - self.stream.sent().len();
        if missed > self.missed && self.makes_room {
            self.edges |= Readiness::WRITABLE;
        }
        self.missed = missed;
    }

    fn report(&mut self) -> Option<Readiness> {
        let report = self.would_report();
        self.edges = self.edges - report;
        if self.mode == Mode::Oneshot && report != Readiness::NONE {
            self.interest = Interest::NONE;
        }
        (report != Readiness::NONE).then_some(report)
    }

    fn would_report(&self) -> Readiness {
        let mut true_now = self.edges;
        if self.mode != Mode::Edge {
            let is_readable = self.has_ended || self.stream.left_to_receive() > 0;
            true_now = Readiness::NONE;
            if is_readable {
                true_now |= Readiness::READABLE;
            }
            if self.makes_room {
                true_now |= Readiness::WRITABLE;
            }
        }
        true_now.within(self.interest)
    }
}
