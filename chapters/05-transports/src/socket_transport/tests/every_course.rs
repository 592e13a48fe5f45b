//! Every course that a connection can take when up to some actions are done in it: from inside of
//! any callback, or from outside between two passes. What happens is compared with the rules, which
//! know nothing of the transport.
//!
//! An action that changes nothing, such as a second `close`, is followed by one other at most: that
//! it is harmless shows, and the courses without it are among the others.

use super::choices::Choices;
use super::kernel::{Arrival, Kernel};
use super::player::{GRACE, MARKS, Stage, byte};
use super::rules::Life;
use crate::fake::{FakeStream, connect};
use crate::transport::Transport;
use chapter_03::Mode;
use chapter_04::Census;
use std::cell::Cell;
use std::io::ErrorKind;
use std::ops::AddAssign;
use std::rc::Rc;

const NOTHING: Census = Census { tasks: 0, timers: 0, sources: 0, ready: 0 };

/// No course needs so many passes: one that does has lost a report, or spins.
const PASSES: usize = 60;

/// Around a connection: how the kernel reports, what it takes, what arrives.
#[derive(Clone, Copy)]
struct World {
    mode: Mode,
    takes: &'static [Result<Option<usize>, ErrorKind>],
    /// Whether there is room again after a send that took a part.
    makes_room: bool,
    fails_to_shut_down: bool,
    arrivals: &'static [Arrival],
    lends: bool,
}

const QUIET: World = World {
    mode: Mode::Edge,
    takes: &[],
    makes_room: true,
    fails_to_shut_down: false,
    arrivals: &[],
    lends: false,
};

/// How many courses there were, and how.
#[derive(Debug, Default)]
struct Tally {
    courses: usize,
    /// Lost by an error.
    failed: usize,
    /// The protocol was told to pause.
    paused: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.courses += other.courses;
        self.failed += other.failed;
        self.paused += other.paused;
    }
}

/// All courses of a world with up to so many actions.
fn every_course(world: World, actions: usize) -> Tally {
    let mut choices = Choices::default();
    let mut tally = Tally::default();
    loop {
        choices = course(world, actions, choices, &mut tally);
        if !choices.advance() {
            return tally;
        }
    }
}

fn course(world: World, actions: usize, choices: Choices, tally: &mut Tally) -> Choices {
    let mut stream = FakeStream::new().takes(world.takes.iter().copied());
    if world.fails_to_shut_down {
        stream = stream.fails_to_shut_down(ErrorKind::NotConnected);
    }
    let stage = Stage::new(choices, stream.clone(), world.arrivals, actions, world.lends);
    let mut kernel = Kernel::new(world.mode, stream.clone(), world.arrivals, world.makes_room);
    let reports = Rc::new(Cell::new(0));
    let count = Rc::clone(&reports);
    kernel.fake.event_loop.set_exception_handler(move |_, _| count.set(count.get() + 1));
    let (transport, access) = connect(&kernel.fake, stream, stage.player(0)).unwrap();
    stage.has_first(access);
    transport.set_write_buffer_limits(Some(MARKS.1), Some(MARKS.0)).unwrap();

    stage.act_outside(&transport);
    rest(&mut kernel, &stage, &transport);
    end(&mut kernel, &stage, &transport);

    let made = Rc::downgrade(&transport);
    drop(transport);
    stage.let_go();
    assert!(made.upgrade().is_none(), "the circle is broken\n{}", stage.story());
    assert_eq!(kernel.fake.event_loop.census(), NOTHING, "{}", stage.story());
    assert_eq!(reports.get(), stage.failures.get(), "each failure is reported, nothing else is");
    let rules = stage.rules.borrow();
    *tally += Tally {
        courses: 1,
        failed: usize::from(rules.has_failed()),
        paused: usize::from(rules.pauses > 0),
    };
    stage.choices.take()
}

/// Passes until nothing happens by itself any more. In each, what was written down arrives.
fn rest(kernel: &mut Kernel, stage: &Rc<Stage>, transport: &Rc<dyn Transport>) {
    for _ in 0..PASSES {
        let happened = stage.happened();
        pass(kernel, stage);
        if stage.happened() > happened {
            stage.act_outside(transport);
        }
        stage.assert_unbroken();
        if kernel.is_at_rest() {
            let takes = kernel.takes();
            let at_rest = stage.rules.borrow().at_rest(stage.arrives(), takes, stage.seen());
            stage.check(at_rest);
            return stage.assert_unbroken();
        }
    }
    panic!("it never comes to rest\n{}", stage.story());
}

fn pass(kernel: &mut Kernel, stage: &Rc<Stage>) {
    if stage.rules.borrow().is_made {
        kernel.deliver();
    }
    let flushed = || stage.seen().sent - stage.sent_at_once.get();
    let before = (flushed(), stage.rules.borrow().pauses);
    kernel.pass();
    let was_flushed = flushed() > before.0 && stage.rules.borrow().pauses == before.1;
    let after_pass = stage.rules.borrow_mut().after_pass(was_flushed, stage.seen());
    stage.check(after_pass);
}

/// Ends what is still open: by the deadline, if there is one, else by an abort.
fn end(kernel: &mut Kernel, stage: &Rc<Stage>, transport: &Rc<dyn Transport>) {
    stage.actions_left.set(0);
    if stage.rules.borrow().life == Life::Closing && stage.rules.borrow().has_deadline {
        kernel.fake.clock.advance(GRACE);
        stage.rules.borrow_mut().abort();
        rest(kernel, stage, transport);
        assert_eq!(stage.rules.borrow().life, Life::Lost, "close_within has an end");
    }
    if !stage.rules.borrow().is_over() {
        transport.abort();
        stage.rules.borrow_mut().abort();
        rest(kernel, stage, transport);
    }
    let after_all = stage.rules.borrow().after_all(stage.seen());
    stage.check(after_all);
    stage.assert_unbroken();
    let sent = stage.stream.sent();
    assert!(sent.iter().enumerate().all(|(place, sent)| *sent == byte(place)), "{sent:?}");
}

const RESET: Result<&[u8], ErrorKind> = Err(ErrorKind::ConnectionReset);
const NOT_YET: Result<Option<usize>, ErrorKind> = Ok(None);

/// All courses with up to three actions where the kernel reports edges, and with up to two where it
/// reports in another way or the protocol is lent to whoever acts from outside: at least so many.
fn assert_every_course(world: World, at_least: usize) {
    let mut tally = every_course(world, 3);
    for mode in [Mode::Edge, Mode::Level, Mode::Oneshot] {
        for lends in [false, true] {
            tally += every_course(World { mode, lends, ..world }, 2);
        }
    }
    assert!(tally.courses >= at_least && tally.failed > at_least / 100, "{tally:?}");
    // Nothing is kept for a kernel that takes everything.
    assert_eq!(tally.paused > at_least / 100, !world.takes.is_empty(), "{tally:?}");
}

/// TR-03, TR-06, TR-07, TR-08, TR-13, TR-16, TR-17, TR-19, TR-25, TR-26, TR-29, TR-30, TR-33,
/// TR-38, D-06.
#[test]
fn every_course_where_the_kernel_takes_everything() {
    let arrivals: &[Arrival] = &[&[Ok(b"012345")], &[Ok(b"")]];
    assert_every_course(World { arrivals, ..QUIET }, 100_000);
}

/// TR-16, TR-18, TR-20, TR-25, TR-26, TR-27, TR-42, FC-03, FC-05, FC-06, FC-10, FC-11, D-12.
#[test]
fn d_12_every_course_where_the_kernel_takes_nothing_at_first() {
    let arrivals: &[Arrival] = &[&[Ok(b"012345"), Ok(b"")]];
    assert_every_course(World { takes: &[NOT_YET; 2], arrivals, ..QUIET }, 100_000);
}

/// TR-18, TR-20, TR-27, FC-03, FC-04, FC-05, FC-06, FC-08, FC-10, FC-11, D-12.
#[test]
fn d_12_every_course_where_the_kernel_takes_parts() {
    let takes = &[Ok(Some(2)), Ok(Some(4)), NOT_YET, Ok(Some(1))];
    assert_every_course(World { takes, arrivals: &[&[Ok(b"012345")]], ..QUIET }, 50_000);
}

/// TR-11, TR-12, TR-29, PR-03: a send fails, in a write or in a turn.
#[test]
fn every_course_where_the_peer_breaks_the_pipe() {
    let takes = &[Ok(Some(1)), Err(ErrorKind::BrokenPipe)];
    assert_every_course(World { takes, arrivals: &[&[Ok(b"012345")]], ..QUIET }, 50_000);
}

/// TR-11, TR-36, PR-03.
#[test]
fn every_course_where_the_peer_resets_the_connection() {
    let takes = &[Ok(Some(5)), NOT_YET];
    assert_every_course(World { takes, arrivals: &[&[Ok(b"012345"), RESET]], ..QUIET }, 50_000);
}

/// TR-28, TR-29, D-13: a peer that never reads. `close_within` has an end, and `abort` is one.
#[test]
fn d_13_every_course_where_the_peer_never_reads() {
    let arrivals: &[Arrival] = &[&[Ok(b"01"), Ok(b"")]];
    let world = World { takes: &[NOT_YET; 40], makes_room: false, arrivals, ..QUIET };
    assert_every_course(world, 100_000);
}

/// TR-11, TR-25.
#[test]
fn every_course_where_the_end_of_file_cannot_be_sent() {
    let world = World { takes: &[NOT_YET], fails_to_shut_down: true, ..QUIET };
    assert_every_course(world, 10_000);
}
