//! What a loop reports, and what is dropped.

#![allow(dead_code, reason = "each test file uses a part of this")]

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

/// Runs its callback when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
