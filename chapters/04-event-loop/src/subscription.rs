use signal_hook::SigId;
use signal_hook::consts::{FORBIDDEN, SIGKILL, SIGSTOP};
use signal_hook::{flag, low_level};
use socket2::Socket;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the process does at a signal for one handler of one loop: it sets a flag, then writes a byte
/// for the loop to wake up.
///
/// Code that runs in the middle of any instruction may do hardly more than that, so all else is the
/// loop's. Dropping the last subscription of the process to a signal brings back the signal's
/// default action (SG-04).
pub(crate) struct Subscription {
    signal: i32,
    arrived: Arc<AtomicBool>,
    /// Dropped after the default action is back, so that no signal is swallowed in between.
    _actions: Actions,
}

/// What a second signal does, be the loop as busy as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Second {
    /// The same as the first.
    IsHeard,
    /// The signal's default action.
    EndsTheProcess,
}

impl Subscription {
    /// Subscribes to a signal; `pipe` is where the byte goes. A full pipe takes none, and needs
    /// none: its reader will come anyway (SG-05).
    ///
    /// # Errors
    ///
    /// As [`check`], or no descriptor is left.
    pub(crate) fn new(signal: i32, pipe: &Socket, second: Second) -> io::Result<Subscription> {
        check(signal)?;
        let mut defaults = defaults();
        let default = DefaultAction::of(&mut defaults, signal)?;
        let mut actions = Actions(Vec::new());
        if second == Second::EndsTheProcess {
            let first_is_over = Arc::new(AtomicBool::new(false));
            let is_over = Arc::clone(&first_is_over);
            actions.0.push(flag::register_conditional_default(signal, is_over)?);
            actions.0.push(flag::register(signal, first_is_over)?);
        }
        let arrived = Arc::new(AtomicBool::new(false));
        // Actions run in this order: whoever reads the byte finds the flag set.
        actions.0.push(flag::register(signal, Arc::clone(&arrived))?);
        actions.0.push(low_level::pipe::register(signal, pipe.try_clone()?)?);
        default.subscriptions += 1;
        default.enabled.store(false, Ordering::SeqCst);
        Ok(Subscription { signal, arrived, _actions: actions })
    }

    /// Says once that the signal has arrived, however often it has.
    pub(crate) fn take_arrived(&self) -> bool {
        self.arrived.swap(false, Ordering::SeqCst)
    }

    /// Takes over what has arrived for another one.
    pub(crate) fn take_over_from(&self, other: &Subscription) {
        if other.take_arrived() {
            self.arrived.store(true, Ordering::SeqCst);
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut defaults = defaults();
        let default = defaults.get_mut(&self.signal).expect("a subscription has made the entry");
        default.subscriptions -= 1;
        default.enabled.store(default.subscriptions == 0, Ordering::SeqCst);
    }
}

/// Whether a signal can be subscribed to.
///
/// # Errors
///
/// `InvalidInput` for a number that is none of a signal with a name: of others the default action
/// is not known. `Unsupported` where a handler is not possible (SG-02).
pub(crate) fn check(signal: i32) -> io::Result<()> {
    let Some(name) = low_level::signal_name(signal) else {
        let text = format!("{signal} is not the number of a signal that has a name");
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    };
    if !FORBIDDEN.contains(&signal) {
        return Ok(());
    }
    let reason = if matches!(signal, SIGKILL | SIGSTOP) {
        "the system lets no program do so"
    } else {
        "it stands for a fault of the running instruction, which nobody could repair on the loop"
    };
    Err(io::Error::new(ErrorKind::Unsupported, format!("{name} cannot be handled: {reason}")))
}

/// The default action of a signal that was subscribed to at some time.
///
/// The system's handler, once it is installed for a signal, stays for the life of the process, and
/// with it nothing would happen at a signal without a subscription. So it does itself what the
/// system would have done.
struct DefaultAction {
    /// Whether it happens: while nobody subscribes.
    enabled: Arc<AtomicBool>,
    subscriptions: usize,
}

/// By signal. A signal belongs to the process, so all loops share this.
static DEFAULTS: Mutex<BTreeMap<i32, DefaultAction>> = Mutex::new(BTreeMap::new());

fn defaults() -> MutexGuard<'static, BTreeMap<i32, DefaultAction>> {
    // Whoever panics under this lock has changed nothing yet.
    DEFAULTS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DefaultAction {
    fn of(
        defaults: &mut BTreeMap<i32, DefaultAction>,
        signal: i32,
    ) -> io::Result<&mut DefaultAction> {
        use std::collections::btree_map::Entry;
        match defaults.entry(signal) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                let enabled = Arc::new(AtomicBool::new(true));
                flag::register_conditional_default(signal, Arc::clone(&enabled))?;
                Ok(new.insert(DefaultAction { enabled, subscriptions: 0 }))
            }
        }
    }
}

/// What was registered, until it is dropped.
struct Actions(Vec<SigId>);

impl Drop for Actions {
    fn drop(&mut self) {
        for action in self.0.drain(..) {
            low_level::unregister(action);
        }
    }
}
