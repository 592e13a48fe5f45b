use crate::backend::{Backend, Mode};
use crate::event::{Event, Interest, Readiness, Token};
use crate::over_mio::OverMio;
use crate::over_polling::OverPolling;
use crate::source::Source;
use crate::waker::Waker;
use slab::Slab;
use std::fmt;
use std::io::{self, ErrorKind};
use std::str::FromStr;
use std::time::Duration;

/// Waits for many sources at once, in one call.
///
/// It owns its sources: a descriptor can neither be closed nor, with its number, be given to
/// another socket while the kernel still watches it. Each source carries `data`, whatever its user
/// wants to find with it. The source is lent by shared reference alone.
///
/// What its user may rely on, whichever back end there is: a source is reported when it becomes
/// ready. A report may come again while the source stays ready (level) or may not (edge), and may
/// be wrong. [`watch`](Selector::watch) and [`settle`](Selector::settle) help to live with that.
///
/// ```
/// use chapter_03::{Interest, Readiness, Selector, SelectorKind};
/// use socket2::{Domain, Socket, Type};
/// use std::time::Duration;
///
/// let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
/// let mut selector = Selector::new(SelectorKind::default())?;
/// let token = selector.register(near, "near", Interest::READ)?;
///
/// far.send(b"hi")?;
/// let mut events = Vec::new();
/// selector.select(&mut events, Some(Duration::from_secs(5)))?;
/// assert!(events[0].readiness.contains(Readiness::READABLE));
/// assert_eq!(selector.get(events[0].token).map(|(_, data)| *data), Some("near"));
///
/// let (near, _) = selector.unregister(token)?;
/// # drop(near);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Selector<S, D> {
    backend: Box<dyn Backend<S>>,
    mode: Mode,
    slots: Slab<Slot<S, D>>,
    /// The serial of the next source; see [`Token`].
    next_serial: u32,
    waker: Waker,
}

struct Slot<S, D> {
    source: S,
    data: D,
    serial: u32,
    /// What the kernel watches the source for.
    interest: Interest,
    /// Whether the kernel knows the source. It does, but for one that nothing is wanted of.
    added: bool,
}

/// Which kernel facility a selector uses, and through which crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SelectorKind {
    /// epoll or kqueue, edge-triggered, through `mio`.
    #[default]
    Mio,
    /// epoll, kqueue or poll, level-triggered, through `polling`.
    Polling,
}

impl<S: Source + 'static, D> Selector<S, D> {
    /// A selector that watches nothing yet.
    ///
    /// # Errors
    ///
    /// The kernel's, such as no descriptor left.
    pub fn new(kind: SelectorKind) -> io::Result<Selector<S, D>> {
        Ok(Selector::with_backend(match kind {
            SelectorKind::Mio => Box::new(OverMio::new()?),
            SelectorKind::Polling => Box::new(OverPolling::new()?),
        }))
    }
}

impl<S, D> Selector<S, D> {
    /// A selector over a back end of one's own.
    pub fn with_backend(backend: Box<dyn Backend<S>>) -> Selector<S, D> {
        let (mode, waker) = (backend.mode(), Waker::new(backend.wake()));
        Selector { backend, mode, slots: Slab::new(), next_serial: 0, waker }
    }

    /// Takes a source into possession and watches it for `interest`.
    ///
    /// # Errors
    ///
    /// The kernel's: the same descriptor is watched already (through another owner of it), or it is
    /// of a kind that cannot be watched, such as a regular file. The source is dropped, the
    /// selector is as before.
    pub fn register(&mut self, source: S, data: D, interest: Interest) -> io::Result<Token> {
        let serial = self.next_serial;
        let index = self.slots.vacant_key();
        let token = Token { index: u32::try_from(index).map_err(io::Error::other)?, serial };
        let added = interest != Interest::NONE;
        if added {
            self.backend.add(&source, token, interest)?;
        }
        self.slots.insert(Slot { source, data, serial, interest, added });
        // u32::MAX is left out: no token's word equals the one that back ends use for themselves.
        self.next_serial = (serial + 1) % u32::MAX;
        Ok(token)
    }

    /// Watches a source for something else from now on.
    ///
    /// With [`Interest::NONE`] the selector keeps the source and the kernel forgets it: even a
    /// source that nothing is wanted of would be reported, over and over, once its peer has hung
    /// up.
    ///
    /// # Errors
    ///
    /// `NotFound` for a token that names nothing, and the kernel's. The old interest stands then.
    pub fn modify(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        let slot = find(&mut self.slots, token).ok_or(ErrorKind::NotFound)?;
        match (slot.added, interest != Interest::NONE) {
            (true, true) => self.backend.modify(&slot.source, token, interest)?,
            (false, true) => self.backend.add(&slot.source, token, interest)?,
            (true, false) => self.backend.remove(&slot.source)?,
            (false, false) => {}
        }
        slot.added = interest != Interest::NONE;
        slot.interest = interest;
        Ok(())
    }

    /// Gives a source and its data back. Reports of it that are not read yet name nothing from now
    /// on.
    ///
    /// # Errors
    ///
    /// `NotFound` for a token that names nothing, and the kernel's; then the source is dropped.
    pub fn unregister(&mut self, token: Token) -> io::Result<(S, D)> {
        find(&mut self.slots, token).ok_or(ErrorKind::NotFound)?;
        let slot = self.slots.remove(token.index as usize);
        if slot.added {
            self.backend.remove(&slot.source)?;
        }
        Ok((slot.source, slot.data))
    }

    /// Waits until a source is ready, a [`Waker`] is used, or the timeout has passed, and puts the
    /// events into `events`, in place of what was there.
    ///
    /// Without a timeout it waits as long as it takes; with a timeout of zero it does not wait; any
    /// other one is rounded up, so that the wait never ends early without a reason (SE-05); over
    /// `mio`, one of more than 24 days counts as 24 days. A wake-up, and over `mio` a signal too,
    /// ends it without an event (SE-08).
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn select(&mut self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<()> {
        events.clear();
        // Over poll(2), `mio` forgets a wake-up that comes while a source is registered. None comes
        // in between from here on.
        let timeout = if self.waker.is_pending() { Some(Duration::ZERO) } else { timeout };
        let outcome = self.backend.wait(events, self.slots.len(), timeout);
        self.waker.seen();
        outcome?;
        // An error or a hang-up is reported in both directions, whatever was asked for (SE-07).
        if events.iter().any(|event| event.readiness.is_read_closed()) {
            events.retain_mut(|event| {
                let interest = find(&mut self.slots, event.token).map(|slot| slot.interest);
                event.readiness = event.readiness.within(interest.unwrap_or_default());
                event.readiness != Readiness::NONE
            });
        }
        Ok(())
    }

    /// A source and its data.
    ///
    /// The source is lent, so nobody can close it:
    ///
    /// ```compile_fail,E0507
    /// # use chapter_03::{Selector, Token};
    /// fn close(selector: &Selector<std::os::fd::OwnedFd, ()>, token: Token) {
    ///     let (source, _) = selector.get(token).unwrap();
    ///     drop(*source);
    /// }
    /// ```
    #[inline]
    pub fn get(&self, token: Token) -> Option<(&S, &D)> {
        let slot =
            self.slots.get(token.index as usize).filter(|slot| slot.serial == token.serial)?;
        Some((&slot.source, &slot.data))
    }

    /// A source, and its data to be changed.
    #[inline]
    pub fn get_mut(&mut self, token: Token) -> Option<(&S, &mut D)> {
        find(&mut self.slots, token).map(|slot| (&slot.source, &mut slot.data))
    }

    /// The data of every source.
    pub fn data(&self) -> impl Iterator<Item = &D> {
        self.slots.iter().map(|(_, slot)| &slot.data)
    }

    /// How many sources there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no source.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How often a source that stays ready is reported.
    #[inline]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What the kernel watches a source for.
    pub(crate) fn interest(&mut self, token: Token) -> Option<&mut Interest> {
        find(&mut self.slots, token).map(|slot| &mut slot.interest)
    }

    /// A handle that ends the wait from any thread.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }
}

#[inline]
fn find<S, D>(slots: &mut Slab<Slot<S, D>>, token: Token) -> Option<&mut Slot<S, D>> {
    slots.get_mut(token.index as usize).filter(|slot| slot.serial == token.serial)
}

/// The kernel forgets every source before it is closed. A [`Waker`] that lives on may keep the back
/// end alive.
impl<S, D> Drop for Selector<S, D> {
    fn drop(&mut self) {
        for (_, slot) in self.slots.iter().filter(|(_, slot)| slot.added) {
            // There is nobody left to tell, and the source is closed in a moment.
            let _ = self.backend.remove(&slot.source);
        }
    }
}

impl<S, D> fmt::Debug for Selector<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selector")
            .field("mode", &self.mode)
            .field("sources", &self.slots.len())
            .finish_non_exhaustive()
    }
}

impl FromStr for SelectorKind {
    type Err = UnknownSelector;

    fn from_str(name: &str) -> Result<SelectorKind, UnknownSelector> {
        match name {
            "mio" => Ok(SelectorKind::Mio),
            "polling" => Ok(SelectorKind::Polling),
            _ => Err(UnknownSelector(name.to_owned())),
        }
    }
}

impl fmt::Display for SelectorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SelectorKind::Mio => "mio",
            SelectorKind::Polling => "polling",
        })
    }
}

/// A name that is no [`SelectorKind`].
#[derive(Debug)]
pub struct UnknownSelector(String);

impl fmt::Display for UnknownSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no selector {:?}: choose mio or polling", self.0)
    }
}

impl std::error::Error for UnknownSelector {}
