//! When a task is woken, by whom, and by wakers that are older than they should be.

use crate::net::limit::{LIMIT, within};
use chapter_02::fake::FakeSocket;
use chapter_03::{Mode, Readiness, SelectorKind};
use chapter_04::fake::FakeLoop;
use chapter_04::{EventLoop, FutureCell, join_all, running_loop, sleep, spawn, yield_now};
use std::cell::{Cell, RefCell};
use std::future::{Future, IntoFuture, pending, poll_fn, ready};
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

const BOTH_KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];

fn run(main: impl Future<Output = ()> + 'static) {
    FakeLoop::new(Mode::Edge).event_loop.run_until_complete(main).unwrap();
}

/// Counts its polls, lends its waker, and never ends.
#[derive(Clone, Default)]
struct Watched {
    polls: Rc<Cell<usize>>,
    waker: Rc<RefCell<Option<Waker>>>,
}

impl Watched {
    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        self.polls.set(self.polls.get() + 1);
        self.waker.replace(Some(context.waker().clone()));
        Poll::Pending
    }

    async fn watch(self) {
        poll_fn(move |context| self.poll(context)).await;
    }

    fn waker(&self) -> Waker {
        self.waker.borrow().clone().unwrap()
    }
}

/// FU-09: in the next turn after the completion, ahead of callbacks that are queued after it.
#[test]
fn completing_a_future_resumes_its_awaiter_in_the_next_turn() {
    run(async {
        let trace = Rc::new(RefCell::new(Vec::new()));
        let cell = FutureCell::new();
        let (waiting, noted) = (cell.clone(), Rc::clone(&trace));
        let awaiter = spawn(async move {
            waiting.await.unwrap();
            noted.borrow_mut().push("resumed");
        });
        yield_now().await;
        cell.set_result(()).unwrap();
        let noted = Rc::clone(&trace);
        running_loop().unwrap().call_soon(move || noted.borrow_mut().push("callback")).unwrap();
        trace.borrow_mut().push("completed");
        awaiter.await.unwrap();
        yield_now().await;
        assert_eq!(*trace.borrow(), ["completed", "resumed", "callback"]);
    });
}

#[test]
fn many_wakes_before_a_turn_are_one_poll() {
    run(async {
        let watched = Watched::default();
        let task = spawn(watched.clone().watch());
        yield_now().await;
        for polls in 1..4 {
            assert_eq!(watched.polls.get(), polls);
            (0..10).for_each(|_| watched.waker().wake());
            yield_now().await;
        }
        task.cancel();
    });
}

/// A task that wakes itself while it is polled has another turn, and others theirs between.
#[test]
fn a_task_that_wakes_itself_takes_turns_with_others() {
    run(async {
        let watched = Watched::default();
        let restless = watched.clone();
        let task = spawn(poll_fn(move |context| {
            context.waker().wake_by_ref();
            restless.poll(context)
        }));
        for _ in 0..3 {
            let before = watched.polls.get();
            yield_now().await;
            assert!(watched.polls.get() > before);
        }
        task.cancel();
    });
}

/// The next task has the place of the first one in the loop's table; the waker knows the difference.
#[test]
fn a_waker_of_a_task_that_is_done_wakes_nobody() {
    run(async {
        let (old, new) = (Watched::default(), Watched::default());
        let task = spawn(old.clone().watch());
        yield_now().await;
        task.cancel();
        assert!(task.await.is_err());
        let task = spawn(new.clone().watch());
        yield_now().await;
        old.waker().wake();
        yield_now().await;
        assert_eq!((old.polls.get(), new.polls.get()), (1, 1));
        task.cancel();
    });
}

/// From this thread and from another one, when the loop is closed and when it is gone.
#[test]
fn a_waker_may_be_kept_beyond_the_loop() {
    for kind in BOTH_KINDS {
        let mut event_loop = EventLoop::with_selector(kind).unwrap();
        let watched = Watched::default();
        let task = event_loop.spawn(watched.clone().watch()).unwrap();
        event_loop.run_until_complete(yield_now()).unwrap();
        assert!(task.cancel());
        event_loop.run_until_complete(yield_now()).unwrap();
        let waker = watched.waker();
        event_loop.close();
        waker.wake_by_ref();
        drop(event_loop);
        waker.wake_by_ref();
        thread::spawn(move || waker.wake()).join().unwrap();
        assert_eq!(watched.polls.get(), 1);
    }
}

/// The loop sleeps in the kernel, and nothing but this wake ends that.
#[test]
fn a_wake_from_another_thread_ends_the_wait_of_the_loop() {
    within(LIMIT, "the task was not woken", || {
        for kind in BOTH_KINDS {
            let mut event_loop = EventLoop::with_selector(kind).unwrap();
            let (wakers, receiver) = mpsc::channel::<Waker>();
            let waking = thread::spawn(move || receiver.into_iter().for_each(Waker::wake));
            let mut rounds = 0;
            let main = poll_fn(move |context| {
                rounds += 1;
                if rounds > 100 {
                    return Poll::Ready(());
                }
                wakers.send(context.waker().clone()).unwrap();
                Poll::Pending
            });
            event_loop.run_until_complete(main).unwrap();
            waking.join().unwrap();
        }
    });
}

/// What another thread has written before the wake is seen in the turn that follows.
#[test]
fn a_wake_carries_what_was_written_before_it() {
    within(LIMIT, "the task was not woken", || {
        let mut event_loop = EventLoop::new().unwrap();
        let written = Arc::new(AtomicUsize::new(0));
        let (wakers, receiver) = mpsc::channel::<Waker>();
        let writing = Arc::clone(&written);
        let waking = thread::spawn(move || {
            for waker in receiver {
                writing.fetch_add(1, Ordering::Relaxed);
                waker.wake();
            }
        });
        let mut sent = 0;
        let main = poll_fn(move |context| {
            if written.load(Ordering::Relaxed) < sent {
                return Poll::Pending;
            }
            sent += 1;
            if sent > 100 {
                return Poll::Ready(());
            }
            wakers.send(context.waker().clone()).unwrap();
            Poll::Pending
        });
        event_loop.run_until_complete(main).unwrap();
        waking.join().unwrap();
    });
}

/// A waker that is not the loop's.
#[derive(Default)]
struct Flag {
    wakes: AtomicUsize,
}

impl Wake for Flag {
    fn wake(self: Arc<Flag>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
    }
}

/// It is woken once, at the end of the task, and let go of.
#[test]
fn a_join_handle_may_be_polled_with_any_waker() {
    run(async {
        let flag = Arc::<Flag>::default();
        let waker = Waker::from(Arc::clone(&flag));
        let mut context = Context::from_waker(&waker);
        let mut task = spawn(async { yield_now().await });
        for _ in 0..3 {
            assert!(Pin::new(&mut task).poll(&mut context).is_pending());
        }
        yield_now().await;
        yield_now().await;
        assert_eq!(flag.wakes.load(Ordering::Relaxed), 1);
        assert_eq!(Arc::strong_count(&flag), 2, "the task has let go of the waker");
        assert_eq!(Pin::new(&mut task).poll(&mut context), Poll::Ready(Ok(())));
    });
}

/// Of two who poll a handle, it is the last one that is woken.
#[test]
fn a_join_handle_wakes_who_has_polled_it_last() {
    run(async {
        let flags = [Arc::<Flag>::default(), Arc::default()];
        let mut task = spawn(ready(7));
        for flag in &flags {
            let waker = Waker::from(Arc::clone(flag));
            assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
        }
        yield_now().await;
        assert_eq!(flags.map(|flag| flag.wakes.load(Ordering::Relaxed)), [0, 1]);
        assert_eq!(task.await, Ok(7));
    });
}

/// A waker that does something when it is dropped, and comes back to the loop while it does.
#[test]
fn a_waker_may_spawn_when_it_is_dropped_or_used() {
    struct Busy;
    impl Wake for Busy {
        fn wake(self: Arc<Busy>) {
            spawn(ready(())).detach();
        }
    }
    impl Drop for Busy {
        fn drop(&mut self) {
            spawn(ready(())).detach();
        }
    }
    run(async {
        let mut tasks = [spawn(ready(())), spawn(pending())];
        for task in &mut tasks {
            for _ in 0..2 {
                let waker = Waker::from(Arc::new(Busy));
                assert!(Pin::new(&mut *task).poll(&mut Context::from_waker(&waker)).is_pending());
            }
        }
        yield_now().await;
        drop(tasks);
        yield_now().await;
        assert_eq!(running_loop().unwrap().census().tasks, 1);
    });
}

/// A waker of others that fails.
struct Fails;

impl Wake for Fails {
    fn wake(self: Arc<Fails>) {
        panic!("on purpose: a waker fails");
    }
}

/// Has a future wake such a waker when it is ready.
fn wait_with_one_that_fails(future: Pin<&mut impl Future>) {
    let waker = Waker::from(Arc::new(Fails));
    assert!(future.poll(&mut Context::from_waker(&waker)).is_pending());
}

/// LP-16: whoever waits for the same socket, in whichever direction, or for another one that was
/// reported with it, is woken.
#[test]
fn a_waker_that_panics_leaves_those_alone_who_wait_for_sockets() {
    let mut fake = FakeLoop::new(Mode::Edge);
    let not_yet = Err(ErrorKind::WouldBlock);
    let [same, next] = ["a", "b"].map(|message| {
        let script = FakeSocket::new().receives([not_yet, Ok(message)]).takes([None]);
        fake.socket(script).unwrap()
    });
    fake.backend.report([]);
    let both = Readiness::READABLE | Readiness::WRITABLE;
    fake.backend.report([(0, both), (1, both)]);
    let main = async move {
        let same = Rc::new(same);
        let sender = Rc::clone(&same);
        let sender = spawn(async move { sender.send_all(b"x").await });
        let mut failing = [same.recv(1), same.recv(1)].map(Box::pin);
        failing.iter_mut().for_each(|receive| wait_with_one_that_fails(receive.as_mut()));
        let receives =
            [&*same, &next].map(|socket| async { socket.recv(1).await.unwrap().to_vec() });
        let received = join_all(receives).await;
        sender.await.unwrap().unwrap();
        received
    };
    assert_eq!(fake.event_loop.run_until_complete(main).unwrap(), [b"a", b"b"]);
}

/// LP-16: the others who go on in the same pass, or have set a timer for the same time, do so.
#[test]
fn a_waker_that_panics_leaves_those_alone_who_wait_for_a_pass_or_a_time() {
    run(async {
        let mut failing = pin!(yield_now());
        wait_with_one_that_fails(failing.as_mut());
        yield_now().await;
        let mut failing = pin!(sleep(Duration::from_secs(1)));
        wait_with_one_that_fails(failing.as_mut());
        sleep(Duration::from_secs(1)).await;
    });
}

/// FU-07, FU-10: who sets the value hears nothing of it, and the others see the value.
#[test]
fn a_waker_that_panics_leaves_those_alone_who_wait_for_a_future() {
    run(async {
        let cell = FutureCell::new();
        let mut failing = pin!(cell.clone().into_future());
        wait_with_one_that_fails(failing.as_mut());
        let awaiter = spawn(cell.clone().into_future());
        yield_now().await;
        cell.set_result(7).unwrap();
        assert_eq!(awaiter.await.unwrap().unwrap(), 7);
    });
}

/// FU-07, for tasks: the task is done, its callbacks run, and the loop has let go of it.
#[test]
fn a_task_ends_although_the_waker_of_who_awaits_it_panics() {
    run(async {
        let called = Rc::new(Cell::new(false));
        let noted = Rc::clone(&called);
        let mut task = spawn(ready(7));
        task.when_done(move || noted.set(true));
        wait_with_one_that_fails(Pin::new(&mut task));
        yield_now().await;
        assert!(called.get());
        assert_eq!(running_loop().unwrap().census().tasks, 1);
        assert_eq!(task.take_outcome(), Some(Ok(7)));
    });
}
