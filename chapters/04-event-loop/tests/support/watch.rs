//! What a loop reports, and what is dropped.

#![allow(dead_code, reason = "each test file uses a part of this")]

use chapter_03::Mode;
use chapter_04::fake::FakeLoop;
use chapter_04::{ErrorContext, LoopHandle};
use std::cell::RefCell;
use std::rc::Rc;

/// What the exception handler is told from now on.
pub(crate) fn reports(handle: &LoopHandle) -> Rc<RefCell<Vec<ErrorContext>>> {
    let reports = Rc::<RefCell<Vec<ErrorContext>>>::default();
    let list = Rc::clone(&reports);
    handle.set_exception_handler(move |_, context| list.borrow_mut().push(context.clone()));
    reports
}

/// Runs a future without a kernel, where a wait for ever is a failure, closes the loop, and gives
/// what was reported until then.
pub(crate) fn reports_of(main: impl Future<Output = ()> + 'static) -> Vec<String> {
    let mut event_loop = FakeLoop::new(Mode::Edge).event_loop;
    let reports = reports(&event_loop);
    event_loop.run_until_complete(main).unwrap();
    event_loop.close();
    let reports = reports.take();
    reports.iter().map(|context| format!("{}: {:?}", context.message, context.error)).collect()
}

/// Runs its callback when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
