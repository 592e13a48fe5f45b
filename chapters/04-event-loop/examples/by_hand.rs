//! An `async fn` and the state machine that it stands for: `cargo run -p chapter-04 --example
//! by_hand`.

use chapter_04::{FutureCell, FutureError, Sleep, Waiting, run, sleep, spawn};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Waits a while, then for a name.
pub(crate) async fn as_written(
    delay: Duration,
    name: FutureCell<String>,
) -> Result<String, FutureError> {
    sleep(delay).await;
    let name = name.await?;
    Ok(format!("hello, {name}"))
}

/// The same by hand: a state for each place where it may wait, with what is needed from there on.
///
/// The compiler's own holds its states in place and may have one of them point into another, which
/// is why a future is pinned before it is polled. This one has no such pointers.
pub(crate) enum ByHand {
    Begun { delay: Duration, name: FutureCell<String> },
    Sleeping { sleep: Sleep, name: FutureCell<String> },
    WaitingForName { waiting: Waiting<String> },
    Done,
}

pub(crate) fn by_hand(delay: Duration, name: FutureCell<String>) -> ByHand {
    ByHand::Begun { delay, name }
}

impl Future for ByHand {
    type Output = Result<String, FutureError>;

    /// Goes from state to state until one has to wait. `ready!` returns "pending" then, and the next
    /// poll asks that state again.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            *self = match &mut *self {
                ByHand::Begun { delay, name } => {
                    ByHand::Sleeping { sleep: sleep(*delay), name: name.clone() }
                }
                ByHand::Sleeping { sleep, name } => {
                    ready!(Pin::new(sleep).poll(context));
                    ByHand::WaitingForName { waiting: name.clone().into_future() }
                }
                ByHand::WaitingForName { waiting } => {
                    let name = ready!(Pin::new(waiting).poll(context));
                    *self = ByHand::Done;
                    return Poll::Ready(name.map(|name| format!("hello, {name}")));
                }
                ByHand::Done => panic!("a future is not polled after it was done"),
            };
        }
    }
}

fn main() -> anyhow::Result<()> {
    run(async {
        let (delay, name) = (Duration::from_millis(10), FutureCell::new());
        let written = spawn(polls_of(as_written(delay, name.clone())));
        let by_hand = spawn(polls_of(by_hand(delay, name.clone())));
        sleep(2 * delay).await;
        name.set_result("reader".to_owned())?;
        println!("as written: {}", written.await?);
        println!("by hand:    {}", by_hand.await?);
        Ok(())
    })?
}

/// Tells what each poll of a future gave.
async fn polls_of(future: impl Future<Output = Result<String, FutureError>>) -> String {
    let (mut future, mut answers) = (pin!(future), String::new());
    let greeting = poll_fn(|context| {
        let answer = future.as_mut().poll(context);
        answers.push_str(if answer.is_pending() { "pending, " } else { "ready: " });
        answer
    })
    .await;
    answers + &greeting.unwrap_or_else(|error| error.to_string())
}
