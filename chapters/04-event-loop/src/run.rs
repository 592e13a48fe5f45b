use crate::event_loop::EventLoop;
use crate::join_handle::{JoinError, JoinHandle};
use crate::loop_error::LoopError;
use crate::loop_handle::LoopHandle;
use crate::outcome::Outcome;
use crate::report::ErrorContext;
use crate::running::running_loop;
use crate::subscription::Second;
use crate::timeout::timeout;
use chapter_03::SelectorKind;
use signal_hook::consts::SIGINT;
use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

/// How long [`run`] waits, at its end, for jobs of the worker pool that nobody awaits any more.
///
/// asyncio waits for five minutes; a program whose pool reads from a terminal seems to hang then.
pub const POOL_GRACE: Duration = Duration::from_secs(5);

/// Runs a future on a loop of its own, and leaves nothing behind: when it is done, the tasks that
/// are left are cancelled and have their last turn, the worker pool is ended, and the loop closed
/// (RN-01).
///
/// What is to be different is asked of a [`Runner`].
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
    Runner::new().run(main)
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
    Runner::new().selector(kind).run(main)
}

/// How a loop is run from beginning to end.
///
/// ```
/// use chapter_04::Runner;
/// use chapter_03::SelectorKind;
///
/// let runner = Runner::new().selector(SelectorKind::Polling).end_at_interrupt();
/// assert_eq!(runner.run(async { 7 })?, 7);
/// # Ok::<(), chapter_04::LoopError>(())
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "it runs nothing before it is given a future"]
pub struct Runner {
    selector: SelectorKind,
    end_at_interrupt: bool,
    pool_grace: Duration,
}

impl Runner {
    /// As [`run`] does it.
    pub fn new() -> Runner {
        Runner::default()
    }

    /// Chooses the selector.
    pub fn selector(self, selector: SelectorKind) -> Runner {
        Runner { selector, ..self }
    }

    /// Ends the run at SIGINT (Ctrl-C): the main task is cancelled, so that its destructors run,
    /// then those that are left, and the outcome is [`LoopError::Interrupted`]. A second SIGINT ends
    /// the process at once, be the loop as busy as it may (RN-03).
    ///
    /// It has to be asked for. asyncio does it by itself where the process still has the handler
    /// that Python came with; whether a Rust program handles SIGINT in its own way, or was started
    /// to ignore it, no safe function tells. Left alone, SIGINT ends a process at once, and its
    /// exit status says so to the shell that started it.
    ///
    /// A handler that the main task itself [adds](crate::LoopHandle::add_signal_handler) for SIGINT
    /// takes the place of all this.
    pub fn end_at_interrupt(self) -> Runner {
        Runner { end_at_interrupt: true, ..self }
    }

    /// Chooses how long the run, at its end, waits for jobs of the worker pool that nobody awaits
    /// any more: by default [`POOL_GRACE`]. What still runs then is reported, and left alone.
    pub fn pool_grace(self, pool_grace: Duration) -> Runner {
        Runner { pool_grace, ..self }
    }

    /// Runs a future.
    ///
    /// # Errors
    ///
    /// As [`run`]; or it was interrupted.
    #[track_caller]
    pub fn run<F>(self, main: F) -> Result<F::Output, LoopError>
    where
        F: Future + 'static,
        F::Output: Outcome + 'static,
    {
        if running_loop().is_ok() {
            return Err(LoopError::Nested);
        }
        let mut event_loop = EventLoop::with_selector(self.selector).map_err(LoopError::Start)?;
        let main = Rc::new(event_loop.spawn(main)?);
        let interrupted = Rc::new(Cell::new(false));
        if self.end_at_interrupt {
            end_at_interrupt(&event_loop, &main, &interrupted)?;
        }
        let outcome = event_loop.run_until_done(&main);
        let ended = end(&mut event_loop, self.pool_grace);
        match outcome {
            Ok(value) => ended.map(|()| value),
            Err(LoopError::Main(JoinError::Cancelled)) if interrupted.get() => {
                Err(LoopError::Interrupted)
            }
            Err(error) => Err(error),
        }
    }
}

impl Default for Runner {
    fn default() -> Runner {
        Runner {
            selector: SelectorKind::default(),
            end_at_interrupt: false,
            pool_grace: POOL_GRACE,
        }
    }
}

/// Ends the tasks that are left, then the worker pool, as far as it does so in time.
fn end(event_loop: &mut EventLoop, pool_grace: Duration) -> Result<(), LoopError> {
    event_loop.cancel_all()?;
    if !event_loop.core.executor.is_used() {
        return Ok(());
    }
    let handle = LoopHandle::clone(event_loop);
    event_loop.run_until_complete(async move {
        if timeout(pool_grace, handle.shutdown_default_executor()).await.is_err() {
            let context = ErrorContext::new("a job of the worker pool outlives the run");
            handle.call_exception_handler(&context);
        }
    })
}

fn end_at_interrupt<T: Outcome + 'static>(
    event_loop: &EventLoop,
    main: &Rc<JoinHandle<T>>,
    interrupted: &Rc<Cell<bool>>,
) -> Result<(), LoopError> {
    let (main, interrupted) = (Rc::clone(main), Rc::clone(interrupted));
    let cancel = move || interrupted.set(main.cancel());
    event_loop
        .core
        .add_signal_handler(SIGINT, Box::new(cancel), Second::EndsTheProcess)
        .map_err(LoopError::Start)
}
