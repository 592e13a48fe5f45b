use super::*;
use std::panic;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::task::Wake;
use std::thread::{Thread, ThreadId};
use std::time::{Duration, Instant};

/// Only a test that fails waits that long.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// What the future becomes; this thread sleeps until it is woken.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let deadline = Instant::now() + LIMIT;
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        let left = deadline.checked_duration_since(Instant::now());
        thread::park_timeout(left.expect("the future completes within the limit"));
    }
}

/// Fails if `run` fails, or hangs.
fn within_limit(run: impl FnOnce() + Send + 'static) {
    let (done, end) = mpsc::channel();
    thread::spawn(move || {
        run();
        done.send(()).unwrap();
    });
    end.recv_timeout(LIMIT).unwrap();
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// A waker, and what tells how often it was woken.
fn bell() -> (Waker, Receiver<()>) {
    struct Bell(Sender<()>);
    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.send(()).unwrap();
        }
    }
    let (ring, rings) = mpsc::channel();
    (Waker::from(Arc::new(Bell(ring))), rings)
}

/// A job that runs, until the sender is dropped.
pub(crate) fn hold(pool: &Pool) -> (Job<()>, Sender<()>) {
    let (begun, beginning) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let job = pool.submit(move || {
        begun.send(()).unwrap();
        assert_eq!(released.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected));
    });
    beginning.recv_timeout(LIMIT).unwrap();
    (job.unwrap(), release)
}

/// Tells which thread dropped it.
struct Witness(Sender<ThreadId>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.send(thread::current().id()).unwrap();
    }
}

/// Calls its function when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn thread_id(pool: &Pool) -> ThreadId {
    block_on(pool.submit(|| thread::current().id()).unwrap()).unwrap()
}

/// XR-01: a function runs on a worker thread and yields its value.
#[test]
fn the_value_of_a_job_comes_back_from_a_thread_of_the_pool() {
    let pool = Pool::new("worker", 2);
    let six = 6;
    let job = pool.submit(move || (thread::current().name().map(str::to_owned), 7 * six));
    assert_eq!(block_on(job.unwrap()).unwrap(), (Some("worker-0".to_owned()), 42));
}

/// XR-01: what the function returns as its error is its value, and no error of the pool.
#[test]
fn the_error_of_a_job_comes_back_as_its_value() {
    let pool = Pool::new("worker", 2);
    let job = pool.submit(|| "x".parse::<u16>().map_err(|error| error.to_string()));
    assert_eq!(block_on(job.unwrap()).unwrap(), Err("invalid digit found in string".to_owned()));
}

/// XR-01: whoever waits for a job is not blocked meanwhile, and is woken once when it has ended.
#[test]
fn a_job_wakes_its_awaiter_once_when_it_has_ended() {
    let pool = Pool::new("worker", 2);
    let (mut job, release) = hold(&pool);
    let (waker, rings) = bell();
    assert!(poll(&mut job, &waker).is_pending());
    assert_eq!(rings.try_recv(), Err(TryRecvError::Empty));
    drop(release);
    rings.recv_timeout(LIMIT).unwrap();
    assert!(matches!(poll(&mut job, &waker), Poll::Ready(Ok(()))));
    pool.close();
    block_on(pool.closed());
    assert_eq!(rings.try_recv(), Err(TryRecvError::Empty));
}

/// XR-01: a job may move from one task to another.
#[test]
fn a_job_wakes_the_latest_of_its_awaiters() {
    let pool = Pool::new("worker", 2);
    let (mut job, release) = hold(&pool);
    let ((former, former_rings), (latter, latter_rings)) = (bell(), bell());
    assert!(poll(&mut job, &former).is_pending());
    assert!(poll(&mut job, &latter).is_pending());
    drop(former);
    assert_eq!(former_rings.try_recv(), Err(TryRecvError::Disconnected), "its waker is freed");
    drop(release);
    latter_rings.recv_timeout(LIMIT).unwrap();
}

/// A panic whose payload panics when it is freed, with a payload that does so too.
fn throw_what_panics_twice() {
    let last = || panic!("the payload of the payload is freed");
    let payload = OnDrop(move || panic::resume_unwind(Box::new(OnDrop(last))));
    panic::resume_unwind(Box::new(payload));
}

/// XR-01: a panic is told to the awaiter with its message, whatever was thrown.
#[test]
fn a_panic_of_a_job_is_its_error_and_does_not_end_the_thread() {
    let pool = Pool::new("worker", 2);
    let thread = thread_id(&pool);
    let panics: [fn(); 4] = [
        || panic!("boom"),
        || panic!("{}", format!("boom {}", 2)),
        || panic::resume_unwind(Box::new(3)),
        throw_what_panics_twice,
    ];
    let no_text = "a panic without a message";
    for (job, expected) in panics.into_iter().zip(["boom", "boom 2", no_text, no_text]) {
        let error = block_on(pool.submit(job).unwrap()).unwrap_err();
        assert!(matches!(&error, JobError::Panicked(message) if message == expected), "{error}");
        assert_eq!(error.to_string(), format!("the job panicked: {expected}"));
    }
    assert_eq!(thread_id(&pool), thread);
}

/// XR-03: not even a value that panics when it is freed, or a waker that panics, does harm.
#[test]
fn a_panic_beside_a_job_does_not_end_the_thread() {
    struct PanicsOnWake;
    impl Wake for PanicsOnWake {
        fn wake(self: Arc<Self>) {
            panic!("the waker panics");
        }
    }
    let pool = Pool::new("worker", 1);
    let thread = thread_id(&pool);
    let (held, release) = hold(&pool);
    let (begun, beginning) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let unwanted = pool.submit(move || {
        begun.send(()).unwrap();
        gone.recv_timeout(LIMIT).unwrap_err();
        OnDrop(|| panic!("the value panics when it is freed"))
    });
    drop(release);
    beginning.recv_timeout(LIMIT).unwrap();
    drop((unwanted, held));
    drop(go);
    let (mut job, release) = hold(&pool);
    assert!(poll(&mut job, &Waker::from(Arc::new(PanicsOnWake))).is_pending());
    drop(release);
    assert_eq!(thread_id(&pool), thread);
    assert!(block_on(job).is_ok());
    // A waker that panics keeps none of the other wakers from its wake-up.
    let (waker, rings) = bell();
    let (held, release) = hold(&pool);
    let (mut first, mut second) = (pool.closed(), pool.closed());
    assert!(poll(&mut first, &Waker::from(Arc::new(PanicsOnWake))).is_pending());
    assert!(poll(&mut second, &waker).is_pending());
    pool.close();
    drop((held, release));
    rings.recv_timeout(LIMIT).unwrap();
}

#[test]
#[should_panic(expected = "a job was polled after it had completed")]
fn a_job_is_not_polled_after_it_has_completed() {
    let pool = Pool::new("worker", 1);
    let mut job = pool.submit(|| ()).unwrap();
    block_on(&mut job).unwrap();
    let _ = poll(&mut job, Waker::noop());
}

/// XR-02: no thread before the first job, and no second one while the first is free.
#[test]
fn a_thread_is_started_by_the_first_job_and_reused_by_the_next() {
    let pool = Pool::new("worker", 4);
    assert_eq!(pool.shared.census(), (0, 0, 0));
    let first = thread_id(&pool);
    for _ in 0..1_000 {
        assert_eq!(thread_id(&pool), first);
        assert_eq!(pool.shared.census(), (1, 0, 0));
    }
}

/// XR-02: the pool never has more threads than its maximum; further jobs wait.
#[test]
fn the_number_of_threads_is_bounded() {
    let pool = Pool::new("worker", 3);
    let (held, releases): (Vec<_>, Vec<_>) = (0..3).map(|_| hold(&pool)).unzip();
    let queued: Vec<_> = (0..5).map(|number| pool.submit(move || number).unwrap()).collect();
    assert_eq!(pool.shared.census(), (3, 3, 5));
    drop(releases);
    let values: Vec<_> = queued.into_iter().map(|job| block_on(job).unwrap()).collect();
    assert_eq!(values, [0, 1, 2, 3, 4]);
    assert!(held.into_iter().all(|job| block_on(job).is_ok()));
    assert_eq!(pool.shared.census(), (3, 0, 0));
}

/// XR-02: two jobs in quick succession get two threads even though one was free.
#[test]
fn a_free_thread_is_not_promised_to_two_jobs() {
    let pool = Pool::new("worker", 2);
    thread_id(&pool);
    for _ in 0..100 {
        let ((to_left, left), (to_right, right)) = (mpsc::channel(), mpsc::channel());
        let meet = |other: Sender<()>, own: Receiver<()>| {
            pool.submit(move || {
                other.send(()).unwrap();
                own.recv_timeout(LIMIT).unwrap();
            })
        };
        let (one, other) = (meet(to_left, right).unwrap(), meet(to_right, left).unwrap());
        block_on(async { (one.await.unwrap(), other.await.unwrap()) });
    }
    assert_eq!(pool.shared.census(), (2, 0, 0));
}

/// XR-02: jobs begin in the order in which they were submitted.
#[test]
fn jobs_begin_in_order() {
    let pool = Pool::new("worker", 1);
    let (held, release) = hold(&pool);
    let (begin, begun) = mpsc::channel();
    let submit = |number| {
        let begin = begin.clone();
        pool.submit(move || begin.send(number).unwrap()).unwrap()
    };
    let jobs: Vec<_> = (0..100).map(submit).collect();
    drop((release, held));
    for job in jobs.into_iter().rev() {
        block_on(job).unwrap();
    }
    assert!(begun.try_iter().eq(0..100));
}

/// XR-02: min(32, processors + 4).
#[test]
fn the_executor_has_four_threads_more_than_there_are_processors_and_at_most_32() {
    let maxima = [1, 2, 27, 28, 29, usize::MAX].map(executor_threads_max);
    assert_eq!(maxima, [5, 6, 31, 32, 32, 32]);
    let processors = thread::available_parallelism().unwrap().get();
    assert_eq!(Pool::executor_threads_max(), executor_threads_max(processors));
}

#[test]
#[should_panic(expected = "would never run a job")]
fn a_pool_has_at_least_one_thread() {
    Pool::new("worker", 0);
}

#[test]
#[should_panic(expected = "no thread names with a NUL")]
fn a_pool_has_a_name_that_a_thread_can_have() {
    Pool::new("wor\0ker", 1);
}

/// XR-10: what a withdrawn job captured is freed by whoever drops it, at once.
#[test]
fn a_queued_job_that_is_dropped_never_runs_and_is_freed_at_once() {
    let pool = Pool::new("worker", 1);
    let (held, release) = hold(&pool);
    let (witness, freed) = mpsc::channel();
    let (runs, ran) = mpsc::channel();
    let witness = Witness(witness);
    let job = pool.submit(move || {
        runs.send(()).unwrap();
        drop(witness);
    });
    drop(job.unwrap());
    assert_eq!(freed.try_recv(), Ok(thread::current().id()));
    drop(release);
    block_on(held).unwrap();
    thread_id(&pool);
    assert_eq!(ran.try_recv(), Err(TryRecvError::Disconnected), "freed, and never called");
}

/// XR-10: the queue is as long as there are awaiters, however many come and go.
#[test]
fn a_job_without_awaiter_takes_no_room_in_the_queue() {
    let pool = Pool::new("worker", 1);
    let (held, release) = hold(&pool);
    let (mut last, waker) = (pool.submit(|| 0).unwrap(), Waker::noop());
    for number in 1..=10_000 {
        last = pool.submit(move || number).unwrap();
        assert!(poll(&mut last, waker).is_pending());
        assert_eq!(pool.shared.census(), (1, 1, 1));
    }
    drop((release, held));
    assert_eq!(block_on(last).unwrap(), 10_000);
}

/// XR-03: a running function is not stopped; its outcome is freed by the thread that ran it.
#[test]
fn the_outcome_of_a_running_job_that_is_dropped_is_discarded() {
    let pool = Pool::new("worker", 1);
    let thread = thread_id(&pool);
    let (witness, freed) = mpsc::channel();
    let (begun, beginning) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let witness = Witness(witness);
    let mut job = pool.submit(move || {
        begun.send(()).unwrap();
        released.recv_timeout(LIMIT).unwrap_err();
        begun.send(()).unwrap();
        witness
    });
    beginning.recv_timeout(LIMIT).unwrap();
    let (waker, rings) = bell();
    assert!(poll(job.as_mut().unwrap(), &waker).is_pending());
    drop(job);
    drop(waker);
    assert_eq!(rings.try_recv(), Err(TryRecvError::Disconnected), "its waker is freed");
    assert_eq!(freed.try_recv().unwrap_err(), TryRecvError::Empty);
    drop(release);
    beginning.recv_timeout(LIMIT).expect("the job runs to its end");
    assert_eq!(freed.recv_timeout(LIMIT), Ok(thread));
    assert_eq!(thread_id(&pool), thread);
}

/// XR-02, XR-03: to free an outcome that nobody waits for may take long; the next job does not wait
/// for it.
#[test]
fn a_thread_that_frees_an_outcome_is_not_free() {
    let pool = Pool::new("worker", 2);
    let (begun, beginning) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (finish, finished) = mpsc::channel::<()>();
    let unwanted = pool.submit(move || {
        begun.send(()).unwrap();
        released.recv_timeout(LIMIT).unwrap_err();
        OnDrop(move || {
            begun.send(()).unwrap();
            finished.recv_timeout(LIMIT).unwrap_err();
        })
    });
    beginning.recv_timeout(LIMIT).unwrap();
    drop((unwanted, release));
    beginning.recv_timeout(LIMIT).expect("the outcome is being freed");
    assert_eq!(pool.shared.census(), (1, 1, 0));
    thread_id(&pool);
    drop(finish);
    pool.close();
    block_on(pool.closed());
}

/// XR-03: an outcome that nobody fetches is freed with its job.
#[test]
fn an_outcome_that_is_there_is_freed_by_whoever_drops_the_job() {
    let pool = Pool::new("worker", 1);
    let (witness, freed) = mpsc::channel();
    let witness = Witness(witness);
    let job = pool.submit(move || witness).unwrap();
    pool.close();
    block_on(pool.closed());
    assert_eq!(freed.try_recv().unwrap_err(), TryRecvError::Empty);
    drop(job);
    assert_eq!(freed.try_recv(), Ok(thread::current().id()));
}

/// XR-04: a job for a closed pool is refused with an error that says so, and freed.
#[test]
fn a_closed_pool_refuses_jobs() {
    let pool = Pool::new("worker", 2);
    thread_id(&pool);
    pool.close();
    let (witness, freed) = mpsc::channel();
    let witness = Witness(witness);
    let error = pool.submit(move || drop(witness)).unwrap_err();
    assert!(matches!(error, JobError::Closed("worker")));
    assert_eq!(error.to_string(), "the pool \"worker\" is closed: it takes no new job");
    assert_eq!(freed.try_recv(), Ok(thread::current().id()));
}

/// XR-04: what was submitted before the pool closed still runs.
#[test]
fn what_is_queued_when_the_pool_closes_still_runs() {
    let pool = Pool::new("worker", 1);
    let (held, release) = hold(&pool);
    let queued = [pool.submit(|| 1).unwrap(), pool.submit(|| 2).unwrap()];
    pool.close();
    pool.close();
    assert_eq!(pool.shared.census(), (1, 1, 2));
    drop((release, held));
    assert_eq!(queued.map(|job| block_on(job).unwrap()), [1, 2]);
    block_on(pool.closed());
    assert_eq!(pool.shared.census(), (0, 0, 0));
}

/// XR-05: the end of the pool is awaited, not blocked for, by as many as like to.
#[test]
fn the_end_of_a_pool_comes_after_its_running_jobs() {
    let pool = Pool::new("worker", 2);
    thread_id(&pool);
    let mut waiting = [(); 3].map(|()| (pool.closed(), bell()));
    for (closed, (waker, _)) in &mut waiting {
        assert!(poll(closed, waker).is_pending(), "it is not closed");
    }
    let (held, release) = hold(&pool);
    pool.close();
    let (latest_waker, latest_rings) = bell();
    let [(mut first, first_bell), (mut second, second_bell), (third, third_bell)] = waiting;
    assert!(poll(&mut first, &first_bell.0).is_pending(), "a job runs");
    assert!(poll(&mut second, &latest_waker).is_pending(), "a job runs");
    drop(third);
    drop(release);
    first_bell.1.recv_timeout(LIMIT).unwrap();
    latest_rings.recv_timeout(LIMIT).unwrap();
    assert!(poll(&mut first, &first_bell.0).is_ready());
    assert!(poll(&mut second, &latest_waker).is_ready());
    for (waker, rings) in [second_bell, third_bell] {
        drop(waker);
        assert_eq!(rings.try_recv(), Err(TryRecvError::Disconnected), "freed, and never woken");
    }
    block_on(held).unwrap();
    assert_eq!(pool.shared.census(), (0, 0, 0));
}

/// XR-05: free threads end, and a pool without threads has ended as soon as it is closed.
#[test]
fn a_pool_without_work_ends_when_it_closes() {
    let (unused, used) = (Pool::new("worker", 2), Pool::new("worker", 2));
    thread_id(&used);
    let mut closed = unused.closed();
    let (waker, rings) = bell();
    assert!(poll(&mut closed, &waker).is_pending());
    unused.close();
    rings.try_recv().unwrap();
    assert!(poll(&mut closed, &waker).is_ready());
    used.close();
    block_on(used.closed());
    assert_eq!(used.shared.census(), (0, 0, 0));
}

/// XR-05: who drops a pool waits for no thread of it, and who awaits a job of it still may.
#[test]
fn dropping_a_pool_closes_it_and_waits_for_nothing() {
    let pool = Pool::new("worker", 1);
    let (held, release) = hold(&pool);
    let (queued, closed) = (pool.submit(|| "done").unwrap(), pool.closed());
    drop(pool);
    drop(release);
    block_on(held).unwrap();
    assert_eq!(block_on(queued).unwrap(), "done");
    block_on(closed);
}

/// XR-04: a pool that gets no thread from the system refuses the job, and says why.
#[test]
fn a_pool_that_gets_no_thread_refuses_the_job() {
    let pool = Pool::with_start("worker", 2, |_, _| Err(io::ErrorKind::OutOfMemory.into()));
    let (witness, freed) = mpsc::channel();
    let witness = Witness(witness);
    let error = pool.submit(move || drop(witness)).unwrap_err();
    assert_eq!(error.to_string(), "the pool \"worker\" cannot start a thread: out of memory");
    assert_eq!(freed.try_recv(), Ok(thread::current().id()));
    assert_eq!(pool.shared.census(), (0, 0, 0));
}

/// XR-02: fewer threads than allowed are enough: the job waits for one of them.
#[test]
fn a_pool_that_gets_no_second_thread_makes_do_with_the_first() {
    let pool = Pool::with_start("worker", 2, |shared, number| match number {
        0 => shared.start_thread(number),
        _ => Err(io::ErrorKind::OutOfMemory.into()),
    });
    let (held, release) = hold(&pool);
    let job = pool.submit(|| 1).unwrap();
    assert_eq!(pool.shared.census(), (1, 1, 1));
    drop((release, held));
    assert_eq!(block_on(job).unwrap(), 1);
}

/// XR-10, XR-03: whatever the pool calls or frees may itself use the pool: no lock is held then.
#[test]
fn foreign_code_may_use_the_pool_that_calls_it() {
    struct UsesPool(Arc<Pool>, Sender<()>);
    impl UsesPool {
        fn uses(&self) {
            drop(self.0.submit(|| ()).map(drop));
            drop(self.0.closed());
            self.1.send(()).unwrap();
        }
    }
    impl Wake for UsesPool {
        fn wake(self: Arc<Self>) {
            self.uses();
        }
    }
    impl Drop for UsesPool {
        fn drop(&mut self) {
            self.uses();
        }
    }
    within_limit(|| {
        let pool = Arc::new(Pool::new("worker", 1));
        let (used, uses) = mpsc::channel();
        let foreign = || UsesPool(Arc::clone(&pool), used.clone());
        let expect_use = || uses.recv_timeout(LIMIT).unwrap();

        let (mut job, release) = hold(&pool);
        let captured = foreign();
        drop(pool.submit(move || drop(captured)).unwrap());
        expect_use(); // by what a withdrawn job captured
        assert!(poll(&mut job, &Waker::from(Arc::new(foreign()))).is_pending());
        assert!(poll(&mut job, &Waker::from(Arc::new(foreign()))).is_pending());
        expect_use(); // by the drop of a waker that a later one replaced
        drop(release);
        expect_use(); // by the wake
        expect_use(); // by the drop of the waker
        let value = foreign();
        let (begun, beginning) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let unwanted = pool.submit(move || {
            begun.send(()).unwrap();
            gone.recv_timeout(LIMIT).unwrap_err();
            value
        });
        beginning.recv_timeout(LIMIT).unwrap();
        drop(unwanted);
        drop(go);
        expect_use(); // by an outcome that nobody waits for
        let mut closed = pool.closed();
        assert!(poll(&mut closed, &Waker::from(Arc::new(foreign()))).is_pending());
        assert!(poll(&mut closed, &Waker::from(Arc::new(foreign()))).is_pending());
        expect_use(); // by the drop of a waker for the end that a later one replaced
        drop(closed);
        expect_use(); // by the drop of the later one
        let mut closed = pool.closed();
        assert!(poll(&mut closed, &Waker::from(Arc::new(foreign()))).is_pending());
        pool.close();
        expect_use(); // by the wake at the end
        expect_use(); // by the drop of that waker
        let captured = foreign();
        drop(pool.submit(move || drop(captured)));
        expect_use(); // by what a refused job captured
        let unused = Pool::new("worker", 1);
        let mut closed = unused.closed();
        let user = UsesPool(Arc::new(unused), used.clone());
        let unused = Arc::clone(&user.0);
        assert!(poll(&mut closed, &Waker::from(Arc::new(user))).is_pending());
        unused.close();
        expect_use(); // by the wake at the end of a pool without threads
    });
}

/// What a loop on one thread and tasks on others need.
#[test]
fn a_pool_and_its_futures_may_go_to_other_threads() {
    fn may_go<T: Send + Sync>() {}
    may_go::<Pool>();
    may_go::<Job<u8>>();
    may_go::<Job<std::cell::Cell<u8>>>();
    may_go::<Closed>();
}

/// XR-01, XR-02, XR-03, XR-05, XR-10: ten thousand jobs from four threads, awaited, polled and
/// dropped at random. Each of them either ran once or was withdrawn; each awaited outcome came;
/// nothing is left.
#[test]
fn in_a_storm_of_jobs_none_is_lost_and_none_is_left() {
    const THREADS_MAX: usize = 3;
    let (pool, tally) = (Arc::new(Pool::new("worker", THREADS_MAX)), Arc::new(Tally::default()));
    let submitters: Vec<_> = (1..=4)
        .map(|seed| {
            let (pool, tally) = (Arc::clone(&pool), Arc::clone(&tally));
            thread::spawn(move || submit_at_random(&pool, &tally, seed))
        })
        .collect();
    let awaited: usize = submitters.into_iter().map(|thread| thread.join().unwrap()).sum();
    pool.close();
    block_on(pool.closed());
    assert_eq!(pool.shared.census(), (0, 0, 0));
    let count = |counter: &AtomicUsize| counter.load(SeqCst);
    assert_eq!(count(&tally.ran) + count(&tally.withdrawn), 4 * 2_500);
    assert!(awaited > 0 && awaited <= count(&tally.ran));
    assert_eq!(count(&tally.alive), 0, "every closure and every value is freed");
    assert!(count(&tally.running_most) <= THREADS_MAX);
}

/// Over all jobs of the storm.
#[derive(Default)]
struct Tally {
    ran: AtomicUsize,
    /// Freed without having run.
    withdrawn: AtomicUsize,
    running: AtomicUsize,
    running_most: AtomicUsize,
    /// Closures and values.
    alive: AtomicUsize,
}

/// What a job of the storm captures, and later its value.
struct Stake {
    tally: Arc<Tally>,
    has_run: bool,
}

impl Stake {
    fn new(tally: &Arc<Tally>) -> Stake {
        tally.alive.fetch_add(1, SeqCst);
        Stake { tally: Arc::clone(tally), has_run: false }
    }

    fn run(mut self, panics: bool) -> Stake {
        self.has_run = true;
        self.tally.ran.fetch_add(1, SeqCst);
        let running = self.tally.running.fetch_add(1, SeqCst) + 1;
        self.tally.running_most.fetch_max(running, SeqCst);
        thread::yield_now();
        self.tally.running.fetch_sub(1, SeqCst);
        if panics {
            // Without a word of the panic hook.
            panic::resume_unwind(Box::new("storm"));
        }
        self
    }
}

impl Drop for Stake {
    fn drop(&mut self) {
        self.tally.alive.fetch_sub(1, SeqCst);
        if !self.has_run {
            self.tally.withdrawn.fetch_add(1, SeqCst);
        }
    }
}

/// Submits 2,500 jobs and says how many of them it has awaited.
fn submit_at_random(pool: &Pool, tally: &Arc<Tally>, seed: u64) -> usize {
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut below = |bound: u64| {
        // Xorshift: Marsaglia 2003.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    let (mut kept, mut awaited) = (Vec::new(), 0);
    for _ in 0..2_500 {
        let (stake, panics) = (Stake::new(tally), below(16) == 0);
        let mut job = pool.submit(move || stake.run(panics)).unwrap();
        if below(2) == 0 && poll(&mut job, Waker::noop()).is_ready() {
            continue;
        }
        kept.push((job, panics));
        while kept.len() > 8 {
            let (job, panics) = kept.swap_remove(below(9) as usize);
            if below(2) == 0 {
                assert_eq!(block_on(job).is_err(), panics);
                awaited += 1;
            }
        }
    }
    awaited
}
