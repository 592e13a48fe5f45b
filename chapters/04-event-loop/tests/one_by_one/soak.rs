//! Ten thousand tasks that sleep, cancel and join at random leave nothing behind: no task, timer,
//! registration or wake-up in the loop, and no descriptor in the process.

use crate::alone::alone;
use chapter_03::{Mode, SelectorKind};
use chapter_04::fake::FakeLoop;
use chapter_04::{
    AsyncSocket, Census, EventLoop, FutureCell, JoinError, JoinHandle, race, shield, sleep, spawn,
    task_group, timeout, yield_now,
};
use socket2::{Domain, Socket, Type};
use std::cell::{Cell, RefCell};
use std::fs;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const TASKS: usize = 10_000;
/// One task in so many uses sockets, so that two hundred descriptors are open at most.
const SOCKETS_EVERY: usize = 100;
const LIMIT: Duration = Duration::from_secs(120);

/// Marsaglia's xorshift: the same numbers for the same seed, on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn milliseconds(&mut self) -> Duration {
        Duration::from_micros(self.below(4000) as u64)
    }
}

/// What the tasks share.
struct World {
    /// Whoever takes a handle out decides what becomes of that task.
    tasks: RefCell<Vec<Option<JoinHandle<()>>>>,
    alive: Cell<usize>,
    all_gone: FutureCell<()>,
    kernel: bool,
    tally: Cell<Tally>,
}

/// How often something has happened that the test is about.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    finished: usize,
    joined: usize,
    cancelled: usize,
    elapsed: usize,
    echoed: usize,
}

impl World {
    fn count(&self, change: impl FnOnce(&mut Tally)) {
        let mut tally = self.tally.get();
        change(&mut tally);
        self.tally.set(tally);
    }

    fn take(&self, number: usize) -> Option<JoinHandle<()>> {
        self.tasks.borrow_mut()[number].take()
    }
}

/// A task, or a part of one, that is not gone.
struct Alive(Rc<World>);

impl Alive {
    fn new(world: &Rc<World>) -> Alive {
        world.alive.set(world.alive.get() + 1);
        Alive(Rc::clone(world))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let alive = self.0.alive.get() - 1;
        self.0.alive.set(alive);
        if alive == 0 {
            self.0.all_gone.set_result(()).unwrap();
        }
    }
}

async fn live(alive: Alive, number: usize, mut random: Random) {
    for _ in 0..random.below(6) {
        act(&alive.0, number, &mut random).await;
    }
    alive.0.count(|tally| tally.finished += 1);
}

async fn act(world: &Rc<World>, number: usize, random: &mut Random) {
    let other = random.below(TASKS);
    match random.below(10) {
        0 | 1 => sleep(random.milliseconds()).await,
        2 => yield_now().await,
        3 => cancel(world, other),
        4 => join(world, number, random).await,
        5 if other != number => wait_a_little(world, other, random).await,
        6 if other != number => end_in_time(world, other, random).await,
        7 => group(world, random).await,
        8 => drop(race(sleep(random.milliseconds()), sleep(random.milliseconds())).await),
        _ if number.is_multiple_of(SOCKETS_EVERY) && world.kernel => echo(world, random).await,
        _ => drop(world.take(other)),
    }
}

fn cancel(world: &World, other: usize) {
    if let Some(task) = &world.tasks.borrow()[other] {
        task.cancel();
    }
}

/// Joins a task with a higher number: tasks that wait for each other in a ring would never end.
async fn join(world: &World, number: usize, random: &mut Random) {
    let other = number + 1 + random.below(TASKS - number);
    if let Some(task) = (other < TASKS).then(|| world.take(other)).flatten() {
        match task.await {
            Ok(()) => world.count(|tally| tally.joined += 1),
            Err(JoinError::Cancelled) => world.count(|tally| tally.cancelled += 1),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Waits for any task, but leaves it alone.
async fn wait_a_little(world: &World, other: usize, random: &mut Random) {
    if let Some(mut task) = world.take(other)
        && timeout(random.milliseconds(), shield(&mut task)).await.is_err()
    {
        world.tasks.borrow_mut()[other] = Some(task);
    }
}

async fn end_in_time(world: &World, other: usize, random: &mut Random) {
    if let Some(task) = world.take(other)
        && task.join_within(random.milliseconds()).await.is_err()
    {
        world.count(|tally| tally.elapsed += 1);
    }
}

async fn group(world: &Rc<World>, random: &mut Random) {
    let outcome = task_group(async |group| {
        for _ in 0..random.below(4) {
            let (alive, delay, fails) =
                (Alive::new(world), random.milliseconds(), random.below(3) == 0);
            group.spawn(async move {
                sleep(delay).await;
                drop(alive);
                if fails { Err("a child fails") } else { Ok(()) }
            });
        }
        sleep(random.milliseconds()).await;
        Ok(())
    });
    if let Err(error) = outcome.await {
        assert!(error.to_string().contains("a child fails"), "{error}");
    }
}

/// Sends a message to a task at the other end of a socket pair, and has it sent back.
async fn echo(world: &Rc<World>, random: &mut Random) {
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
    let [near, far] = [near, far].map(|socket| {
        socket.set_nonblocking(true).unwrap();
        AsyncSocket::new(socket).unwrap()
    });
    let alive = Alive::new(world);
    let server = spawn(async move {
        // A client that is cancelled leaves bytes unread, which resets the connection.
        let is_at_end = serve(far).await.is_ok();
        drop(alive);
        is_at_end
    });
    let length = 1 + random.below(1000);
    near.send_all(&vec![7; length]).await.unwrap();
    let mut left = length;
    while left > 0 {
        left -= near.recv(left).await.unwrap().len();
        sleep(random.milliseconds()).await;
    }
    drop(near);
    assert_eq!(server.await, Ok(true));
    world.count(|tally| tally.echoed += 1);
}

async fn serve(far: AsyncSocket) -> io::Result<()> {
    loop {
        let received = far.recv(100).await?;
        if received.is_empty() {
            return Ok(());
        }
        far.send_all(&received).await?;
    }
}

/// A future whose type is not spelt out: the tasks are many, and of one kind.
type Life = Pin<Box<dyn Future<Output = ()>>>;

fn begin(world: &Rc<World>, number: usize, seed: u64) -> Life {
    // A number of its own for each task, and never zero, where a xorshift would stay.
    let seed = (seed ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1;
    Box::pin(live(Alive::new(world), number, Random(seed)))
}

async fn soak(world: Rc<World>, seed: u64) {
    for number in 0..TASKS {
        let task = spawn(begin(&world, number, seed));
        world.tasks.borrow_mut().push(Some(task));
    }
    (&world.all_gone).await.unwrap();
}

/// Soaks a loop, and says what has happened in it.
fn run(event_loop: &mut EventLoop, kernel: bool, seed: u64) -> Tally {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&reports);
    event_loop.set_exception_handler(move |_, context| kept.borrow_mut().push(context.to_string()));
    let world = Rc::new(World {
        tasks: RefCell::default(),
        alive: Cell::new(0),
        all_gone: event_loop.create_future(),
        kernel,
        tally: Cell::default(),
    });
    event_loop.run_until_complete(soak(Rc::clone(&world), seed)).unwrap();
    assert_eq!(event_loop.census().tasks, 0, "seed {seed:#x}");
    // One more pass, for wake-ups of tasks that are done.
    event_loop.stop();
    event_loop.run_forever().unwrap();
    let nothing = Census { tasks: 0, timers: 0, sources: 0, ready: 0 };
    assert_eq!(event_loop.census(), nothing, "seed {seed:#x}");
    // The groups of tasks that were cancelled have nobody else to tell of a child's failure.
    let is_expected = |report: &String| report.ends_with("a child fails");
    assert!(reports.borrow().iter().all(is_expected), "seed {seed:#x}: {reports:?}");
    world.tally.get()
}

fn descriptors() -> Option<usize> {
    fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

/// Runs a soak in a thread of its own, and fails if that hangs.
fn soaked(soak: impl FnOnce() + Send + 'static) {
    let _alone = alone();
    let (done, is_done) = mpsc::channel();
    let before = descriptors();
    let soaking = thread::spawn(move || {
        soak();
        done.send(()).unwrap();
    });
    match is_done.recv_timeout(LIMIT) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("a task was never woken, or never ended"),
        _ => soaking.join().unwrap(),
    }
    assert_eq!(descriptors(), before);
}

/// TK-06, TK-11, TK-18, TK-21, at random, and every time in the same order.
#[test]
fn nothing_is_left_on_the_virtual_clock() {
    soaked(|| {
        for seed in [0x2545_f491_4f6c_dd1d, 0xdead_beef, 77] {
            let mut event_loop = FakeLoop::new(Mode::Edge).event_loop;
            let tally = run(&mut event_loop, false, seed);
            let Tally { finished, joined, cancelled, elapsed, .. } = tally;
            assert!(finished > TASKS / 2 && finished < TASKS, "seed {seed:#x}: {tally:?}");
            assert!(joined.min(cancelled).min(elapsed) > 50, "seed {seed:#x}: {tally:?}");
        }
    });
}

#[test]
fn nothing_is_left_on_mio() {
    soaked(|| over_the_kernel(SelectorKind::Mio));
}

#[test]
fn nothing_is_left_on_polling() {
    soaked(|| over_the_kernel(SelectorKind::Polling));
}

fn over_the_kernel(kind: SelectorKind) {
    let seed = 0x2545_f491_4f6c_dd1d;
    let mut event_loop = EventLoop::with_selector(kind).unwrap();
    let tally = run(&mut event_loop, true, seed);
    assert!(tally.echoed > 0, "{kind}, seed {seed:#x}: {tally:?}");
}
