use super::Runtime;
use chapter_04::{EventLoop, Sleep, sleep, spawn, yield_now};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// The loop of chapter 04.
#[derive(Clone)]
pub(super) struct Local(Rc<RefCell<EventLoop>>);

impl Local {
    pub(super) fn new() -> io::Result<Local> {
        Ok(Local(Rc::new(RefCell::new(EventLoop::new()?))))
    }
}

impl Runtime for Local {
    type Timer = Sleep;

    fn run<T: 'static>(&self, main: impl Future<Output = T> + 'static) -> T {
        // Only the runner borrows the loop; what runs on it finds it without being told.
        let mut event_loop = self.0.borrow_mut();
        let value = event_loop.run_until_complete(async { Box::new(main.await) });
        *value.expect("the task does not panic, and nobody stops the loop")
    }

    fn spawn(
        &self,
        task: impl Future<Output = ()> + 'static,
    ) -> impl Future<Output = ()> + 'static {
        let task = spawn(task);
        async { task.await.expect("the task does not panic") }
    }

    fn yield_now(&self) -> impl Future<Output = ()> {
        yield_now()
    }

    fn timer(&self, after: Duration) -> Sleep {
        sleep(after)
    }
}
