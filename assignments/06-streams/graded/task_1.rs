//! Task 6.1: who waits for room, and who waits for the end.

use crate::scene::{EVERYTHING, Scene, Task};
use chapter_04::OPERATIONS_MAX;
use chapter_05::Transport;
use chapter_06::{ConnectionLost, StreamLimits};
use grading::{Random, Trial, Verdict};
use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::rc::Rc;

type Ended = Task<Result<(), ConnectionLost>>;

fn begin(trial: &Trial) -> &'static mut Scene {
    Scene::begin(trial, StreamLimits::default())
}

/// Tasks that drain, each up to where it waits.
fn drains(trial: &Trial, scene: &mut Scene, count: usize) -> Vec<Ended> {
    let tasks = match count {
        1 => "a task awaits".to_owned(),
        _ => format!("{count} tasks await"),
    };
    trial.did(format!("{tasks} drain()"));
    let drain = |scene: &mut Scene| {
        let writer = Rc::clone(&scene.writer);
        scene.task(async move { writer.drain().await })
    };
    (0..count).map(|_| drain(scene)).collect()
}

/// Tasks that wait for the end.
fn ends(trial: &Trial, scene: &mut Scene, count: usize) -> Vec<Ended> {
    trial.did(format!("{count} tasks await wait_closed()"));
    (0..count).map(|_| scene.task(scene.writer.wait_closed())).collect()
}

/// What a task was told, in words.
fn told(task: &Ended) -> String {
    match task.outcome() {
        None => "it waits".to_owned(),
        Some(Ok(())) => "Ok".to_owned(),
        Some(Err(lost)) => failure(lost.cause().map(io::Error::kind), lost.unsent()),
    }
}

fn failure(cause: Option<ErrorKind>, unsent: usize) -> String {
    match cause {
        Some(kind) => format!("ConnectionLost with the cause {kind:?} and {unsent} bytes unsent"),
        None => format!("ConnectionLost without a cause and {unsent} bytes unsent"),
    }
}

/// Each of the tasks was told this.
fn are_told(trial: &Trial, what: &str, tasks: &[Ended], expected: &str, why: &str) -> Verdict {
    for (place, task) in tasks.iter().enumerate() {
        let came = told(task);
        let of = if tasks.len() > 1 {
            format!(" {} of {}", place + 1, tasks.len())
        } else {
            String::new()
        };
        trial.ensure(came == expected, format!("{what}{of}: {expected}"), came, why)?;
    }
    trial.did(format!("{what}: {expected}"));
    Ok(())
}

/// So many bytes that the writer is told to pause.
fn too_much(random: &mut Random, transport: &Rc<dyn Transport>) -> usize {
    let high = transport.write_buffer_limits().high();
    random.between(high + 1, 2 * high)
}

pub(crate) fn a_drain_that_has_room_does_not_wait(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A drain waits for room, and not until everything is sent: below the high \
                       mark there is room, and nobody will be told to go on who was not told to \
                       pause.";
    let scene = begin(trial);
    let high = scene.transport.write_buffer_limits().high();
    let first = drains(trial, scene, 1);
    are_told(trial, "drain()", &first, "Ok", WHY)?;
    scene.keeps(trial.random().between(1, high));
    let second = drains(trial, scene, 1);
    are_told(trial, "drain()", &second, "Ok", WHY)?;
    trial.expect("polls of the drain", &1, &second[0].polls(), "It had its answer at once.")
}

pub(crate) fn everybody_who_waits_for_room_is_woken_when_there_is_some(
    trial: &mut Trial,
) -> Verdict {
    const WHY: &str =
        "Any number of tasks may write to one connection, and wait for the same room.";
    const NOBODY: &str = "What they have waited for is there, and it does not come by itself to \
                          one who sleeps: somebody has to wake them.";
    const RESTS: &str = "Who waits is woken once, when there is room. To ask again and again is to \
                         burn a processor for an answer that comes by itself.";
    let scene = begin(trial);
    // A second time all is as it was the first time.
    for _ in 0..2 {
        scene.keeps(too_much(trial.random(), &scene.transport));
        let count = trial.random().between(2, 4);
        let mut waiting = drains(trial, scene, count + 1);
        let low = scene.transport.write_buffer_limits().low();
        let given_up = waiting.remove(trial.random().between(0, count));
        trial.did("one of them is cancelled");
        given_up.handle.cancel_now();
        scene.takes(scene.transport.write_buffer_size() - low - 1);
        for task in &waiting {
            let came = told(task);
            trial.ensure(
                came == "it waits",
                format!("drain(): it waits until {low} bytes are left"),
                came,
                "There is room when what is kept has fallen to the low mark.",
            )?;
        }
        scene.takes(1);
        let polls: Vec<u32> = waiting.iter().map(Task::polls).collect();
        let is_told = waiting.iter().any(|task| task.handle.is_finished());
        are_told(trial, "drain()", &waiting, "Ok", if is_told { WHY } else { NOBODY })?;
        trial.expect("polls of each", &vec![2; count], &polls, RESTS)?;
        scene.takes(EVERYTHING);
    }
    Ok(())
}

pub(crate) fn a_connection_that_is_lost_tells_all_who_wait_for_room(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Who waits for room has bytes there, and they are lost: there is no room, \
                       and nobody will ever make any.";
    const LATER: &str =
        "Who asks after the end is told of it as well, and not sent on to write more.";
    for breaks in [true, false] {
        let scene = begin(trial);
        let kept = too_much(trial.random(), &scene.transport);
        scene.keeps(kept);
        let count = trial.random().between(2, 4);
        let waiting = drains(trial, scene, count);
        let cause = if breaks {
            scene.breaks_at_a_send();
            Some(ErrorKind::ConnectionReset)
        } else {
            scene.aborts();
            None
        };
        are_told(trial, "drain()", &waiting, &failure(cause, kept), WHY)?;
        let later = drains(trial, scene, 1);
        are_told(trial, "drain()", &later, &failure(cause, kept), LATER)?;
    }
    let scene = begin(trial);
    scene.aborts();
    let later = drains(trial, scene, 1);
    are_told(trial, "drain()", &later, &failure(None, 0), LATER)
}

pub(crate) fn everybody_who_waits_for_the_end_is_told_how_it_was(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Any number of tasks may wait for the end, each may stop on its own, and who \
                       asks later is told the same.";
    for is_sent in [true, false] {
        let scene = begin(trial);
        let kept = trial.random().between(1, 9999);
        scene.keeps(kept);
        let count = trial.random().between(2, 4);
        let mut waiting = ends(trial, scene, count + 1);
        let given_up = waiting.remove(trial.random().between(0, count));
        trial.did("one of them is cancelled");
        given_up.handle.cancel_now();
        trial.did("close()");
        drop(scene.writer.close());
        scene.rest();
        for task in &waiting {
            let came = told(task);
            trial.ensure(
                came == "it waits",
                "wait_closed(): it waits, for bytes are still to be sent",
                came,
                "A connection that is closed has ended when everything is sent.",
            )?;
        }
        let expected = if is_sent {
            scene.takes(EVERYTHING);
            "Ok".to_owned()
        } else {
            scene.aborts();
            failure(None, kept)
        };
        let polls: Vec<u32> = waiting.iter().map(Task::polls).collect();
        are_told(trial, "wait_closed()", &waiting, &expected, WHY)?;
        trial.expect("polls of each", &vec![2; count], &polls, "Who waits is woken once.")?;
        let later = ends(trial, scene, 1);
        are_told(trial, "wait_closed()", &later, &expected, WHY)?;
    }
    Ok(())
}

pub(crate) fn who_writes_without_rest_leaves_the_others_their_turn(trial: &mut Trial) -> Verdict {
    let scene = begin(trial);
    let written = Rc::new(Cell::new(0));
    let (writer, count) = (Rc::clone(&scene.writer), Rc::clone(&written));
    trial.did("a task writes and drains 300 times, and the kernel takes everything at once");
    let writing = async move {
        for _ in 0..300 {
            writer.write(b"x").expect("the connection is open");
            writer.drain().await.expect("the connection is open");
            count.set(count.get() + 1);
        }
    };
    let event_loop = scene.event_loop();
    event_loop.spawn(writing).expect("the loop is open").detach();
    scene.pass(chapter_03::Readiness::NONE);
    trial.ensure(
        written.get() <= OPERATIONS_MAX,
        format!("after {OPERATIONS_MAX} drains the others have their turn"),
        format!("it has drained {} times in one turn", written.get()),
        "A peer that is always faster leaves a writer nothing to wait for, and to await what is \
         there gives nobody else a turn: the loop has to be asked, by `may_go_on`.",
    )?;
    (0..2).for_each(|_| scene.rest());
    trial.expect(
        "drains in the end",
        &300,
        &written.get(),
        "Who gave way goes on in the next pass.",
    )
}
