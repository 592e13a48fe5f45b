use crate::join_handle::JoinError;
use crate::remote::LoopClosed;
use std::fmt;
use std::io;

/// Why a loop did not run to the end.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoopError {
    /// It is closed.
    Closed(LoopClosed),
    /// A loop runs in this thread already.
    Nested,
    /// It was stopped before the future was done.
    Stopped,
    /// The future was cancelled or has panicked.
    Main(JoinError),
    /// It cannot be made ready to run, for example because no descriptor is left.
    Start(io::Error),
    /// The kernel refuses to wait.
    Select(io::Error),
    /// SIGINT came, and [`Runner`](crate::Runner) was told to end for it. The signal's default
    /// action is back: a program that raises SIGINT now ends as the shell that started it expects.
    Interrupted,
}

impl From<LoopClosed> for LoopError {
    fn from(closed: LoopClosed) -> LoopError {
        LoopError::Closed(closed)
    }
}

impl fmt::Display for LoopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoopError::Closed(closed) => closed.fmt(f),
            LoopError::Nested => f.write_str(
                "an event loop runs in this thread already: await the future or spawn it there",
            ),
            LoopError::Stopped => {
                f.write_str("the event loop was stopped before the future was done")
            }
            LoopError::Main(error) => write!(f, "the main task did not end well: {error}"),
            LoopError::Start(error) => write!(f, "the event loop cannot start: {error}"),
            LoopError::Select(error) => write!(f, "the kernel refuses to wait: {error}"),
            LoopError::Interrupted => f.write_str("interrupted by SIGINT"),
        }
    }
}

impl std::error::Error for LoopError {}
