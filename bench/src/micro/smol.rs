use super::Runtime;
use async_executor::LocalExecutor;
use std::rc::Rc;
use std::time::Duration;

/// smol's executor for tasks that stay on their thread, over async-io's reactor.
#[derive(Clone, Default)]
pub(super) struct Local(Rc<LocalExecutor<'static>>);

impl Runtime for Local {
    type Timer = async_io::Timer;

    fn run<T: 'static>(&self, main: impl Future<Output = T> + 'static) -> T {
        async_io::block_on(self.0.run(self.0.spawn(main)))
    }

    fn spawn(
        &self,
        task: impl Future<Output = ()> + 'static,
    ) -> impl Future<Output = ()> + 'static {
        self.0.spawn(task)
    }

    fn yield_now(&self) -> impl Future<Output = ()> {
        futures_lite::future::yield_now()
    }

    fn timer(&self, after: Duration) -> Self::Timer {
        async_io::Timer::after(after)
    }
}
