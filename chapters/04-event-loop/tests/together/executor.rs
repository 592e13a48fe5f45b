//! Calls that block, and names, on threads beside the loop.

use crate::net::{LIMIT, both, event_loop, passes};
use chapter_04::{
    EventLoop, Family, Job, JobError, LOOKUPS_MAX, Pool, ResolveError, Resolver, run, spawn,
    timeout, try_join_all,
};
use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// A call that blocks until the test lets it go on. To drop the sender does that, too.
fn gate() -> (Sender<()>, impl FnOnce() + Send + 'static) {
    let (open, is_open) = mpsc::channel();
    let wait = move || {
        let _ = is_open.recv();
    };
    (open, wait)
}

/// Has a thread of the loop's pool run a function, and waits until it has begun.
fn begun<T: Send + 'static>(function: impl FnOnce() -> T + Send + 'static) -> Job<T> {
    let (begins, begun) = mpsc::channel();
    let job = event_loop().run_in_executor(move || {
        begins.send(()).unwrap();
        function()
    });
    begun.recv_timeout(LIMIT).unwrap();
    job.unwrap()
}

/// Blocks every thread of the loop's pool, until what is returned is dropped.
fn saturate() -> Vec<Sender<()>> {
    let gates = (0..Pool::executor_threads_max()).map(|_| {
        let (open, wait) = gate();
        spawn(begun(wait)).detach();
        open
    });
    gates.collect()
}

/// A resolver that answers with these addresses, by the host's name, and writes down who asked.
fn resolver(asked: &Arc<Mutex<Vec<(String, ThreadId)>>>) -> Resolver {
    let asked = Arc::clone(asked);
    Resolver::with_lookup(move |host, port| {
        asked.lock().unwrap().push((host.to_owned(), thread::current().id()));
        let ips: &[&str] = match host {
            "two" => &["10.0.0.2", "::2", "10.0.0.1"],
            "nothing" => &[],
            _ => return Err(io::Error::new(ErrorKind::NotFound, "no such name")),
        };
        Ok(ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect())
    })
}

/// XR-01: the value of a function, or its panic; the loop turns while it runs.
#[test]
fn a_function_runs_beside_the_loop() {
    both(|_| async {
        let (open, wait) = gate();
        let home = thread::current().id();
        let job = event_loop().run_in_executor(move || {
            wait();
            (7, thread::current().id() != home)
        });
        passes(5).await;
        drop(open);
        assert_eq!(job.unwrap().await.unwrap(), (7, true));
        let fails = event_loop().run_in_executor(|| -> u8 { panic!("out of order") });
        let failed = fails.unwrap().await.unwrap_err();
        assert!(matches!(&failed, JobError::Panicked(message) if message == "out of order"));
    });
}

/// XR-02: the pool is there once, and has as many threads as asyncio's at most.
#[test]
fn the_pool_is_reused_and_bounded() {
    both(|_| async {
        let threads = Arc::new(Mutex::new(HashSet::new()));
        let note = |threads: &Arc<Mutex<HashSet<String>>>| {
            let threads = Arc::clone(threads);
            let job = event_loop().run_in_executor(move || {
                let name = thread::current().name().unwrap().to_owned();
                threads.lock().unwrap().insert(name);
            });
            job.unwrap()
        };
        for _ in 0..10 {
            note(&threads).await.unwrap();
        }
        assert_eq!(threads.lock().unwrap().len(), 1, "one is enough for one job after the other");
        try_join_all((0..500).map(|_| note(&threads))).await.unwrap();
        let threads = threads.lock().unwrap();
        assert!(threads.len() <= Pool::executor_threads_max());
        assert!(threads.iter().all(|name| name.starts_with("executor-")));
    });
}

/// XR-03: a function that runs is not stopped with its awaiter; what becomes of it is nobody's
/// business.
#[test]
fn a_function_that_runs_outlives_its_awaiter() {
    both(|_| async {
        let reports = Rc::new(RefCell::new(Vec::new()));
        let written = Rc::clone(&reports);
        event_loop().set_exception_handler(move |_, context| {
            written.borrow_mut().push(context.to_string());
        });
        let (open, wait) = gate();
        let (done, is_done) = mpsc::channel();
        let job = begun(move || {
            wait();
            done.send(()).unwrap();
            io::Result::<()>::Err(ErrorKind::Other.into())
        });
        assert!(timeout(Duration::ZERO, job).await.is_err());
        drop(open);
        is_done.recv_timeout(LIMIT).unwrap();
        event_loop().shutdown_default_executor().await;
        passes(2).await;
        assert!(reports.borrow().is_empty(), "{reports:?}");
    });
}

/// XR-10: a job that waits for a thread when its awaiter leaves never runs.
#[test]
fn a_queued_job_is_withdrawn_with_its_awaiter() {
    both(|_| async {
        let gates = saturate();
        let (ran, has_run) = mpsc::channel();
        let queued = event_loop().run_in_executor(move || ran.send(()));
        let behind = event_loop().run_in_executor(|| 7).unwrap();
        drop(queued);
        assert_eq!(has_run.try_recv(), Err(mpsc::TryRecvError::Disconnected), "it is freed");
        drop(gates);
        assert_eq!(behind.await.unwrap(), 7);
    });
}

/// XR-04: jobs are refused after the pool was shut down, and by a loop that is closed.
#[test]
fn a_closed_pool_refuses_jobs_and_says_so() {
    both(|_| async {
        event_loop().run_in_executor(|| ()).unwrap().await.unwrap();
        event_loop().shutdown_default_executor().await;
        let refused = event_loop().run_in_executor(|| ()).unwrap_err().to_string();
        assert!(refused.contains("\"executor\" is closed"), "{refused}");
    });
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.clone();
    drop(event_loop);
    assert!(matches!(handle.run_in_executor(|| ()), Err(JobError::Closed("executor"))));
    let looked_up = run(async move { handle.getaddrinfo("host", 1, Family::Any).await }).unwrap();
    assert!(matches!(looked_up, Err(ResolveError::Stopped(..))), "{looked_up:?}");
}

/// XR-05: the shutdown waits for what runs and what is queued, while the loop turns, and as long as
/// one likes.
#[test]
fn a_shutdown_waits_for_the_jobs_and_not_the_loop() {
    both(|_| async {
        let gates = saturate();
        let queued = event_loop().run_in_executor(|| 7).unwrap();
        let event_loop = event_loop();
        let shutdown = timeout(Duration::ZERO, event_loop.shutdown_default_executor());
        assert!(shutdown.await.is_err());
        drop(gates);
        event_loop.shutdown_default_executor().await;
        assert_eq!(queued.await.unwrap(), 7);
    });
}

/// RN-01 (XR-05): a run does not end in the middle of a job.
#[test]
fn a_run_ends_after_the_jobs() {
    let (open, wait) = gate();
    let (done, is_done) = mpsc::channel();
    run(async move {
        let job = begun(move || {
            wait();
            done.send(()).unwrap();
        });
        spawn(job).detach();
        // The job goes on when the main task is done.
        event_loop().call_soon(|| drop(open)).unwrap();
    })
    .unwrap();
    assert_eq!(is_done.try_recv(), Ok(()));
}

/// XR-06: a name is looked up beside the loop, and the order of the answer is kept; a family takes
/// its part of it.
#[test]
fn a_name_is_looked_up_beside_the_loop() {
    both(|_| async {
        let asked = Arc::default();
        event_loop().set_resolver(resolver(&asked));
        let ips = async |family| -> Vec<String> {
            let found = event_loop().getaddrinfo("two", 80, family).await.unwrap();
            assert!(found.iter().all(|address| address.port() == 80));
            found.iter().map(|address| address.ip().to_string()).collect()
        };
        assert_eq!(ips(Family::Any).await, ["10.0.0.2", "::2", "10.0.0.1"]);
        assert_eq!(ips(Family::V4).await, ["10.0.0.2", "10.0.0.1"]);
        assert_eq!(ips(Family::V6).await, ["::2"]);
        let asked = asked.lock().unwrap();
        assert!(asked.iter().all(|(_, thread)| *thread != thread::current().id()));
    });
}

/// XR-06: the system's own answer.
#[test]
fn the_system_knows_this_machine() {
    both(|_| async {
        let found = event_loop().getaddrinfo("localhost", 80, Family::Any).await.unwrap();
        assert!(found.iter().map(SocketAddr::ip).all(|ip: IpAddr| ip.is_loopback()));
    });
}

/// XR-07: a numeric address is its own and only answer, and nobody is asked; with a zone index it is
/// for the system to say.
#[test]
fn a_numeric_address_is_not_looked_up() {
    both(|_| async {
        let asked = Arc::default();
        event_loop().set_resolver(resolver(&asked));
        for host in ["127.0.0.1", "::1"] {
            let found = event_loop().getaddrinfo(host, 80, Family::Any).await.unwrap();
            assert_eq!(found, [SocketAddr::new(host.parse().unwrap(), 80)]);
        }
        assert!(asked.lock().unwrap().is_empty());
        assert!(event_loop().getaddrinfo("fe80::1%lo", 80, Family::Any).await.is_err());
        assert_eq!(asked.lock().unwrap().len(), 1);
    });
}

/// XR-08: a name that nobody knows is the resolver's own error; one without an address is another.
#[test]
fn a_name_without_an_address_is_an_error() {
    both(|_| async {
        event_loop().set_resolver(resolver(&Arc::default()));
        let unknown = event_loop().getaddrinfo("who", 80, Family::Any).await.unwrap_err();
        assert!(matches!(&unknown, ResolveError::Unknown(host, _) if host == "who"));
        assert!(unknown.to_string().contains("no such name"), "{unknown}");
        let empty = event_loop().getaddrinfo("nothing", 80, Family::Any).await.unwrap_err();
        assert!(empty.to_string().contains("getaddrinfo() returned empty list"), "{empty}");
        let io_error = io::Error::from(empty);
        assert_eq!(io_error.kind(), ErrorKind::AddrNotAvailable);
    });
}

/// D-24 (XR-09): names are looked up although every thread of the executor is taken.
#[test]
fn d_24_a_saturated_executor_does_not_delay_a_look_up() {
    both(|_| async {
        let gates = saturate();
        event_loop().set_resolver(resolver(&Arc::default()));
        let found = event_loop().getaddrinfo("two", 80, Family::Any).await.unwrap();
        assert_eq!(found.len(), 3);
        drop(gates);
    });
}

/// D-24: a name server that never answers delays neither jobs nor the end of the run; under a time
/// limit the look-up itself ends in time.
#[test]
fn d_24_a_look_up_that_stalls_does_not_delay_the_end() {
    let (silence, never) = mpsc::channel::<()>();
    let never = Mutex::new(never);
    run(async move {
        event_loop().set_resolver(Resolver::with_lookup(move |_, _| stall(&never)));
        let lookups = (0..=LOOKUPS_MAX).map(|_| event_loop());
        for handle in lookups {
            let lookup = async move { handle.getaddrinfo("host", 80, Family::Any).await };
            spawn(lookup).detach();
        }
        let lookup = event_loop();
        let lookup = lookup.getaddrinfo("host", 80, Family::Any);
        assert!(timeout(Duration::ZERO, lookup).await.is_err());
        assert_eq!(event_loop().run_in_executor(|| 7).unwrap().await.unwrap(), 7);
    })
    .unwrap();
    // The run has ended, and the look-ups have not.
    drop(silence);
}

fn stall(never: &Mutex<Receiver<()>>) -> io::Result<Vec<SocketAddr>> {
    let _ = never.lock().unwrap().recv();
    Err(ErrorKind::TimedOut.into())
}
