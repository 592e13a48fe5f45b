//! Single steps of a loop, on ours and on its peers: all in one process, in rounds in which they take turns.

mod ours;
mod smol;
mod steps;
mod tokio;

use crate::server::Part;
use crate::statistics::Summary;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::pin::Pin;
use std::time::Duration;

/// Timers that are set all the time while timers are measured.
pub const TIMERS: usize = 1_000_000;

/// A runtime that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contender {
    /// The loop of chapter 04.
    Ours,
    /// tokio's `LocalSet` on a current-thread runtime.
    Tokio,
    /// smol's `LocalExecutor` with async-io.
    Smol,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A task is spawned, runs, ends, and its end is awaited.
    Spawn,
    /// A task wakes another one on the same loop, which runs.
    Wake,
    /// A task gives way to the others, and has its turn again.
    Yield,
    /// A timer is set and cancelled, among a million that stay.
    Timer,
    /// A thread is asked to wake a task, the loop goes to sleep, and the thread does.
    Thread,
}

/// How hard to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds; in each, every runtime has one slice.
    pub rounds: usize,
    /// Timers that are set all the time while timers are measured.
    pub timers: usize,
    /// The share of the usual operations of a slice, more than 0.
    pub share: f64,
}

/// The outcome of [`measure`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Micro {
    /// How many rounds are in the figures.
    pub rounds: usize,
    /// Timers that were set all the time while timers were measured.
    pub timers: usize,
    /// One for each step.
    pub steps: Vec<Taken>,
}

/// What one step takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// The step.
    pub step: Step,
    /// One for each runtime; the first is compared to the others.
    pub by: Vec<TakenBy>,
}

/// What one step takes on one runtime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TakenBy {
    /// The runtime.
    pub contender: Contender,
    /// Processor time of the whole process for one step, in nanoseconds.
    pub nanos: Summary,
    /// The first runtime's time over this one's, in the same round: at most 1 if the first is not dearer.
    pub first_over_this: Summary,
}

impl Contender {
    /// All of them; the first is compared to the others.
    pub const ALL: [Contender; 3] = [Contender::Ours, Contender::Tokio, Contender::Smol];

    /// Its name in a table.
    pub fn title(self) -> &'static str {
        match self {
            Contender::Ours => "chapter 04",
            Contender::Tokio => "tokio, LocalSet",
            Contender::Smol => "smol, LocalExecutor",
        }
    }

    /// What it is in a comparison.
    pub fn part(self) -> Part {
        match self {
            Contender::Ours => Part::Ours,
            Contender::Tokio | Contender::Smol => Part::Peer,
        }
    }

    fn start(self) -> anyhow::Result<Box<dyn Stand>> {
        Ok(match self {
            Contender::Ours => Box::new(Fitted::new(ours::Local::new()?)),
            Contender::Tokio => Box::new(Fitted::new(tokio::Local::new()?)),
            Contender::Smol => Box::new(Fitted::new(smol::Local::default())),
        })
    }
}

impl Step {
    /// All of them.
    pub const ALL: [Step; 5] = [Step::Spawn, Step::Wake, Step::Yield, Step::Timer, Step::Thread];

    /// Its name in a table.
    pub fn title(self) -> &'static str {
        match self {
            Step::Spawn => "spawn a task, await its end",
            Step::Wake => "wake another task, which runs",
            Step::Yield => "yield among 50 tasks",
            Step::Timer => "set and cancel a timer",
            Step::Thread => "wake from another thread",
        }
    }

    /// The operations of a slice, which takes some milliseconds.
    fn operations(self) -> usize {
        match self {
            Step::Spawn | Step::Wake | Step::Yield => 50_000,
            Step::Timer => 20_000,
            Step::Thread => 1_000,
        }
    }
}

/// A runtime under measurement. It is clonable so that its tasks can hold it, and stays on its thread.
trait Runtime: Clone + 'static {
    /// A timer, which is set when it is polled for the first time and cancelled when it is dropped.
    type Timer: Future + 'static;

    /// Runs `main` as a task of this runtime to its end.
    fn run<T: 'static>(&self, main: impl Future<Output = T> + 'static) -> T;

    /// Starts a task, from within a task. Its end can be awaited.
    fn spawn(&self, task: impl Future<Output = ()> + 'static)
    -> impl Future<Output = ()> + 'static;

    /// Lets the other tasks run first.
    fn yield_now(&self) -> impl Future<Output = ()>;

    /// A timer that is not set yet, from within a task.
    fn timer(&self, after: Duration) -> Self::Timer;
}

/// A runtime of any type, ready to take a step.
trait Stand {
    /// Sets `count` timers that stay set.
    fn set_timers(&mut self, count: usize);

    /// Takes a step so many times and gives the processor time of one, in nanoseconds.
    fn slice(&self, step: Step, operations: usize) -> f64;
}

struct Fitted<R: Runtime> {
    runtime: R,
    timers: Vec<Pin<Box<R::Timer>>>,
}

impl<R: Runtime> Fitted<R> {
    fn new(runtime: R) -> Fitted<R> {
        Fitted { runtime, timers: Vec::new() }
    }
}

impl<R: Runtime> Stand for Fitted<R> {
    fn set_timers(&mut self, count: usize) {
        self.timers = self.runtime.run(steps::set_timers(self.runtime.clone(), count));
    }

    fn slice(&self, step: Step, operations: usize) -> f64 {
        let runtime = self.runtime.clone();
        let spent = match step {
            Step::Spawn => self.runtime.run(steps::spawn(runtime, operations)),
            Step::Wake => self.runtime.run(steps::wake(runtime, operations)),
            Step::Yield => self.runtime.run(steps::give_way(runtime, operations)),
            Step::Timer => self.runtime.run(steps::timer(runtime, operations)),
            Step::Thread => self.runtime.run(steps::thread(operations)),
        };
        spent.as_nanos() as f64 / operations as f64
    }
}

/// Measures all steps on all runtimes.
///
/// # Errors
///
/// If a runtime cannot start.
pub fn measure(effort: Effort) -> anyhow::Result<Micro> {
    let steps = Step::ALL.into_iter().map(|step| taken(step, effort));
    Ok(Micro {
        rounds: effort.rounds,
        timers: effort.timers,
        steps: steps.collect::<anyhow::Result<_>>()?,
    })
}

fn taken(step: Step, effort: Effort) -> anyhow::Result<Taken> {
    let contenders = Contender::ALL;
    let mut stands =
        contenders.iter().map(|c| c.start()).collect::<anyhow::Result<Vec<Box<dyn Stand>>>>()?;
    if step == Step::Timer {
        stands.iter_mut().for_each(|stand| stand.set_timers(effort.timers));
    }
    let operations = (step.operations() as f64 * effort.share).ceil() as usize;
    let round = || stands.iter().map(|stand| stand.slice(step, operations)).collect::<Vec<_>>();
    // The first round warms up.
    round();
    let rounds: Vec<_> = (0..effort.rounds).map(|_| round()).collect();
    let by = contenders.into_iter().enumerate().map(|(place, contender)| {
        let nanos = Summary::of(rounds.iter().map(|round| round[place]))?;
        let first_over_this = Summary::of(rounds.iter().map(|round| round[0] / round[place]))?;
        Some(TakenBy { contender, nanos, first_over_this })
    });
    Ok(Taken { step, by: by.collect::<Option<_>>().context("no round was measured")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_can_be_taken_on_every_runtime() {
        let effort = Effort { rounds: 2, timers: 300, share: 0.01 };
        let micro = measure(effort).unwrap();
        assert_eq!(micro.steps.len(), Step::ALL.len());
        for taken in &micro.steps {
            let who: Vec<_> = taken.by.iter().map(|by| by.contender).collect();
            assert_eq!(who, Contender::ALL);
            assert!(taken.by.iter().all(|by| by.nanos.median > 0.0), "{taken:?}");
            let own = taken.by[0].first_over_this;
            assert_eq!(own, Summary { median: 1.0, low: 1.0, high: 1.0 });
        }
    }
}
