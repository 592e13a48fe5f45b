//! Task 4.4: an operation of a socket. It is polled by hand, so that it is known who wakes whom.

use crate::kernel::Bench;
use crate::probe::Bell;
use chapter_02::fake::FakeSocket;
use chapter_03::{Interest, Mode, Readiness};
use chapter_04::{OPERATIONS_MAX, Received};
use grading::{Trial, Verdict, shown};
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// What a receive asks for at most.
const ROOM: usize = 100;

const NOT_YET: Result<&str, ErrorKind> = Err(ErrorKind::WouldBlock);

/// Polls a receive once, and gives its answer in words.
fn poll<'s>(
    receive: Pin<&mut impl Future<Output = io::Result<Received<'s>>>>,
    waker: &Waker,
) -> String {
    match receive.poll(&mut Context::from_waker(waker)) {
        Poll::Pending => "not yet".to_owned(),
        Poll::Ready(Ok(bytes)) => shown(&bytes),
        Poll::Ready(Err(error)) => format!("the error \"{error}\""),
    }
}

fn answers(trial: &Trial, who: &str, expected: &str, came: &str, why: &str) -> Verdict {
    trial.ensure(expected == came, format!("{who} answers: {expected}"), came, why)?;
    trial.did(format!("{who} is polled, and answers: {expected}"));
    Ok(())
}

pub(crate) fn what_came_before_is_taken_at_once(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Bytes that came before anybody waited are not reported once more. Who waits without a try waits \
                       for a report that was already.";
    let bench = Bench::new(Mode::Edge);
    let (first, second) = (trial.random().word(1, 9), trial.random().word(1, 9));
    let script = FakeSocket::new().receives([Ok(&first), Ok(&second)]);
    let socket = bench.socket(script);
    trial.did(format!(
        "a socket is given to the loop; {} are there already",
        shown(first.as_bytes())
    ));
    let (bell, waker) = Bell::new();
    let came = poll(pin!(socket.recv(ROOM)), &waker);
    answers(trial, "a receive", &shown(first.as_bytes()), &came, WHY)?;
    trial.expect("wake-ups", &0, &bell.rings(), "Who has an answer is not to be polled again.")
}

pub(crate) fn a_report_wakes_whoever_waits_and_nothing_else_does(trial: &mut Trial) -> Verdict {
    const ASLEEP: &str = "Who answers \"not yet\" and wakes itself is polled again at once, and again: it waits with a \
                          processor. The waker is to be left with somebody who will know.";
    const VAIN: &str = "The kernel has said that there is nothing, and has not said anything else since: to ask it again \
                        is a system call in vain.";
    for mode in [Mode::Edge, Mode::Level] {
        let mut bench = Bench::new(mode);
        let word = trial.random().word(1, 9);
        let script = FakeSocket::new().receives([NOT_YET, Ok(&word)]);
        let socket = bench.socket(script);
        trial.did("a socket is given to the loop, and nothing is there yet");
        let (bell, waker) = Bell::new();
        let mut receive = pin!(socket.recv(ROOM));
        answers(trial, "a receive", "not yet", &poll(receive.as_mut(), &waker), VAIN)?;
        trial.expect("wake-ups", &0, &bell.rings(), ASLEEP)?;
        answers(trial, "it", "not yet", &poll(receive.as_mut(), &waker), VAIN)?;
        trial.did("the loop makes a pass, in which nothing is reported");
        bench.pass(trial)?;
        trial.expect("wake-ups", &0, &bell.rings(), ASLEEP)?;
        let watched = bench.kernel.interest(0).contains(Interest::READ);
        trial.ensure(
            watched,
            "the kernel watches the socket",
            "it does not",
            "The kernel reports what it watches.",
        )?;
        bench.kernel.report(0, Readiness::READABLE);
        trial.did("the kernel reports that there is something to receive");
        bench.pass(trial)?;
        trial.expect(
            "wake-ups",
            &1,
            &bell.rings(),
            "Who waits for a report is woken by it, once.",
        )?;
        let came = poll(receive.as_mut(), &waker);
        answers(trial, "it", &shown(word.as_bytes()), &came, "A report is a reason to try again.")?;
    }
    Ok(())
}

pub(crate) fn a_report_in_vain_is_waited_out(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A report is a hint: somebody else may have been faster, and a kernel may be wrong. \"Would block\" \
                       after it means the same as before it, to wait.";
    let mut bench = Bench::new(Mode::Edge);
    let word = trial.random().word(1, 9);
    let vain = trial.random().between(1, 3);
    let mut script = vec![NOT_YET; 1 + vain];
    script.push(Ok(&word));
    let socket = bench.socket(FakeSocket::new().receives(script));
    let (bell, waker) = Bell::new();
    let mut receive = pin!(socket.recv(ROOM));
    answers(trial, "a receive", "not yet", &poll(receive.as_mut(), &waker), WHY)?;
    for count in 1..=vain {
        bench.kernel.report(0, Readiness::READABLE);
        bench.pass(trial)?;
        trial.did("the kernel reports that there is something, and there is nothing");
        trial.expect(
            "wake-ups",
            &count,
            &bell.rings(),
            "Who waits for a report is woken by it.",
        )?;
        answers(trial, "it", "not yet", &poll(receive.as_mut(), &waker), WHY)?;
    }
    bench.kernel.report(0, Readiness::READABLE);
    bench.pass(trial)?;
    trial.did(format!("the kernel reports {}", shown(word.as_bytes())));
    trial.expect("wake-ups", &(vain + 1), &bell.rings(), "It waits again, and is woken again.")?;
    answers(trial, "it", &shown(word.as_bytes()), &poll(receive.as_mut(), &waker), WHY)
}

pub(crate) fn the_last_waker_is_the_one_that_counts(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A future may be moved to another task between two polls. A waker of an earlier poll wakes somebody \
                       who does not have it any more.";
    let mut bench = Bench::new(Mode::Edge);
    let socket = bench.socket(FakeSocket::new());
    let mut receive = pin!(socket.recv(ROOM));
    let (first, waker) = Bell::new();
    answers(trial, "a receive", "not yet", &poll(receive.as_mut(), &waker), WHY)?;
    let (last, waker) = Bell::new();
    trial.did("it is moved to another task");
    for _ in 0..trial.random().between(1, 3) {
        answers(trial, "it", "not yet", &poll(receive.as_mut(), &waker), WHY)?;
    }
    bench.kernel.report(0, Readiness::READABLE);
    bench.pass(trial)?;
    trial.did("the kernel reports that there is something to receive");
    trial.ensure(
        last.rings() <= 1,
        "wake-ups of the task that has it: 1",
        last.rings(),
        "One wait has one entry: each poll puts its waker in place of the one before. Entries that are left by earlier polls \
         are wake-ups for nothing.",
    )?;
    trial.expect("wake-ups of the task that has it", &1, &last.rings(), WHY)?;
    trial.expect("wake-ups of the task that had it", &0, &first.rings(), WHY)
}

pub(crate) fn who_gives_up_leaves_nothing_behind(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A wait that is given up, as by a time-out, is over: its waker would wake somebody for nothing, and \
                       the kernel would watch for nobody.";
    let mut bench = Bench::new(Mode::Level);
    let socket = bench.socket(FakeSocket::new());
    let (bell, waker) = Bell::new();
    let rounds = trial.random().between(1, 3);
    for _ in 0..rounds {
        let mut receive = Box::pin(socket.recv(ROOM));
        answers(trial, "a receive", "not yet", &poll(receive.as_mut(), &waker), WHY)?;
        drop(receive);
        trial.did("it is dropped");
    }
    bench.kernel.report(0, Readiness::READABLE);
    bench.pass(trial)?;
    trial.did("the kernel, which reports levels, says that there is something to receive");
    trial.expect("wake-ups", &0, &bell.rings(), WHY)?;
    let watched = bench.kernel.interest(0) != Interest::NONE;
    trial.ensure(!watched, "the kernel watches the socket no more", "it goes on", WHY)
}

pub(crate) fn who_is_always_ready_gives_way(trial: &mut Trial) -> Verdict {
    const WHY: &str = "An operation that is always ready never waits, and a task that never waits keeps the loop to itself: \
                       one client that floods its socket would be the only one that is served.";
    let mut bench = Bench::new(Mode::Edge);
    let flood = trial.random().word(300, 400);
    let socket = bench.socket(FakeSocket::new().receives([Ok(&flood)]));
    trial.did(format!("a socket is given to the loop; {} bytes are there already", flood.len()));
    let (bell, waker) = Bell::new();
    let mut received = 0;
    let mut receive = Box::pin(socket.recv(1));
    while received < flood.len() && poll(receive.as_mut(), &waker) != "not yet" {
        received += 1;
        receive = Box::pin(socket.recv(1));
    }
    let most = OPERATIONS_MAX as usize;
    trial.ensure(
        received == most,
        format!("after {most} receives of 1 byte in a row, the next one answers: not yet"),
        if received < flood.len() {
            format!("{received} of them have an answer")
        } else {
            "each has an answer, as long as anything is there".to_owned()
        },
        WHY,
    )?;
    trial.did(format!("after {most} receives of 1 byte in a row, the next one answers: not yet"));
    trial.expect("wake-ups", &0, &bell.rings(), "First the others have their turn.")?;
    bench.kernel.report(0, Readiness::READABLE);
    bench.pass(trial)?;
    trial.did("the loop makes a pass, in which the kernel reports that there is more to receive");
    trial.expect(
        "wake-ups",
        &1,
        &bell.rings(),
        "Who gives way goes on in the next pass, and does not wait for a report. A report that it does not wait for does not \
         wake it.",
    )?;
    let next = shown(&flood.as_bytes()[most..=most]);
    answers(trial, "the receive that gave way", &next, &poll(receive.as_mut(), &waker), WHY)
}
