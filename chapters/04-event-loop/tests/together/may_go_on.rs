//! The budget of a task, for futures that are written elsewhere.

use chapter_02::fake::FakeSocket;
use chapter_03::Mode;
use chapter_04::fake::FakeLoop;
use chapter_04::{GaveWay, LoopHandle, OPERATIONS_MAX, join_all, race, running_loop, yield_now};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// An operation that could always go on, and asks.
async fn operate(event_loop: &LoopHandle) {
    let mut gave_way = GaveWay::default();
    let ask = |context: &mut Context<'_>| match event_loop.may_go_on(&mut gave_way, context) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    };
    poll_fn(ask).await;
}

/// Runs one pass, of one round.
fn pass(fake: &mut FakeLoop) {
    fake.backend.report([]);
    fake.event_loop.stop();
    fake.event_loop.run_forever().unwrap();
}

/// A task that operates for ever, and counts.
fn operating(fake: &FakeLoop) -> Rc<Cell<u32>> {
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    let operating = async move {
        let event_loop = running_loop().unwrap();
        while counted.get() < u32::MAX {
            operate(&event_loop).await;
            counted.set(counted.get() + 1);
        }
    };
    fake.event_loop.spawn(operating).unwrap().detach();
    count
}

/// D-01: so many in a row, then the others have their turn; in the next pass as many again. Each task
/// has a budget of its own.
#[test]
fn d_01_a_task_may_go_on_so_often_and_then_it_is_the_turn_of_the_others() {
    let mut fake = FakeLoop::new(Mode::Edge);
    fake.event_loop.set_exception_handler(|_, _| ());
    let (one, other) = (operating(&fake), operating(&fake));
    for round in 1..4 {
        pass(&mut fake);
        assert_eq!((one.get(), other.get()), (round * OPERATIONS_MAX, round * OPERATIONS_MAX));
        assert_eq!(fake.event_loop.census().ready, 2, "both go on in the next pass");
    }
}

/// D-01: operations of sockets and those of others are counted together.
#[test]
fn d_01_sockets_and_others_share_the_budget() {
    let mut fake = FakeLoop::new(Mode::Edge);
    let script = FakeSocket::new().receives((0..OPERATIONS_MAX).map(|_| Ok("x")));
    let socket = fake.socket(script).unwrap();
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    let task = fake.event_loop.spawn(async move {
        let event_loop = running_loop().unwrap();
        for _ in 0..OPERATIONS_MAX {
            operate(&event_loop).await;
            // One byte of many: it is not the short receive that ends it.
            socket.recv(1).await.unwrap();
            counted.set(counted.get() + 2);
        }
    });
    pass(&mut fake);
    assert_eq!(count.get(), OPERATIONS_MAX);
    pass(&mut fake);
    assert_eq!(count.get(), 2 * OPERATIONS_MAX);
    assert!(task.unwrap().is_finished());
}

/// A task that waits begins anew: who gives way often enough by himself is never stopped.
#[test]
fn each_step_of_a_task_has_the_whole_budget() {
    let mut fake = FakeLoop::new(Mode::Edge);
    let stopped = fake.event_loop.run_until_complete(async {
        let event_loop = running_loop().unwrap();
        for _ in 0..3 {
            yield_now().await;
            for _ in 0..OPERATIONS_MAX {
                let mut operation = pin!(operate(&event_loop));
                let waker = Waker::noop();
                if operation.as_mut().poll(&mut Context::from_waker(waker)).is_pending() {
                    return true;
                }
            }
        }
        false
    });
    assert!(!stopped.unwrap());
}

/// D-01: within a task as well. One that is polled first, and could always go on, takes the whole budget
/// in each pass; who was told to wait has its turn in the next one all the same.
#[test]
fn d_01_a_busy_future_does_not_keep_the_others_of_its_task_waiting() {
    async fn busy(event_loop: &LoopHandle) {
        loop {
            operate(event_loop).await;
        }
    }
    let mut fake = FakeLoop::new(Mode::Edge);
    let done = Rc::new(Cell::new(0));
    let count = Rc::clone(&done);
    let task = fake.event_loop.spawn(async move {
        let event_loop = running_loop().unwrap();
        race(busy(&event_loop), operate(&event_loop)).await;
        let others = join_all((0..3).map(|_| async {
            for _ in 0..5 {
                operate(&event_loop).await;
                count.set(count.get() + 1);
            }
        }));
        race(join_all([busy(&event_loop), busy(&event_loop)]), others).await;
    });
    pass(&mut fake);
    // The race is over in the second pass. In each that follows, each of the others operates once.
    for finished in [0, 3, 6, 9, 12, 15] {
        pass(&mut fake);
        assert_eq!(done.get(), finished);
    }
    assert!(task.unwrap().is_finished());
}

thread_local! {
    /// What a [`Polling`] waker polls.
    static POLLED: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = const { RefCell::new(None) };
}

/// A waker that is code of others: it polls where it is called from, so not in a task.
struct Polling;

impl Wake for Polling {
    fn wake(self: Arc<Polling>) {
        let mut future = POLLED.take().expect("nothing wakes it after its end");
        let waker = Waker::from(self);
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            POLLED.set(Some(future));
        }
    }
}

/// Who is no task has a budget as well, and it is as large again in the next pass.
#[test]
fn what_is_polled_by_others_goes_on_in_the_next_pass() {
    let mut fake = FakeLoop::new(Mode::Edge);
    let (handle, count) = (fake.event_loop.clone(), Rc::new(Cell::new(0)));
    let counted = Rc::clone(&count);
    POLLED.set(Some(Box::pin(async move {
        for _ in 0..3 * OPERATIONS_MAX {
            operate(&handle).await;
            counted.set(counted.get() + 1);
        }
    })));
    Waker::from(Arc::new(Polling)).wake();
    for passes in 1..=3 {
        assert_eq!(count.get(), passes * OPERATIONS_MAX);
        pass(&mut fake);
    }
    assert!(POLLED.take().is_none(), "it has come to its end");
}

/// What was told to wait may be given up: no more comes of it than a step in vain.
#[test]
fn an_operation_that_is_told_to_wait_may_be_dropped() {
    let mut fake = FakeLoop::new(Mode::Edge);
    let ended = fake.event_loop.run_until_complete(async {
        let event_loop = running_loop().unwrap();
        for _ in 0..OPERATIONS_MAX {
            operate(&event_loop).await;
        }
        race(operate(&event_loop), async {}).await;
        yield_now().await;
        operate(&event_loop).await;
        event_loop.census().ready
    });
    assert_eq!(ended.unwrap(), 0);
}

/// A closed loop has no next pass to wait for.
#[test]
fn on_a_closed_loop_everybody_may_go_on() {
    let mut event_loop = FakeLoop::new(Mode::Edge).event_loop;
    event_loop.close();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..3 * OPERATIONS_MAX {
        assert!(event_loop.may_go_on(&mut GaveWay::default(), &mut context));
    }
}
