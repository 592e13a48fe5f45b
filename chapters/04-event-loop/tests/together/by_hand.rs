//! The `async fn` of `examples/by_hand.rs` and the state machine beside it answer every poll alike.

#[expect(dead_code, reason = "its `main` is not called here")]
#[path = "../../examples/by_hand.rs"]
mod example;

use chapter_03::Mode;
use chapter_04::fake::FakeLoop;
use chapter_04::{EventLoop, FutureCell, FutureError, sleep};
use example::{as_written, by_hand};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

const DELAY: Duration = Duration::from_secs(2);
type Greeting = Pin<Box<dyn Future<Output = Result<String, FutureError>>>>;

/// What an executor, and the world, may do with a future at any time.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Polls it, whether or not it was woken.
    Poll,
    /// Polls it with another waker from now on.
    ChangeWaker,
    /// Half of the delay passes.
    Wait,
    /// The name is there.
    SetName,
    /// There will be no name.
    CancelName,
}

const STEPS: [Step; 5] =
    [Step::Poll, Step::ChangeWaker, Step::Wait, Step::SetName, Step::CancelName];

/// A waker that counts.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Wakes>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Plays a script to a future of its own, and writes down each answer and each wake-up, by the
/// number of the waker. At the end, the future is dropped, and the wakers that are still held are
/// counted.
async fn play(script: Vec<Step>, make: fn(Duration, FutureCell<String>) -> Greeting) -> String {
    let name = FutureCell::new();
    let mut future = Some(make(DELAY, name.clone()));
    let mut wakers = vec![Arc::<Wakes>::default()];
    let mut record = String::new();
    for step in script {
        match step {
            Step::Poll => {
                let Some(polled) = &mut future else { continue };
                let waker = Waker::from(Arc::clone(&wakers[wakers.len() - 1]));
                let answer = polled.as_mut().poll(&mut Context::from_waker(&waker));
                record += &format!("{answer:?} ");
                if answer.is_ready() {
                    future = None;
                }
            }
            Step::ChangeWaker => wakers.push(Arc::default()),
            Step::Wait => sleep(DELAY / 2).await,
            Step::SetName => drop(name.set_result("reader".to_owned())),
            Step::CancelName => drop(name.cancel().then_some(())),
        }
        for (number, wakes) in wakers.iter().enumerate() {
            if wakes.0.swap(0, Ordering::Relaxed) > 0 {
                record += &format!("wakes {number} ");
            }
        }
    }
    drop(future);
    let held: usize = wakers.iter().map(|wakes| Arc::strong_count(wakes) - 1).sum();
    record + &format!("held {held}")
}

/// Every script of the given length.
fn scripts(length: u32) -> impl Iterator<Item = Vec<Step>> {
    let base = STEPS.len();
    (0..base.pow(length)).map(move |number| {
        (0..length).map(|place| STEPS[number / base.pow(place) % base]).collect()
    })
}

fn event_loop() -> EventLoop {
    FakeLoop::new(Mode::Edge).event_loop
}

/// TK-02: the same answers and the same wake-ups to all that can happen in six steps; and where it
/// is dropped, neither leaves a waker behind.
#[test]
fn the_async_fn_and_the_state_machine_are_polled_alike() {
    let mut event_loop = event_loop();
    let mut endings = [0; 3];
    for script in scripts(6) {
        let written = play(script.clone(), |delay, name| Box::pin(as_written(delay, name)));
        let machine = play(script.clone(), |delay, name| Box::pin(by_hand(delay, name)));
        let written = event_loop.run_until_complete(written).unwrap();
        let machine = event_loop.run_until_complete(machine).unwrap();
        assert_eq!(written, machine, "{script:?}");
        assert!(written.ends_with("held 0"), "{script:?}: {written}");
        for (count, ending) in endings.iter_mut().zip(["Ready(Ok", "Ready(Err", "Pending"]) {
            *count += usize::from(written.contains(ending));
        }
    }
    assert!(endings.iter().all(|count| *count > 10), "too few got anywhere: {endings:?}");
    assert_eq!(event_loop.census().timers, 0);
}

/// One of those scripts, to be read.
#[test]
fn it_waits_for_the_time_and_then_for_the_name() {
    use Step::{ChangeWaker, Poll, SetName, Wait};
    let script = [Poll, Wait, Poll, ChangeWaker, Wait, Poll, Poll, SetName, Poll];
    let record = event_loop()
        .run_until_complete(play(script.into(), |delay, name| Box::pin(by_hand(delay, name))));
    let expected =
        "Pending Pending wakes 0 Pending Pending wakes 1 Ready(Ok(\"hello, reader\")) held 0";
    assert_eq!(record.unwrap(), expected);
}
