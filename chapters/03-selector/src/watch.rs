use crate::backend::Mode;
use crate::event::{Interest, Readiness, Token};
use crate::selector::Selector;
use std::io::{self, ErrorKind};

/// Waiting with a readiness flag, which is right over every back end.
///
/// The rule for the user: keep a [`Readiness`] with each source. Add what is reported to it, take
/// away what an operation disproves ([`Readiness::after_receive`],
/// [`Readiness::after_partial_send`]), and wait only for a direction that is not flagged. An edge
/// is then never missed, for the flag remembers it, and no system call is made to be told what is
/// known.
impl<S, D> Selector<S, D> {
    /// Registers a source of which `wanted` is wanted first.
    ///
    /// An edge-triggered kernel reports each direction once, so it is asked for both now and never
    /// again. A level-triggered one would report over and over that there is room to send, so it is
    /// asked for what is wanted.
    ///
    /// # Errors
    ///
    /// As [`register`](Selector::register).
    pub fn watch(&mut self, source: S, data: D, wanted: Interest) -> io::Result<Token> {
        let interest = if self.mode() == Mode::Edge { Interest::BOTH } else { wanted };
        self.register(source, data, interest)
    }

    /// Brings what the kernel watches into line with what is wanted: call it with each report, and
    /// whenever `wanted` may have changed.
    ///
    /// Over a level-triggered back end an interest, once set, stays, although nothing may be wanted
    /// of that direction for a while: most often it is wanted again before the next report. The
    /// first report that nobody waits for takes it away.
    ///
    /// # Errors
    ///
    /// As [`modify`](Selector::modify).
    #[inline]
    pub fn settle(
        &mut self,
        token: Token,
        wanted: Interest,
        reported: Readiness,
    ) -> io::Result<()> {
        if self.mode() == Mode::Edge {
            Ok(())
        } else {
            self.settle_interest(token, wanted, reported.directions())
        }
    }

    fn settle_interest(
        &mut self,
        token: Token,
        wanted: Interest,
        reported: Interest,
    ) -> io::Result<()> {
        let oneshot = self.mode() == Mode::Oneshot;
        let watched = self.interest(token).ok_or(ErrorKind::NotFound)?;
        let kept = if oneshot {
            // The kernel has taken away what it has reported.
            *watched = *watched - reported;
            *watched
        } else {
            *watched - (reported - wanted)
        };
        let interest = kept | wanted;
        if interest == *watched { Ok(()) } else { self.modify(token, interest) }
    }
}
