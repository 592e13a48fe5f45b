mod job;

use crate::contained::{self, contained};
use job::Slot;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::thread;

pub use job::{Job, JobError};

/// Threads for calls that block, so that the thread of the event loop does not.
///
/// A thread is started when a job waits and no thread is free, up to the maximum; from then on it
/// is reused until the pool closes (XR-02). Jobs begin in the order of their submission.
///
/// The queue has no bound of its own: a job is in it only as long as somebody holds its [`Job`], so
/// whoever awaits bounds it.
///
/// Dropping the pool closes it and waits for nothing: a thread that hangs in a call of the system
/// delays nobody, and dies with the process.
#[doc(alias = "ThreadPoolExecutor")]
pub struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// A pool without a thread yet, of at most `threads_max`. Its threads are called `NAME-0`,
    /// `NAME-1` and so on.
    ///
    /// # Panics
    ///
    /// If `threads_max` is zero, or the name has a NUL in it.
    pub fn new(name: &'static str, threads_max: usize) -> Pool {
        Pool::with_start(name, threads_max, Shared::start_thread)
    }

    fn with_start(name: &'static str, threads_max: usize, start: Start) -> Pool {
        assert!(threads_max > 0, "a pool without threads would never run a job");
        assert!(!name.contains('\0'), "the system has no thread names with a NUL in them");
        let (state, work) = (Mutex::default(), Condvar::new());
        Pool { shared: Arc::new(Shared { name, threads_max, start, state, work }) }
    }

    /// The most threads that asyncio allows its default pool: four more than the processors that
    /// this process may use, and never more than 32 (XR-02).
    pub fn executor_threads_max() -> usize {
        // Where the system cannot tell, one is the number that is certain.
        executor_threads_max(thread::available_parallelism().map_or(1, usize::from))
    }

    /// Has a thread of the pool call `job`.
    ///
    /// # Errors
    ///
    /// [`JobError::Closed`] after [`close`](Pool::close) (XR-04), [`JobError::NoThread`] if the pool
    /// has no thread and the system refuses one. The job is then freed, uncalled.
    #[doc(alias = "run_in_executor")]
    pub fn submit<T, F>(&self, job: F) -> Result<Job<T>, JobError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let slot = Arc::new(Slot::new());
        let filled = Arc::clone(&slot);
        let work: Work =
            Box::new(move |busy| filled.fill(contained(job).map_err(JobError::Panicked), busy));
        let ticket = self.shared.enqueue(work)?;
        Ok(Job { shared: Arc::clone(&self.shared), ticket, slot })
    }

    /// Takes no more jobs and does not wait. What is queued still runs, as after `shutdown` of
    /// Python's pool; each thread ends when nothing is left to run.
    #[doc(alias = "shutdown")]
    pub fn close(&self) {
        let mut state = self.shared.lock();
        state.is_closed = true;
        let wakers = state.take_wakers_at_the_end();
        drop(state);
        self.shared.work.notify_all();
        wake_all(wakers);
    }

    /// Completes when the pool is closed and its last thread is done (XR-05).
    ///
    /// It blocks nobody, does not close the pool itself, and may be put under a time limit. By then
    /// every job has run and is freed, and so is each outcome that nobody waited for.
    #[doc(alias = "shutdown_default_executor")]
    pub fn closed(&self) -> Closed {
        let ticket = self.shared.lock().take_ticket();
        Closed { shared: Arc::clone(&self.shared), ticket }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (threads, busy, queued) = self.shared.census();
        f.debug_struct("Pool")
            .field("name", &self.shared.name)
            .field("threads", &threads)
            .field("busy", &busy)
            .field("queued", &queued)
            .finish_non_exhaustive()
    }
}

const fn executor_threads_max(processors: usize) -> usize {
    if processors < 28 { processors + 4 } else { 32 }
}

/// Completes when a closed pool has no thread left; see [`Pool::closed`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Closed {
    shared: Arc<Shared>,
    ticket: u64,
}

impl Future for Closed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let waker = context.waker().clone();
        let mut state = self.shared.lock();
        if state.has_ended() {
            return Poll::Ready(());
        }
        let former = state.waiting_for_the_end.insert(self.ticket, waker);
        drop(state);
        drop(former);
        Poll::Pending
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        let waker = self.shared.lock().waiting_for_the_end.remove(&self.ticket);
        drop(waker);
    }
}

impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").field("pool", &self.shared.name).finish_non_exhaustive()
    }
}

/// A job with the delivery of its outcome. It ends the thread's [`Busy`] before anybody can see the
/// outcome: whoever has seen one job end finds a free thread for the next.
type Work = Box<dyn FnOnce(Busy<'_>) + Send>;

/// How a thread is started, given its number: a seam for the test of what happens when it is not.
type Start = fn(&Arc<Shared>, usize) -> io::Result<()>;

/// What the pool, its threads and its jobs share.
///
/// Jobs, their values and wakers are foreign code: to run, clone or drop them may take long, panic,
/// or use the pool. It happens only while neither this lock nor that of a [`Slot`] is held.
struct Shared {
    name: &'static str,
    threads_max: usize,
    start: Start,
    state: Mutex<State>,
    /// Tells free threads of a new job or of the end.
    work: Condvar,
}

/// Invariant: as long as the queue has a job in it there is a thread that will look there.
#[derive(Default)]
struct State {
    /// By ticket, so in the order of submission, and open to withdrawal in the middle.
    queue: BTreeMap<u64, Work>,
    ticket_next: u64,
    threads: usize,
    /// How many of the threads have a job. The others wait for one, or will look for one as soon as
    /// they have woken the awaiter of the last.
    busy: usize,
    is_closed: bool,
    /// By the ticket of each [`Closed`]; whoever awaits bounds them.
    waiting_for_the_end: BTreeMap<u64, Waker>,
}

impl State {
    fn take_ticket(&mut self) -> u64 {
        self.ticket_next += 1;
        self.ticket_next
    }

    fn has_ended(&self) -> bool {
        self.is_closed && self.threads == 0
    }

    fn take_wakers_at_the_end(&mut self) -> BTreeMap<u64, Waker> {
        if self.has_ended() { mem::take(&mut self.waiting_for_the_end) } else { BTreeMap::new() }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing that can panic runs under the lock of a pool")
    }

    fn census(&self) -> (usize, usize, usize) {
        let state = self.lock();
        (state.threads, state.busy, state.queue.len())
    }

    /// Queues `work` and sees to it that a thread will take it.
    fn enqueue(self: &Arc<Self>, work: Work) -> Result<u64, JobError> {
        // A parameter outlives the guard: work that is refused is dropped after the lock is free.
        let mut state = self.lock();
        if state.is_closed {
            return Err(JobError::Closed(self.name));
        }
        // Each free thread will take one of the jobs that already wait.
        let all_taken = state.queue.len() >= state.threads - state.busy;
        if all_taken && state.threads < self.threads_max {
            match (self.start)(self, state.threads) {
                Ok(()) => state.threads += 1,
                Err(reason) if state.threads == 0 => {
                    return Err(JobError::NoThread(self.name, reason));
                }
                // It waits for one of the threads that there are.
                Err(_) => {}
            }
        }
        let ticket = state.take_ticket();
        state.queue.insert(ticket, work);
        drop(state);
        self.work.notify_one();
        Ok(ticket)
    }

    /// The work of that ticket, if no thread has taken it yet.
    fn withdraw(&self, ticket: u64) -> Option<Work> {
        self.lock().queue.remove(&ticket)
    }

    fn start_thread(self: &Arc<Self>, number: usize) -> io::Result<()> {
        let shared = Arc::clone(self);
        let named = thread::Builder::new().name(format!("{}-{number}", self.name));
        // Nobody joins it: see `Pool` on threads that hang, and `closed` for those that do not.
        named.spawn(move || shared.serve()).map(drop)
    }

    /// The life of a thread.
    fn serve(&self) {
        while let Some(work) = self.next_work() {
            let busy = Busy(self);
            // What panics here is no job, but the waker that it woke or the drop of a value that
            // nobody waits for. The panic hook has told of it.
            let _ = contained(|| work(busy));
        }
        self.end_thread();
    }

    /// The next job, once there is one; `None` if there will be none.
    fn next_work(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if let Some((_, work)) = state.queue.pop_first() {
                state.busy += 1;
                return Some(work);
            }
            if state.is_closed {
                return None;
            }
            state = self.work.wait(state).expect("as in `lock`");
        }
    }

    fn end_thread(&self) {
        let mut state = self.lock();
        state.threads -= 1;
        let wakers = state.take_wakers_at_the_end();
        drop(state);
        wake_all(wakers);
    }
}

/// Counts a thread as busy.
struct Busy<'a>(&'a Shared);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.lock().busy -= 1;
    }
}

/// Wakes all of them, also if one panics.
fn wake_all(wakers: BTreeMap<u64, Waker>) {
    contained::for_each(wakers.into_values(), Waker::wake);
}

#[cfg(test)]
pub(crate) mod tests;
