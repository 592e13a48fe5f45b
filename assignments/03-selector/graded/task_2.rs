//! Task 3.2: `select` and the waker.

use chapter_03::fake::{Call, FakeBackend};
use chapter_03::{Backend, Event, Interest, Mode, Readiness, Selector, Token, Waker};
use grading::{Trial, Verdict};
use rustix::io::Errno;
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A back end that remembers how many sources its last wait was told of.
struct Counted {
    backend: FakeBackend,
    told: Rc<Cell<usize>>,
}

impl Backend<()> for Counted {
    fn mode(&self) -> Mode {
        Backend::<()>::mode(&self.backend)
    }

    fn add(&mut self, source: &(), token: Token, interest: Interest) -> io::Result<()> {
        self.backend.add(source, token, interest)
    }

    fn modify(&mut self, source: &(), token: Token, interest: Interest) -> io::Result<()> {
        self.backend.modify(source, token, interest)
    }

    fn remove(&mut self, source: &()) -> io::Result<()> {
        self.backend.remove(source)
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        sources: usize,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        self.told.set(sources);
        Backend::<()>::wait(&mut self.backend, events, sources, timeout)
    }

    fn wake(&self) -> Box<dyn Fn() + Send + Sync> {
        Backend::<()>::wake(&self.backend)
    }
}

pub(crate) fn a_wait_is_handed_on_as_it_is_asked_for(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Without a timeout the wait lasts until something happens, and who rounds \
                       down makes zero of the last part of a millisecond: the loop around it runs \
                       without rest.";
    const SOURCES: &str = "Each source may have an event in one wait: a back end that is told of \
                           fewer makes room for fewer, and of more it reserves memory in vain.";
    /// What a back end may round up to.
    const STEP: Duration = Duration::from_millis(1);
    let backend = FakeBackend::new(Mode::Level);
    let told = Rc::new(Cell::new(0));
    let counted = Counted { backend: backend.clone(), told: Rc::clone(&told) };
    let mut selector: Selector<(), ()> = Selector::with_backend(Box::new(counted));
    let below = trial.random().between(1, 999) as u64;
    let odd = trial.random().between(1_001, 59_999) as u64;
    let hours = trial.random().between(1, 500) as u64;
    let mut timeouts = [
        None,
        Some(Duration::ZERO),
        Some(Duration::from_micros(below)),
        Some(Duration::from_micros(odd)),
        Some(Duration::from_secs(hours * 3600)),
        Some(Duration::from_nanos(1)),
    ];
    trial.random().shuffle(&mut timeouts);
    for timeout in timeouts {
        trial.did(format!("select() with the timeout {timeout:?}"));
        backend.report([]);
        told.set(usize::MAX);
        let outcome = selector.select(&mut Vec::new(), timeout).map_err(|error| error.kind());
        trial.expect("select()", &Ok(()), &outcome, WHY)?;
        let calls = backend.take_calls();
        let kept = match (&calls[..], timeout) {
            ([Call::Wait(None)], None) => true,
            ([Call::Wait(Some(came))], Some(asked)) => {
                *came >= asked && *came <= asked + STEP && came.is_zero() == asked.is_zero()
            }
            _ => false,
        };
        let expected = format!("one call of the back end: [{:?}]", Call::Wait(timeout));
        trial.ensure(kept, expected, format!("{calls:?}"), WHY)?;
        let what = "the number of sources that the back end is told";
        trial.expect(what, &selector.len(), &told.get(), SOURCES)?;
        let more = trial.random().between(1, 40);
        trial.did(format!("register(), {more} times"));
        for _ in 0..more {
            selector.register((), (), Interest::READ).expect("the back end refuses nothing here");
        }
        backend.take_calls();
    }
    Ok(())
}

pub(crate) fn a_hang_up_is_told_as_it_was_asked_for(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Kernels report a hang-up or an error in both directions, whatever was asked \
                       for. Who has asked for one direction is told of it, and nobody of what \
                       was not asked for.";
    const OLD: &str = "The events of a wait take the place of those before.";
    let backend = FakeBackend::new(Mode::Level);
    let mut selector = Selector::with_backend(Box::new(backend.clone()));
    let mut events = Vec::new();
    let outcome = selector.select(&mut events, Some(Duration::ZERO)).map_err(|error| error.kind());
    trial.expect("select()", &Ok(()), &outcome, WHY)?;

    let mut interests = [Interest::READ, Interest::WRITE, Interest::BOTH];
    trial.random().shuffle(&mut interests);
    let both = Readiness::READABLE | Readiness::WRITABLE | Readiness::READ_CLOSED;
    let mut reports: Vec<(Interest, Readiness)> = interests.map(|asked| (asked, both)).into();
    // Of this one there is nothing to tell.
    let place = trial.random().between(0, 3);
    reports.insert(place, (Interest::WRITE, Readiness::READABLE | Readiness::READ_CLOSED));
    let mut tokens = Vec::new();
    for (interest, _) in &reports {
        let name = trial.random().word(3, 6);
        trial.did(format!("register({name:?}, (), {interest:?})"));
        let token = selector.register(name, (), *interest);
        tokens.push(token.expect("the back end refuses nothing here"));
    }
    for (place, (_, readiness)) in reports.iter().enumerate() {
        trial.did(format!("the kernel reports {readiness:?} of source {place}"));
    }
    backend.report(reports.iter().enumerate().map(|(place, (_, report))| (place, *report)));
    let expected: Vec<(usize, Readiness)> = reports
        .iter()
        .enumerate()
        .map(|(place, (interest, readiness))| (place, readiness.within(*interest)))
        .filter(|(_, readiness)| *readiness != Readiness::NONE)
        .collect();
    // It is within what its source is watched for, so nothing but a fresh start takes it away.
    let both = reports.iter().position(|(interest, _)| *interest == Interest::BOTH).unwrap_or(0);
    trial.did(format!("`events` still holds an event of an earlier wait, of source {both}"));
    let old = Event { token: tokens[both], readiness: Readiness::URGENT };
    events.push(old);
    trial.did("select()");
    let outcome = selector.select(&mut events, None).map_err(|error| error.kind());
    trial.expect("select()", &Ok(()), &outcome, WHY)?;
    trial.ensure(!events.contains(&old), "the old event is gone", "it is told once more", OLD)?;
    let place = |token: Token| tokens.iter().position(|known| *known == token).unwrap_or(99);
    let came: Vec<(usize, Readiness)> =
        events.iter().map(|event| (place(event.token), event.readiness)).collect();
    trial.expect("sources and what they are ready for", &expected, &came, WHY)
}

/// A back end that counts how often it is woken, and does in its next wait what a check says.
#[derive(Clone, Default)]
struct Knocks {
    count: Arc<AtomicUsize>,
    in_wait: Rc<RefCell<Option<(InWait, Waker)>>>,
}

/// What happens in a wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InWait {
    Nothing,
    WokenOnceMore,
    Fails,
}

impl Backend<()> for Knocks {
    fn mode(&self) -> Mode {
        Mode::Level
    }

    fn add(&mut self, (): &(), _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn modify(&mut self, (): &(), _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, (): &()) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, _: &mut Vec<Event>, _: usize, _: Option<Duration>) -> io::Result<()> {
        match self.in_wait.borrow_mut().take() {
            Some((InWait::Fails, _)) => Err(Errno::NOMEM.into()),
            Some((InWait::WokenOnceMore, waker)) => {
                waker.wake();
                Ok(())
            }
            Some((InWait::Nothing, _)) | None => Ok(()),
        }
    }

    fn wake(&self) -> Box<dyn Fn() + Send + Sync> {
        let count = Arc::clone(&self.count);
        Box::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        })
    }
}

pub(crate) fn many_wake_ups_are_one_call_and_none_is_lost(trial: &mut Trial) -> Verdict {
    const WHY: &str = "The mark says that a wake-up is on its way. It spares the calls of all \
                       others until a wait is over, however that wait has ended; if it stays \
                       then, nobody can wake the selector any more.";
    let backend = Knocks::default();
    let mut selector: Selector<(), ()> = Selector::with_backend(Box::new(backend.clone()));
    let waker = selector.waker();
    let mut later = [InWait::WokenOnceMore, InWait::Fails, InWait::WokenOnceMore, InWait::Fails];
    trial.random().shuffle(&mut later);
    for in_wait in [InWait::Nothing].into_iter().chain(later) {
        let before = backend.count.load(Ordering::SeqCst);
        let times = trial.random().between(2, 200);
        trial.did(format!("wake(), {times} times"));
        (0..times).for_each(|_| waker.wake());
        let came = backend.count.load(Ordering::SeqCst) - before;
        trial.expect("how often the kernel is called to be woken", &1, &came, WHY)?;
        let fails = in_wait == InWait::Fails;
        trial.did(match in_wait {
            InWait::Nothing => "select()",
            InWait::WokenOnceMore => "select(); before its wait is over, another thread wakes it",
            InWait::Fails => "select(), whose wait fails",
        });
        *backend.in_wait.borrow_mut() = Some((in_wait, waker.clone()));
        let outcome = selector.select(&mut Vec::new(), None);
        trial.expect("select() is an error", &fails, &outcome.is_err(), WHY)?;
    }
    Ok(())
}
