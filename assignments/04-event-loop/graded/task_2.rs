//! Task 4.2: the pass, and what ends its wait.

use crate::kernel::{Bench, End, Kernel};
use crate::probe::{Bell, Guest, Moment};
use chapter_02::fake::FakeSocket;
use chapter_03::Mode;
use chapter_04::{LoopHandle, Observer, PASS_BUDGET, Remote, sleep, yield_now};
use grading::{Trial, Verdict};
use std::cell::{Cell, RefCell};
use std::fmt::{self, Write};
use std::fs;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::thread;
use std::time::{Duration, Instant};

/// What a check is asked for again and again, on a loop that is open.
const OPEN: &str = "the loop is open";

/// No wait of a loop is longer.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Asks for a callback from another thread.
fn ask(remote: &Remote, callback: impl FnOnce() + Send + 'static) {
    remote.call_soon_threadsafe(callback).expect(OPEN);
}

/// Schedules a callback that notes its turn and schedules the next one of its chain.
fn chain(
    handle: &LoopHandle,
    name: char,
    turn: usize,
    turns: usize,
    record: &Rc<RefCell<Vec<String>>>,
) {
    let (handle_too, record) = (handle.clone(), Rc::clone(record));
    let callback = move || {
        record.borrow_mut().push(format!("{name}{turn}"));
        if turn < turns {
            chain(&handle_too, name, turn + 1, turns, &record);
        }
    };
    handle.call_soon(callback).expect(OPEN);
}

pub(crate) fn what_is_scheduled_runs_in_rounds(trial: &mut Trial) -> Verdict {
    let mut bench = Bench::new(Mode::Edge);
    let (chains, turns) = (trial.random().between(2, 3), trial.random().between(3, 5));
    let names: Vec<char> = ('a'..).take(chains).collect();
    let record = Rc::default();
    for &name in &names {
        chain(&bench.fake.event_loop, name, 1, turns, &record);
    }
    trial.did(format!("callbacks {names:?} are scheduled; each schedules the next one of its name, up to number {turns}"));
    trial.did("the loop runs until nothing is left to do");
    bench.rest(trial, "What nobody schedules does not run.")?;
    let expected: Vec<String> = (1..=turns)
        .flat_map(|turn| names.iter().map(move |name| format!("{name}{turn}")))
        .collect();
    let came = record.take();
    trial.expect(
        "the order",
        &expected,
        &came,
        "What a callback schedules runs behind all that waits already.",
    )?;
    trial.expect(
        "the lengths of its waits for the kernel",
        &waits_of_rounds(chains, turns),
        &bench.kernel.waits(),
        "A chain of callbacks is one pass: to ask the kernel between two links is a system call for nothing.",
    )?;
    let mut bench = Bench::new(Mode::Edge);
    let count = PASS_BUDGET + trial.random().between(2, 99);
    let ran = Rc::new(Cell::new(0));
    for _ in 0..count {
        let ran = Rc::clone(&ran);
        bench.fake.event_loop.call_soon(move || ran.set(ran.get() + 1)).expect(OPEN);
    }
    trial
        .did(format!("{count} callbacks are scheduled; the loop runs until nothing is left to do"));
    bench.rest(trial, "What nobody schedules does not run.")?;
    trial.expect("callbacks that have run", &count, &ran.get(), "Each has its turn.")?;
    trial.expect(
        "the lengths of its waits for the kernel",
        &vec![Some(Duration::ZERO), None],
        &bench.kernel.waits(),
        "A round is what the queue holds at its beginning, however much that is: all of it waited before anything that \
         the kernel will report.",
    )
}

/// The waits of a loop that has so many rounds of so many entries each to run, and then nothing.
fn waits_of_rounds(entries: usize, rounds: usize) -> Vec<Option<Duration>> {
    let (mut passes, mut left) = (1, PASS_BUDGET);
    for _ in 0..rounds {
        if left == 0 {
            (passes, left) = (passes + 1, PASS_BUDGET);
        }
        left = left.saturating_sub(entries);
    }
    let mut waits = vec![Some(Duration::ZERO); passes];
    waits.push(None);
    waits
}

pub(crate) fn a_loop_that_is_stopped_ends_with_its_round(trial: &mut Trial) -> Verdict {
    const ONE: &str = "Who stops a loop before it runs wants a single pass: what is scheduled has its turn. With none, a loop \
                       that is closed down would never give its tasks the turn in which they end.";
    const ROUND: &str = "What was scheduled before the stop has its turn still.";
    const NO_MORE: &str = "What is scheduled in the last round is for the next run. If it ran, two callbacks that schedule \
                           each other would keep a loop that is stopped from its end.";
    let mut bench = Bench::new(Mode::Edge);
    let handle = bench.fake.event_loop.clone();
    let record: Rc<RefCell<Vec<&str>>> = Rc::default();
    /// A callback that notes its name, and schedules another one if that has a name.
    fn note(
        handle: &LoopHandle,
        record: &Rc<RefCell<Vec<&'static str>>>,
        name: &'static str,
        next: Option<&'static str>,
    ) {
        let (handle_too, record) = (handle.clone(), Rc::clone(record));
        let callback = move || {
            record.borrow_mut().push(name);
            if let Some(next) = next {
                note(&handle_too, &record, next, None);
            }
        };
        handle.call_soon(callback).expect(OPEN);
    }
    note(&handle, &record, "A", Some("B"));
    trial.did(
        "callback A is scheduled, which schedules B; the loop is stopped before it runs, and runs",
    );
    let end = bench.pass(trial)?;
    trial.expect("the run ends", &End::Stopped, &end, "It was told to stop.")?;
    let ran = record.take();
    trial.ensure(ran.contains(&"A"), "A has run", "it has not", ONE)?;
    trial.expect("callbacks that have run", &vec!["A"], &ran, NO_MORE)?;
    let stopping = handle.clone();
    handle.call_soon(move || stopping.stop()).expect(OPEN);
    let others = trial.random().between(1, 3);
    for _ in 0..others {
        note(&handle, &record, "C", Some("D"));
    }
    trial.did(format!("behind B are scheduled: a callback that stops the loop, and {others} times C, which schedules D"));
    trial.did("the loop runs again");
    let end = bench.run(trial)?;
    trial.expect("the run ends", &End::Stopped, &end, "It was told to stop.")?;
    let ran = record.take();
    let mut expected = vec!["B"];
    expected.extend(vec!["C"; others]);
    let all = expected.iter().all(|name| ran.contains(name));
    trial.ensure(all, format!("{expected:?} have run"), format!("{ran:?}"), ROUND)?;
    trial.expect("callbacks that have run", &expected, &ran, NO_MORE)?;
    trial.did("the loop runs until nothing is left to do");
    bench.rest(trial, "A stop is of one run, and over with it.")?;
    trial.expect("callbacks that have run", &vec!["D"; others], &record.take(), NO_MORE)
}

pub(crate) fn callbacks_without_end_do_not_keep_the_kernel_waiting(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Callbacks that schedule each other are never done. The sockets, the timers and the other threads \
                       must have their turn all the same.";
    /// After so many turns without a look, the callbacks give up.
    const PATIENCE: usize = 20 * PASS_BUDGET;
    let mut bench = Bench::new(Mode::Edge);
    let kernel = bench.kernel.clone();
    let turns = Rc::new(Cell::new(0));
    let players = trial.random().between(2, 7);
    /// Has a turn, and the next one, until the kernel was asked a second time.
    fn turn(handle: LoopHandle, turns: Rc<Cell<usize>>, kernel: Kernel) {
        if kernel.waits().len() > 1 || turns.get() >= PATIENCE {
            return;
        }
        turns.set(turns.get() + 1);
        let next = handle.clone();
        handle.call_soon(move || turn(next, turns, kernel)).expect(OPEN);
    }
    for _ in 0..players {
        let (handle, turns, kernel) =
            (bench.fake.event_loop.clone(), Rc::clone(&turns), kernel.clone());
        let next = handle.clone();
        handle.call_soon(move || turn(next, turns, kernel)).expect(OPEN);
    }
    trial.did(format!("{players} callbacks are scheduled, each of which schedules itself again"));
    trial.did("the loop runs");
    bench.rest(trial, WHY)?;
    let most = PASS_BUDGET + players;
    trial.ensure(
        turns.get() <= most,
        format!("the kernel is asked again after the round in which turn {PASS_BUDGET} is taken"),
        match turns.get() {
            PATIENCE.. => "it is not asked at all".to_owned(),
            turns => format!("it is asked after {turns} turns"),
        },
        WHY,
    )?;
    trial.expect(
        "the wait that follows lasts",
        &Some(Duration::ZERO),
        &bench.kernel.waits()[1],
        "What is ready already must not wait for anything else.",
    )
}

pub(crate) fn a_wait_ends_with_the_first_timer_and_not_before(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A loop that wakes up to look whether it is time is a loop that polls. It knows when the first timer \
                       is due, to the nanosecond, and sleeps until then; without a timer, until something else comes.";
    let mut bench = Bench::new(Mode::Edge);
    let handle = bench.fake.event_loop.clone();
    let soon = Duration::from_nanos(trial.random().between(1_000_000_001, 2_000_000_000) as u64);
    let late = soon + WAIT_MAX + Duration::from_secs(trial.random().between(60, 3600) as u64);
    let ran: Rc<RefCell<Vec<Duration>>> = Rc::default();
    let (record, clock) = (Rc::clone(&ran), bench.fake.clock.clone());
    let begin = move || {
        for delay in [late, soon, soon] {
            let (record, clock) = (Rc::clone(&record), clock.clone());
            let note = move || record.borrow_mut().push(clock.elapsed());
            handle.call_later(delay, note).expect(OPEN);
        }
        handle.call_later(soon / 2, || ()).expect(OPEN).cancel();
    };
    bench.fake.event_loop.call_soon(begin).expect(OPEN);
    trial.did(format!(
        "a callback sets timers for {late:?}, {soon:?} and {soon:?}, and one that it cancels"
    ));
    trial.did("the loop runs until nothing is left to do");
    bench.rest(trial, WHY)?;
    let rest = late - soon - WAIT_MAX;
    let expected = vec![Some(Duration::ZERO), Some(soon), Some(WAIT_MAX), Some(rest), None];
    trial.expect(
        "the lengths of its waits for the kernel",
        &expected,
        &bench.kernel.waits(),
        WHY,
    )?;
    trial.expect(
        "the timers ran at",
        &vec![soon, soon, late],
        &ran.take(),
        "All that is due when the wait is over runs in this pass.",
    )?;
    trial.did(format!("a timer is set for {late:?}, the loop is stopped, and runs"));
    bench.fake.event_loop.call_later(late, || ()).expect(OPEN);
    let end = bench.pass(trial)?;
    trial.expect("the run ends", &End::Stopped, &end, "It was told to stop.")?;
    trial.expect(
        "its wait lasts",
        &Some(Some(Duration::ZERO)),
        &bench.kernel.waits().last().copied(),
        "Who is told to stop does not sleep first.",
    )
}

pub(crate) fn who_is_woken_by_a_timer_may_set_another(trial: &mut Trial) -> Verdict {
    const ONCE: &str = "The time is read once for all timers of a pass. Whoever is woken may take long; if the time is read \
                        anew for each timer, more and more of them are due, and the kernel is not asked.";
    const TOOK: Duration = Duration::from_millis(10);
    const HOUR: Duration = Duration::from_secs(3600);
    let mut bench = Bench::new(Mode::Edge);
    let handle = bench.fake.event_loop.clone();
    let delay = Duration::from_millis(trial.random().between(20, 9000) as u64);
    let (handle_too, clock) = (handle.clone(), bench.fake.clock.clone());
    let (guest, waker) = Guest::new(Moment::Woken, move || {
        handle_too.call_later(HOUR, || ()).expect(OPEN);
        clock.advance(TOOK);
    });
    let sleeper = Rc::new(RefCell::new(Box::pin(sleep(delay))));
    let (ran, counter) = (Rc::new(Cell::new(0)), bench.kernel.counter());
    let (sleeps, noted) = (Rc::clone(&sleeper), Rc::clone(&ran));
    let begin = move || {
        let polled = sleeps.borrow_mut().as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending(), "it has just begun to sleep");
        let note = move || noted.set(counter());
        handle.call_later(delay + TOOK / 2, note).expect(OPEN);
    };
    bench.fake.event_loop.call_soon(begin).expect(OPEN);
    trial
        .did(format!("somebody sleeps for {delay:?}, and a timer is set for {:?} later", TOOK / 2));
    trial.did(format!("who is woken by the first sets another timer, and takes {TOOK:?} for it"));
    bench.rest(trial, "A timer that was due is over.")?;
    guest.could(trial, "who is woken by a timer can set another one")?;
    trial.expect("the second timer ran behind so many waits", &3, &ran.get(), ONCE)?;
    let expected =
        vec![Some(Duration::ZERO), Some(delay), Some(Duration::ZERO), Some(HOUR - TOOK), None];
    trial.expect("the lengths of the waits", &expected, &bench.kernel.waits(), ONCE)
}

pub(crate) fn who_gives_way_goes_on_after_one_look(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Who gives way could go on at once, and only lets the kernel be asked before. A wait that does not end \
                       at once is a wait for something that is there already, and without a timer it never ends.";
    let looks = vec![Some(Duration::ZERO), Some(Duration::ZERO), None];
    let mut bench = Bench::new(Mode::Edge);
    let (bell, waker) = Bell::new();
    let give_way = move || {
        let polled = pin!(yield_now()).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending(), "it gives way first");
    };
    bench.fake.event_loop.call_soon(give_way).expect(OPEN);
    trial.did("a callback gives way, by yield_now(); the loop runs until nothing is left to do");
    bench.rest(trial, "It gave way once.")?;
    trial.expect("the lengths of the waits", &looks, &bench.kernel.waits(), WHY)?;
    trial.expect("wake-ups of who gave way", &1, &bell.rings(), WHY)?;

    /// An observer that counts its turns.
    struct Turns(Cell<usize>);
    impl Observer for Turns {
        fn turn(self: Rc<Self>) {
            self.0.set(self.0.get() + 1);
        }
        fn loop_closed(&self) {}
    }
    let mut bench = Bench::new(Mode::Edge);
    let turns = Rc::new(Turns(Cell::new(0)));
    let socket = bench.fake.observed(FakeSocket::new()).expect("this kernel refuses nothing");
    socket.observe(Rc::clone(&turns) as Rc<dyn Observer>);
    bench
        .fake
        .event_loop
        .call_soon(move || {
            socket.defer_turn();
            // It goes with the process: what is closed has no turn.
            std::mem::forget(socket);
        })
        .expect(OPEN);
    trial.did("the observer of a socket gives way, by defer_turn()");
    bench.rest(trial, "It gave way once.")?;
    trial.expect("the lengths of the waits", &looks, &bench.kernel.waits(), WHY)?;
    trial.expect("turns of the observer", &1, &turns.0.get(), WHY)
}

pub(crate) fn what_another_thread_asks_for_ends_the_wait(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A loop that sleeps does not look into its list. Who has put something there must wake it, and not \
                       before it is there: a loop that is woken too soon finds nothing, and sleeps again.";
    let mut bench = Bench::new(Mode::Edge);
    let remote = bench.fake.event_loop.remote();
    let record: Arc<Mutex<Vec<usize>>> = Arc::default();
    let note = {
        let record = Arc::clone(&record);
        move |number| {
            let record = Arc::clone(&record);
            move || record.lock().expect("no note panics").push(number)
        }
    };
    let (first, note_first) = (remote.clone(), note.clone());
    bench.kernel.meanwhile_held(move || ask(&first, note_first(0)));
    trial.did("the loop sleeps; another thread asks for callback 0");
    bench.rest(trial, WHY)?;
    let ran = std::mem::take(&mut *record.lock().expect("no note panics"));
    trial.expect("callbacks that have run", &vec![0], &ran, WHY)?;
    bench.kernel.hold_nobody();
    const MUCH: &str = "Threads that ask faster than the loop runs must not keep it from its sockets and timers: a pass takes \
                        so many orders, and no more.";
    let most = PASS_BUDGET + trial.random().between(1, 200);
    let passes: Arc<Mutex<Vec<u64>>> = Arc::default();
    for number in 0..most {
        let (note, passes, counter) = (note(number), Arc::clone(&passes), bench.kernel.counter());
        let callback = move || {
            note();
            passes.lock().expect("no note panics").push(counter());
        };
        ask(&remote, callback);
    }
    trial.did(format!("before the loop runs, it is asked for callbacks 0 to {}", most - 1));
    bench.rest(trial, WHY)?;
    let ran = std::mem::take(&mut *record.lock().expect("no note panics"));
    trial.ensure(
        ran == (0..most).collect::<Vec<_>>(),
        format!("all {most} run, in this order"),
        format!("{} run{}", ran.len(), if ran.is_sorted() { "" } else { ", in another order" }),
        "One wake-up is for all that is in the list. What is left there, because it is too much for one pass, needs a \
         wake-up of its own.",
    )?;
    let passes = std::mem::take(&mut *passes.lock().expect("no note panics"));
    let in_one = passes.chunk_by(|pass, next| pass == next).map(<[u64]>::len).max().unwrap_or(0);
    let came = format!("{in_one} of them");
    trial.ensure(
        in_one <= PASS_BUDGET,
        format!("one pass runs {PASS_BUDGET} of them at most"),
        came,
        MUCH,
    )?;

    // Another thread is held where it puts its order into the list, and the loop looks as soon as it is let go. It is not always
    // the faster one.
    const TIMES: usize = 60;
    trial.did(format!(
        "{TIMES} times, another thread asks for one more, and the loop looks while it does"
    ));
    for number in 0..TIMES {
        let kernel = bench.kernel.clone();
        let (listed, note) = (remote.clone(), note(number));
        let (remote, asks) = (remote.clone(), Cell::new(Some(note)));
        let (_guest, waker) = Guest::new(Moment::Woken, move || {
            let remote = remote.clone();
            let ask = asks.take().map(|note| Box::new(move || ask(&remote, note)) as Box<_>);
            let mut holder = Holder { kernel: kernel.clone(), ask };
            write!(holder, "{listed:?}").expect("it takes everything");
        });
        let give_way = move || {
            let polled = pin!(yield_now()).poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending(), "it gives way first");
        };
        bench.fake.event_loop.call_soon(give_way).expect(OPEN);
        bench.rest(trial, WHY)?;
        let ran = std::mem::take(&mut *record.lock().expect("no note panics"));
        trial.ensure(
            ran == [number],
            "it runs each time",
            "once it does not, and the loop sleeps",
            "What says that there are orders is cleared by a loop that looks. If it says so before the order is there, the \
             loop looks, clears it, and never looks again.",
        )?;
    }
    Ok(())
}

/// Takes the text of a `Remote`, which is written while its list is locked, and lets another thread come to that lock.
struct Holder {
    kernel: Kernel,
    ask: Option<Box<dyn FnOnce() + Send>>,
}

impl Write for Holder {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // What comes before the word is written before the list is looked at.
        if text.contains("closed")
            && let Some(ask) = self.ask.take()
        {
            let (say, said) = mpsc::channel();
            self.kernel.beside(move || {
                say.send(rustix::thread::gettid()).expect("somebody listens");
                ask();
            });
            until_it_sleeps(&said);
        }
        Ok(())
    }
}

/// Returns when the thread sleeps that says its number, or cannot be seen, or does not come to it.
fn until_it_sleeps(said: &Receiver<rustix::thread::Pid>) {
    let Ok(thread) = said.recv() else { return };
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(500) {
        let path = format!("/proc/self/task/{}/stat", thread.as_raw_nonzero());
        match fs::read_to_string(path) {
            Ok(stat) if !stat.contains(") S ") => thread::sleep(Duration::from_micros(200)),
            _ => return,
        }
    }
}
