use crate::event_loop::EventLoop;
use crate::loop_error::LoopError;
use crate::outcome::Outcome;
use chapter_03::SelectorKind;
use std::future::Future;

/// Runs a future on a loop of its own, and leaves nothing behind: when it is done, the tasks that
/// are left are cancelled and have their last turn, then the loop is closed (RN-01).
///
/// # Errors
///
/// A loop runs in this thread already (RN-02); the loop cannot be made or cannot wait; the future
/// was cancelled or has panicked.
#[track_caller]
pub fn run<F>(main: F) -> Result<F::Output, LoopError>
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    run_with(SelectorKind::default(), main)
}

/// As [`run`], over a selector of one's choice.
///
/// # Errors
///
/// As [`run`].
#[track_caller]
pub fn run_with<F>(kind: SelectorKind, main: F) -> Result<F::Output, LoopError>
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    let mut event_loop = EventLoop::with_selector(kind).map_err(LoopError::Select)?;
    let outcome = event_loop.run_until_complete(main);
    event_loop.cancel_all()?;
    outcome
}
