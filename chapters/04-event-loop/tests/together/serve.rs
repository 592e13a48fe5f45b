//! A server that ends: nobody new comes in, and who is there may finish.

use crate::served::{connect, listener};
use chapter_03::SelectorKind;
use chapter_04::{
    AsyncSocket, FutureCell, run_with, running_loop, serve, serve_until, spawn, timeout, yield_now,
};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::Duration;

const BOTH_KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];
/// Longer than any test may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits for a request of one byte, then works until told, then answers with one byte.
async fn answer_late(client: AsyncSocket, begun: FutureCell<()>, go: FutureCell<()>) {
    client.recv(1).await.unwrap();
    begun.set_result(()).unwrap();
    go.await.unwrap();
    client.send_all(b"!").await.unwrap();
}

/// SG-06: after the stop nobody can connect, who waits for an answer gets it, and the server ends as
/// soon as it was given, not at the end of the grace.
#[test]
fn what_is_in_flight_is_finished() {
    for kind in BOTH_KINDS {
        let (socket, address) = listener();
        let mut client = connect(address);
        client.write_all(b"?").unwrap();
        let server = async move {
            let [begun, go, stop] = [(); 3].map(|()| FutureCell::new());
            let (begins, goes) = (begun.clone(), go.clone());
            let handle = move |client, _| answer_late(client, begins.clone(), goes.clone());
            let listener = AsyncSocket::new(socket).unwrap();
            let forever = Duration::from_secs(24 * 3600);
            let server = spawn(serve_until(listener, handle, stop.clone(), forever));
            begun.await.unwrap();
            stop.set_result(()).unwrap();
            // The server has its turn in this pass.
            yield_now().await;
            let refused = TcpStream::connect(address).unwrap_err().kind();
            assert_eq!(refused, ErrorKind::ConnectionRefused);
            assert!(!server.is_finished());
            go.set_result(()).unwrap();
            server.await.unwrap()
        };
        run_with(kind, timeout(LIMIT, server)).unwrap().unwrap().unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "!");
    }
}

/// SG-06: who stays beyond the grace is cancelled, and gone when the server has returned.
#[test]
fn who_does_not_end_in_time_is_cancelled() {
    for kind in BOTH_KINDS {
        let (socket, address) = listener();
        let mut clients = [(); 3].map(|()| connect(address));
        let server = async move {
            let served = Rc::new(Cell::new(0));
            let (all_served, stop) = (Rc::clone(&served), FutureCell::new());
            let stops = stop.clone();
            let handle = move |client: AsyncSocket, _| {
                let (served, stops) = (Rc::clone(&served), stops.clone());
                async move {
                    served.set(served.get() + 1);
                    if served.get() == 3 {
                        stops.set_result(()).unwrap();
                    }
                    pending::<()>().await;
                    drop((client, served));
                }
            };
            let listener = AsyncSocket::new(socket).unwrap();
            serve_until(listener, handle, stop, Duration::ZERO).await.unwrap();
            let census = running_loop().unwrap().census();
            (Rc::strong_count(&all_served), census.sources)
        };
        assert_eq!(run_with(kind, timeout(LIMIT, server)).unwrap(), Ok((1, 0)));
        for client in &mut clients {
            assert_eq!(client.read(&mut [0]).unwrap(), 0);
        }
    }
}

/// LP-16: where the handler fails before there is a task to fail, its client is closed, somebody hears
/// of it, and the next client is served.
#[test]
fn a_handler_that_panics_harms_its_own_client_alone() {
    for kind in BOTH_KINDS {
        let (socket, address) = listener();
        let clients = [(); 2].map(|()| connect(address));
        let server = async move {
            let reports = Rc::new(RefCell::new(Vec::new()));
            let reported = Rc::clone(&reports);
            running_loop().unwrap().set_exception_handler(move |_, context| {
                reported.borrow_mut().push(context.to_string());
            });
            let (count, stop) = (Cell::new(0), FutureCell::new());
            let stops = stop.clone();
            let handle = move |client: AsyncSocket, _| {
                count.set(count.get() + 1);
                assert!(count.get() > 1, "not this one");
                let stops = stops.clone();
                async move {
                    client.send_all(b"!").await.unwrap();
                    stops.set_result(()).unwrap();
                }
            };
            let listener = AsyncSocket::new(socket).unwrap();
            serve_until(listener, handle, stop, LIMIT).await.unwrap();
            reports.take()
        };
        let reports = run_with(kind, timeout(LIMIT, server)).unwrap().unwrap();
        assert_eq!(reports, ["a client could not be served: not this one"]);
        let answers = clients.map(|mut client| {
            let mut answer = String::new();
            client.read_to_string(&mut answer).map(|_| answer).unwrap()
        });
        assert_eq!(answers, ["", "!"]);
    }
}

/// A server that is stopped before it has begun takes nobody.
#[test]
fn a_stop_comes_before_the_next_client() {
    let (socket, address) = listener();
    let _waiting = connect(address);
    let server = async move {
        let listener = AsyncSocket::new(socket).unwrap();
        let handle = |_, _| async { panic!("a client was taken") as () };
        serve_until(listener, handle, async {}, LIMIT).await
    };
    run_with(SelectorKind::default(), server).unwrap().unwrap();
}

/// D-26: the clients' tasks belong to the loop. A server that is dropped leaves them at work.
#[test]
fn clients_outlive_a_server_that_is_dropped() {
    for kind in BOTH_KINDS {
        let (socket, address) = listener();
        let mut client = connect(address);
        client.write_all(b"?").unwrap();
        let main = async move {
            let [begun, go, ended] = [(); 3].map(|()| FutureCell::new());
            let (begins, goes, ends) = (begun.clone(), go.clone(), ended.clone());
            let handle = move |client, _| {
                let answer = answer_late(client, begins.clone(), goes.clone());
                let ends = ends.clone();
                async move {
                    answer.await;
                    ends.set_result(()).unwrap();
                }
            };
            let listener = AsyncSocket::new(socket).unwrap();
            let server = spawn(async move { serve(&listener, handle).await });
            begun.await.unwrap();
            server.cancel();
            server.await.unwrap_err();
            go.set_result(()).unwrap();
            ended.await.unwrap();
            assert_eq!(running_loop().unwrap().census().sources, 0);
        };
        run_with(kind, timeout(LIMIT, main)).unwrap().unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "!");
    }
}
