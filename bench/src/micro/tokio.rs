use super::Runtime;
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// tokio's loop for tasks that stay on their thread.
#[derive(Clone)]
pub(super) struct Local(Rc<(tokio::runtime::Runtime, LocalSet)>);

impl Local {
    pub(super) fn new() -> io::Result<Local> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        Ok(Local(Rc::new((runtime, LocalSet::new()))))
    }
}

impl Runtime for Local {
    type Timer = tokio::time::Sleep;

    fn run<T: 'static>(&self, main: impl Future<Output = T> + 'static) -> T {
        let (runtime, set) = &*self.0;
        let main = async { tokio::task::spawn_local(main).await.expect("the task does not panic") };
        set.block_on(runtime, main)
    }

    fn spawn(
        &self,
        task: impl Future<Output = ()> + 'static,
    ) -> impl Future<Output = ()> + 'static {
        let task = tokio::task::spawn_local(task);
        async { task.await.expect("the task does not panic") }
    }

    fn yield_now(&self) -> impl Future<Output = ()> {
        tokio::task::yield_now()
    }

    fn timer(&self, after: Duration) -> Self::Timer {
        tokio::time::sleep(after)
    }
}
