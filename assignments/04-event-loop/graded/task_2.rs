//! Task 4.2: the pass, and what ends its wait.

use crate::kernel::{Bench, End};
use chapter_03::Mode;
use chapter_04::{LoopHandle, PASS_BUDGET, Remote};
use grading::{Trial, Verdict};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a check is asked for again and again, on a loop that is open.
const OPEN: &str = "the loop is open";

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
        &vec![Some(Duration::ZERO), None],
        &bench.kernel.waits(),
        "A chain of callbacks is one pass: to ask the kernel between two links is a system call for nothing.",
    )
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
    fn turn(handle: LoopHandle, turns: Rc<Cell<usize>>, kernel: crate::kernel::Kernel) {
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
    let late = soon + Duration::from_secs(trial.random().between(60, 3600) as u64);
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
    let expected = vec![Some(Duration::ZERO), Some(soon), Some(late - soon), None];
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
    bench.kernel.meanwhile(true, move || ask(&first, note_first(0)));
    trial.did("the loop sleeps; another thread asks for callback 0");
    bench.rest(trial, WHY)?;
    let ran = std::mem::take(&mut *record.lock().expect("no note panics"));
    trial.expect("callbacks that have run", &vec![0], &ran, WHY)?;
    let most = PASS_BUDGET + trial.random().between(1, PASS_BUDGET - 1);
    bench.kernel.meanwhile(false, move || {
        (0..most).for_each(|number| ask(&remote, note(number)));
    });
    trial.did(format!("the loop sleeps; another thread asks for callbacks 0 to {}", most - 1));
    bench.rest(trial, WHY)?;
    let ran = std::mem::take(&mut *record.lock().expect("no note panics"));
    trial.ensure(
        ran == (0..most).collect::<Vec<_>>(),
        format!("all {most} run, in this order"),
        format!("{} run{}", ran.len(), if ran.is_sorted() { "" } else { ", in another order" }),
        "One wake-up is for all that is in the list. What is left there, because it is too much for one pass, needs a \
         wake-up of its own.",
    )
}
