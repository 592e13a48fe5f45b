use crate::loop_core::Core;
use crate::loop_handle::LoopHandle;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

thread_local! {
    /// The loop that runs in this thread. Whoever runs one puts it here and takes it away.
    static RUNNING: RefCell<Option<Rc<Core>>> = const { RefCell::new(None) };
}

/// The loop that runs this code.
///
/// # Errors
///
/// No loop runs in this thread.
#[doc(alias = "get_running_loop")]
pub fn running_loop() -> Result<LoopHandle, NoRunningLoop> {
    with_running(Rc::clone).map(LoopHandle::new).ok_or(NoRunningLoop)
}

/// The loop that runs this code, for functions that cannot do without.
#[track_caller]
pub(crate) fn current() -> Rc<Core> {
    match with_running(Rc::clone) {
        Some(core) => core,
        None => panic!("{NoRunningLoop}"),
    }
}

/// Lends the core of the running loop, if there is one. `look` must not run code of others.
#[inline]
pub(crate) fn with_running<R>(look: impl FnOnce(&Rc<Core>) -> R) -> Option<R> {
    // While a thread ends, a destructor may look after the variable is gone: then no loop runs.
    RUNNING.try_with(|running| running.borrow().as_ref().map(look)).ok().flatten()
}

/// Makes a loop the running one until the guard is dropped. `None` if another one is.
pub(crate) fn enter(core: &Rc<Core>) -> Option<Entered> {
    let enter = |running: &RefCell<Option<Rc<Core>>>| {
        let mut running = running.borrow_mut();
        running.is_none().then(|| {
            *running = Some(Rc::clone(core));
            Entered
        })
    };
    RUNNING.try_with(enter).ok().flatten()
}

/// Until it is dropped, a loop is the running one.
#[derive(Debug)]
pub(crate) struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        let core = RUNNING.with(|running| running.borrow_mut().take());
        drop(core);
    }
}

/// There is no loop that could do this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRunningLoop;

impl fmt::Display for NoRunningLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no event loop runs in this thread: call this from a task or a callback of a loop, \
             for example inside chapter_04::run",
        )
    }
}

impl std::error::Error for NoRunningLoop {}
