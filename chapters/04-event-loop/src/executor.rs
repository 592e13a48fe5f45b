use crate::loop_handle::LoopHandle;
use crate::pool::{Job, JobError, Pool};
use std::cell::OnceCell;

/// The loop's pool for calls that block, made when the first one comes (XR-02).
#[derive(Debug, Default)]
pub(crate) struct Executor {
    pool: OnceCell<Pool>,
}

impl Executor {
    const NAME: &str = "executor";

    fn pool(&self) -> &Pool {
        self.pool.get_or_init(|| Pool::new(Executor::NAME, Pool::executor_threads_max()))
    }

    /// Whether there are threads that may be at work.
    pub(crate) fn is_used(&self) -> bool {
        self.pool.get().is_some()
    }

    /// Takes no more jobs, and does not wait for those that run (LP-15).
    pub(crate) fn close(&self) {
        if let Some(pool) = self.pool.get() {
            pool.close();
        }
    }
}

impl LoopHandle {
    /// Has a thread of the loop's pool call a function that blocks or computes for long. The loop
    /// goes on meanwhile; await the [`Job`] to have the value (XR-01).
    ///
    /// A job whose awaiter is cancelled never begins (XR-10), or if it runs already, runs on and its
    /// value is dropped (XR-03).
    ///
    /// ```
    /// use chapter_04::{run, running_loop};
    ///
    /// let sum = run(async {
    ///     let event_loop = running_loop().expect("this is a task of one");
    ///     event_loop.run_in_executor(|| (1..=10).sum::<i32>())?.await
    /// });
    /// assert_eq!(sum??, 55);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The loop or its pool is closed (XR-04), or the system refuses the first thread.
    pub fn run_in_executor<T, F>(&self, function: F) -> Result<Job<T>, JobError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.core.check_open().map_err(|_| JobError::Closed(Executor::NAME))?;
        self.core.executor.pool().submit(function)
    }

    /// Closes the loop's pool and waits until the jobs that it has are done, while the loop goes on
    /// (XR-05). Drop it to wait no longer.
    pub async fn shutdown_default_executor(&self) {
        let pool = self.core.executor.pool();
        pool.close();
        pool.closed().await;
    }
}
