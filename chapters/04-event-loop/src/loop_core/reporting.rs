use super::{Core, ExceptionHandler, Phase};
use crate::contained::contained;
use crate::loop_handle::LoopHandle;
use crate::report::ErrorContext;
use std::rc::{Rc, Weak};

/// Who is told of a failure that cannot be returned to anybody.
impl Core {
    /// Tells the exception handler; where there is none or it fails, standard error.
    pub(crate) fn report(self: &Rc<Core>, context: &ErrorContext) {
        let handler = self.exception_handler.borrow().clone();
        let Some(handler) = handler else { return context.log() };
        let handle = LoopHandle::new(Rc::clone(self));
        if let Err(message) = contained(|| handler(&handle, context)) {
            ErrorContext::new("the exception handler failed").with_error(message).log();
            context.log();
        }
    }

    /// Reports what may outlive the loop; then it is written to standard error.
    pub(crate) fn report_late(core: &Weak<Core>, context: &ErrorContext) {
        match core.upgrade() {
            Some(core) => core.report(context),
            None => context.log(),
        }
    }

    /// A closed loop takes none: it would keep what the handler owns, which may be this loop.
    pub(crate) fn set_exception_handler(&self, handler: Rc<ExceptionHandler>) {
        if self.phase.get() == Phase::Closed {
            return;
        }
        let old = self.exception_handler.borrow_mut().replace(handler);
        drop(old);
    }
}
