//! The steps, written once for all runtimes. Each measures itself and gives the processor time of the process for all
//! its operations together; what it needs once for all is not in it.

use super::Runtime;
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

/// How many tasks give way to each other.
const YIELDERS: usize = 50;

/// No timer of a measurement is due before it is over.
const LATER: Duration = Duration::from_secs(3_600);

/// The deadlines lie within so many milliseconds: a timer is set in the midst of the others.
const SPREAD_MS: u64 = 3_600_000;

pub(super) async fn spawn(runtime: impl Runtime, operations: usize) -> Duration {
    let start = processor_time();
    for _ in 0..operations {
        runtime.spawn(async {}).await;
    }
    processor_time() - start
}

/// Two tasks wake each other; a wake is one operation.
pub(super) async fn wake(runtime: impl Runtime, operations: usize) -> Duration {
    let ball = Rc::new(Ball::default());
    let start = processor_time();
    let other = runtime.spawn(play(Rc::clone(&ball), 1, operations / 2));
    play(ball, 0, operations / 2).await;
    other.await;
    processor_time() - start
}

pub(super) async fn give_way(runtime: impl Runtime, operations: usize) -> Duration {
    let start = processor_time();
    let tasks: Vec<_> = (0..YIELDERS)
        .map(|_| {
            let own = runtime.clone();
            runtime.spawn(async move {
                for _ in 0..operations / YIELDERS {
                    own.yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await;
    }
    processor_time() - start
}

pub(super) async fn timer(runtime: impl Runtime, operations: usize) -> Duration {
    let mut deadlines = Deadlines::default();
    let start = processor_time();
    for _ in 0..operations {
        set(pin!(runtime.timer(deadlines.next()))).await;
    }
    processor_time() - start
}

/// Timers that are set, for [`timer`] to be among them.
pub(super) async fn set_timers<R: Runtime>(runtime: R, count: usize) -> Vec<Pin<Box<R::Timer>>> {
    let mut deadlines = Deadlines::default();
    let mut timers = Vec::with_capacity(count);
    for _ in 0..count {
        let mut timer = Box::pin(runtime.timer(deadlines.next()));
        set(timer.as_mut()).await;
        timers.push(timer);
    }
    timers
}

/// Each time the thread is asked with a waker and answers with a wake. Both share a processor where the process is
/// pinned to one: the loop then sleeps before it is woken.
pub(super) async fn thread(operations: usize) -> Duration {
    let (ask, asked) = mpsc::channel::<Waker>();
    let woken = Arc::new(AtomicBool::new(false));
    let other = thread::spawn({
        let woken = Arc::clone(&woken);
        move || {
            for waker in asked {
                woken.store(true, Ordering::Release);
                waker.wake();
            }
        }
    });
    let start = processor_time();
    for _ in 0..operations {
        let mut waiting = false;
        poll_fn(|context| {
            if woken.swap(false, Ordering::Acquire) {
                return Poll::Ready(());
            }
            // A poll without a wake asks no second time.
            if !waiting {
                waiting = true;
                ask.send(context.waker().clone()).expect("the thread listens until it is let go");
            }
            Poll::Pending
        })
        .await;
    }
    let spent = processor_time() - start;
    drop(ask);
    other.join().expect("the thread only wakes");
    spent
}

/// Goes to and fro between two tasks.
#[derive(Default)]
struct Ball {
    /// Whose turn it is.
    side: Cell<usize>,
    waiting: [Cell<Option<Waker>>; 2],
}

async fn play(ball: Rc<Ball>, side: usize, times: usize) {
    for _ in 0..times {
        poll_fn(|context| {
            if ball.side.get() == side {
                return Poll::Ready(());
            }
            ball.waiting[side].set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
        ball.side.set(1 - side);
        if let Some(waker) = ball.waiting[1 - side].take() {
            waker.wake();
        }
    }
}

/// Durations that look random and are the same for all.
#[derive(Default)]
struct Deadlines(u64);

impl Deadlines {
    fn next(&mut self) -> Duration {
        // The step of a Weyl sequence: the golden ratio of 2^64, which spreads evenly.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        LATER + Duration::from_millis((self.0 >> 32) % SPREAD_MS)
    }
}

/// Polls a timer once, and no more: it is set then.
async fn set(mut timer: Pin<&mut impl Future>) {
    poll_fn(|context| {
        assert!(timer.as_mut().poll(context).is_pending(), "no timer is due in an hour");
        Poll::Ready(())
    })
    .await;
}

/// Time that this process has had on a processor.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
