use crate::event::{Event, Interest, Token};
use std::io;
use std::time::Duration;

/// What a kernel facility must be able to do for a [`Selector`](crate::Selector): the small
/// interface that a test double can stand behind (SE-13).
///
/// The selector is the only caller. It owns every source between `add` and `remove`, gives out
/// nothing but shared references to it, and never passes [`Interest::NONE`].
pub trait Backend<S> {
    /// How often this back end reports a source that stays ready.
    fn mode(&self) -> Mode;

    /// Starts to watch `source`; events will carry `token`.
    ///
    /// # Errors
    ///
    /// The kernel's: the source is watched already, or cannot be watched. Nothing has changed then.
    fn add(&mut self, source: &S, token: Token, interest: Interest) -> io::Result<()>;

    /// Puts a new interest in the place of the old one, in one step (SE-02).
    ///
    /// # Errors
    ///
    /// The kernel's. Nothing has changed then.
    fn modify(&mut self, source: &S, token: Token, interest: Interest) -> io::Result<()>;

    /// Stops to watch `source`.
    ///
    /// # Errors
    ///
    /// The kernel's.
    fn remove(&mut self, source: &S) -> io::Result<()>;

    /// Waits until a source is ready, [`wake`](Backend::wake) is called, a signal arrives (if the
    /// back end likes) or `timeout` has passed, and appends to `events` what is ready, at most one
    /// event for each of the `sources` that are watched.
    ///
    /// # Errors
    ///
    /// The kernel's, but not "interrupted" (SE-08).
    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        sources: usize,
        timeout: Option<Duration>,
    ) -> io::Result<()>;

    /// Gives the call that ends a `wait`, the present one or else the next. It works from any
    /// thread and is harmless when the back end is gone.
    fn wake(&self) -> Box<dyn Fn() + Send + Sync>;
}

/// How often a source that stays ready is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By every wait (epoll as it is by default, poll).
    Level,
    /// Once when it becomes ready (epoll with `EPOLLET`, kqueue with `EV_CLEAR`).
    Edge,
    /// Once, and then not until its interest is set again (`mio` where there is only poll).
    Oneshot,
}
