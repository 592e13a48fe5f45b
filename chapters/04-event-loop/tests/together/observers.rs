//! Sockets that have an observer: its turns, and their place among callbacks and tasks.

use chapter_02::fake::FakeSocket;
use chapter_03::{Interest, Mode, Readiness};
use chapter_04::fake::FakeLoop;
use chapter_04::{ObservedSocket, Observer};
use std::cell::RefCell;
use std::rc::Rc;
use std::task::Poll;

/// Notes its turns. What it does in one is for the test to say.
struct Noting {
    socket: ObservedSocket<FakeSocket>,
    log: Log,
    act: RefCell<Box<Act>>,
}

type Act = dyn FnMut(&ObservedSocket<FakeSocket>);

type Log = Rc<RefCell<Vec<&'static str>>>;

impl Observer for Noting {
    fn turn(self: Rc<Self>) {
        self.log.borrow_mut().push("turn");
        (self.act.borrow_mut())(&self.socket);
    }

    fn loop_closed(&self) {
        self.log.borrow_mut().push("closed");
    }
}

/// A loop of which source 0 has an observer that wants to read.
fn observed(
    mode: Mode,
    script: FakeSocket,
    act: impl FnMut(&ObservedSocket<FakeSocket>) + 'static,
) -> (FakeLoop, Rc<Noting>, Log) {
    let fake = FakeLoop::new(mode);
    let log = Log::default();
    let socket = fake.observed(script).unwrap();
    let act = RefCell::new(Box::new(act) as Box<Act>);
    let noting = Rc::new(Noting { socket, log: Rc::clone(&log), act });
    noting.socket.observe(Rc::clone(&noting) as Rc<dyn Observer>);
    noting.socket.want(Interest::READ).unwrap();
    (fake, noting, log)
}

/// Runs one pass in which source 0 is reported.
fn pass(fake: &mut FakeLoop, readiness: Readiness) {
    fake.backend.report([(0, readiness)]);
    fake.event_loop.stop();
    fake.event_loop.run_forever().unwrap();
}

fn quiet(_: &ObservedSocket<FakeSocket>) {}

/// Also LP-03: a report comes behind what was scheduled before the wait.
#[test]
fn a_report_is_a_turn_in_the_ready_queue() {
    for mode in [Mode::Edge, Mode::Level] {
        let (mut fake, _noting, log) = observed(mode, FakeSocket::new(), quiet);
        let before = Rc::clone(&log);
        fake.event_loop.call_soon(move || before.borrow_mut().push("before")).unwrap();
        pass(&mut fake, Readiness::READABLE);
        assert_eq!(*log.borrow(), ["before", "turn"]);
    }
}

#[test]
fn only_what_is_wanted_gives_a_turn_but_all_is_remembered() {
    let (mut fake, noting, log) = observed(Mode::Edge, FakeSocket::new(), quiet);
    noting.socket.want(Interest::NONE).unwrap();
    pass(&mut fake, Readiness::READABLE);
    assert!(log.borrow().is_empty());
    assert!(noting.socket.readiness().is_readable());
    noting.socket.want(Interest::WRITE).unwrap();
    pass(&mut fake, Readiness::READABLE);
    assert!(log.borrow().is_empty());
    pass(&mut fake, Readiness::WRITABLE);
    assert_eq!(*log.borrow(), ["turn"]);
}

#[test]
fn a_turn_that_is_asked_for_twice_is_one() {
    let (mut fake, noting, log) = observed(Mode::Edge, FakeSocket::new(), quiet);
    noting.socket.schedule_turn();
    noting.socket.schedule_turn();
    noting.socket.defer_turn();
    assert_eq!(fake.event_loop.census().ready, 1);
    pass(&mut fake, Readiness::READABLE);
    assert_eq!(*log.borrow(), ["turn"]);
}

/// What would go on for ever is in the next pass, behind everybody who is ready in this one.
#[test]
fn a_deferred_turn_comes_after_the_kernel_was_asked() {
    let again = |socket: &ObservedSocket<FakeSocket>| socket.defer_turn();
    let (mut fake, _noting, log) = observed(Mode::Edge, FakeSocket::new(), again);
    let (handle, other) = (fake.event_loop.clone(), Rc::clone(&log));
    pass(&mut fake, Readiness::READABLE);
    fake.event_loop.call_soon(move || other.borrow_mut().push("other")).unwrap();
    handle.stop();
    fake.event_loop.run_forever().unwrap();
    assert_eq!(*log.borrow(), ["turn", "other", "turn"]);
    assert_eq!(handle.census().ready, 1);
}

/// TR-06: what is there is received in turns, each with at most the loop's buffer.
#[test]
fn one_receive_fills_the_buffer_of_the_loop_and_no_more() {
    let flood = vec![b'F'; 2 * chapter_04::TURN_MAX + 1];
    let sizes = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&sizes);
    let receive = move |socket: &ObservedSocket<FakeSocket>| {
        if let Poll::Ready(size) = socket.receive(<[u8]>::len).unwrap() {
            noted.borrow_mut().push(size);
        }
        if socket.readiness().is_readable() {
            socket.defer_turn();
        }
    };
    let (mut fake, _noting, _) =
        observed(Mode::Edge, FakeSocket::new().receives([Ok(flood)]), receive);
    pass(&mut fake, Readiness::READABLE);
    while fake.event_loop.census().ready > 0 {
        fake.event_loop.stop();
        fake.event_loop.run_forever().unwrap();
    }
    assert_eq!(*sizes.borrow(), [chapter_04::TURN_MAX, chapter_04::TURN_MAX, 1]);
}

#[test]
fn a_closed_socket_has_no_turn_and_no_registration() {
    let (mut fake, noting, log) = observed(Mode::Edge, FakeSocket::new(), quiet);
    noting.socket.schedule_turn();
    noting.socket.close();
    noting.socket.close();
    assert_eq!(fake.event_loop.census().sources, 0);
    assert!(noting.socket.receive(<[u8]>::len).is_err());
    assert_eq!(Rc::strong_count(&noting), 1, "the loop has let go of the observer");
    fake.event_loop.stop();
    fake.backend.report([]);
    fake.event_loop.run_forever().unwrap();
    assert!(log.borrow().is_empty());
}

/// Whoever holds it then would hold a socket that nobody watches.
#[test]
fn an_observer_is_told_that_its_loop_is_closed() {
    let (fake, noting, log) = observed(Mode::Edge, FakeSocket::new(), quiet);
    noting.socket.defer_turn();
    drop(fake);
    assert_eq!(*log.borrow(), ["closed"]);
    noting.socket.schedule_turn();
    noting.socket.close();
}

#[test]
fn an_observer_that_panics_is_reported_and_the_others_have_their_turns() {
    let (mut fake, _noting, log) =
        observed(Mode::Edge, FakeSocket::new(), |_| panic!("on purpose"));
    let (reports, other) = (Log::default(), Rc::clone(&log));
    let reported = Rc::clone(&reports);
    fake.event_loop.set_exception_handler(move |_, context| {
        assert_eq!(context.to_string(), "an observer failed: on purpose");
        reported.borrow_mut().push("report");
    });
    pass(&mut fake, Readiness::READABLE);
    fake.event_loop.call_soon(move || other.borrow_mut().push("other")).unwrap();
    pass(&mut fake, Readiness::READABLE);
    assert_eq!(*log.borrow(), ["turn", "other", "turn"]);
    assert_eq!(*reports.borrow(), ["report", "report"]);
}
