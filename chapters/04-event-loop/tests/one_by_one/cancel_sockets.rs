//! Operations that are dropped at each step: no byte, no client, no descriptor is lost (D-22, SA-14,
//! SA-22). Descriptors are counted.

use crate::alone::alone;
use crate::cancel::{Moment, dropped_at, moments};
use crate::net::{both, event_loop, register, tcp_listener, tcp_pair, unconnected, unix_pair};
use chapter_04::{spawn, yield_now};
use std::fs;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::AsRawFd;

/// How many descriptors are open, and how many sources are registered.
fn holds() -> (usize, usize) {
    (fs::read_dir("/proc/self/fd").unwrap().count(), event_loop().census().sources)
}

/// Tries a scenario at each moment, until at one the operation is done before it is dropped. Each
/// time it must leave behind what was there before. Gives the moments at which it was dropped.
async fn at_each_moment(scenario: impl AsyncFn(Moment) -> bool) -> Vec<Moment> {
    let mut dropped = Vec::new();
    for moment in moments() {
        let before = holds();
        let is_done = scenario(moment).await;
        assert_eq!(holds(), before, "{moment:?}: descriptors and sources");
        if is_done {
            break;
        }
        dropped.push(moment);
    }
    dropped
}

/// Before the first poll, while it waits, and between the event and the poll.
const ONE_WAIT: [Moment; 3] = [Moment::BeforePoll(0), Moment::AfterPoll(0), Moment::BeforePoll(1)];

/// D-22 (SA-14, SA-22): what a receive that is dropped does not return, the next one does.
#[test]
fn d_22_a_receive_that_is_dropped_loses_no_byte() {
    let _alone = alone();
    both(|_| async {
        let dropped = at_each_moment(async |moment| {
            let (near, far) = tcp_pair();
            let sender = spawn(async move { far.send(b"precious").map(drop) });
            let received = dropped_at(moment, near.recv(3)).await;
            let is_done = received.is_some();
            let mut bytes = received.map_or(Vec::new(), |received| received.unwrap().to_vec());
            while bytes.len() < 8 {
                bytes.extend_from_slice(&near.recv(3).await.unwrap());
            }
            assert_eq!(bytes, b"precious", "{moment:?}");
            sender.await.unwrap().unwrap();
            is_done
        });
        assert_eq!(dropped.await, ONE_WAIT);
    });
}

/// D-02 and D-22 (SA-13, SA-21): a client that a dropped accept does not return stays in the
/// kernel's queue, for the next one.
#[test]
fn d_22_an_accept_that_is_dropped_loses_no_client() {
    let _alone = alone();
    both(|_| async {
        let dropped = at_each_moment(async |moment| {
            let (listener, address) = tcp_listener();
            let client = spawn(async move { Some(TcpStream::connect(address).unwrap()) });
            let accepted = dropped_at(moment, listener.accept()).await;
            let is_done = accepted.is_some();
            let (_, peer) = match accepted {
                Some(accepted) => accepted.unwrap(),
                None => listener.accept().await.unwrap(),
            };
            let client = client.await.unwrap().unwrap();
            assert_eq!(peer, client.local_addr().unwrap(), "{moment:?}");
            is_done
        });
        assert_eq!(dropped.await, ONE_WAIT);
    });
}

/// D-22 (SA-06, SA-21): a send that is dropped has sent a beginning of its bytes, and the next one
/// follows it.
#[test]
fn d_22_a_send_that_is_dropped_has_sent_a_beginning() {
    let _alone = alone();
    both(|_| async {
        let message: Vec<u8> = (0..1_000_000_u32).map(|number| (number / 5) as u8).collect();
        let dropped = at_each_moment(async |moment| {
            let (near, far) = unix_pair();
            let far = register(far);
            let receiver = spawn(async move {
                let mut bytes = Vec::new();
                loop {
                    let received = far.recv(50_000).await.unwrap();
                    if received.is_empty() {
                        return bytes;
                    }
                    bytes.extend_from_slice(&received);
                    yield_now().await;
                }
            });
            let is_done = dropped_at(moment, near.send_all(&message)).await.is_some();
            near.send_all(b"the end").await.unwrap();
            drop(near);
            let received = receiver.await.unwrap();
            let begin = received.strip_suffix(b"the end").unwrap();
            assert!(message.starts_with(begin), "{moment:?}");
            assert!(!is_done || begin.len() == message.len());
            is_done
        });
        let dropped = dropped.await;
        assert!(dropped.len() > 4, "the kernel has taken it in too few parts: {dropped:?}");
    });
}

/// D-22 (SA-21): a connect that is dropped goes on in the kernel; another one joins it. Or else the
/// socket is dropped, and nothing is left.
#[test]
fn d_22_a_connect_that_is_dropped_can_be_taken_up_again() {
    let _alone = alone();
    both(|_| async {
        let (listener, address) = tcp_listener();
        let dropped = at_each_moment(async |moment| {
            let given_up = unconnected(address);
            drop(dropped_at(moment, given_up.connect(address)).await);
            drop(given_up);

            let socket = unconnected(address);
            let connected = dropped_at(moment, socket.connect(address)).await;
            let is_done = connected.is_some();
            match connected {
                Some(connected) => connected.unwrap(),
                None => socket.connect(address).await.unwrap(),
            }
            socket.send_all(b"hello").await.unwrap();
            // The client that was given up may be in the queue, too.
            loop {
                let (client, peer) = listener.accept().await.unwrap();
                if peer == socket.as_socket().local_addr().unwrap().as_socket().unwrap() {
                    assert_eq!(&*client.recv(10).await.unwrap(), b"hello");
                    return is_done;
                }
            }
        });
        assert_eq!(dropped.await, ONE_WAIT);
    });
}

/// D-22 (SA-14, SA-20): the same for datagrams, of which two are there.
#[test]
fn d_22_a_receive_that_is_dropped_loses_no_datagram() {
    let _alone = alone();
    both(|_| async {
        let dropped = at_each_moment(async |moment| {
            let [near, far] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
            let (sender, address) = (far.local_addr().unwrap(), near.local_addr().unwrap());
            let near = register(near);
            let sent = spawn(async move {
                far.send_to(b"first", address).unwrap();
                far.send_to(b"second", address).unwrap();
            });
            let received = dropped_at(moment, near.recv_from(100)).await;
            let is_done = received.is_some();
            let mut datagrams = Vec::new();
            if let Some(received) = received {
                datagrams.push(received.unwrap());
            }
            while datagrams.len() < 2 {
                datagrams.push(near.recv_from(100).await.unwrap());
            }
            assert_eq!(&*datagrams[0].0, b"first", "{moment:?}");
            assert_eq!(&*datagrams[1].0, b"second", "{moment:?}");
            assert!(datagrams.iter().all(|(_, from)| from.as_socket() == Some(sender)));
            sent.await.unwrap();
            is_done
        });
        assert_eq!(dropped.await, ONE_WAIT);
    });
}

/// D-04 (SA-21, SE-12): an operation is dropped and its socket closed, in the same turn. The next
/// socket has the descriptor's number, and is reported.
#[test]
fn d_04_the_number_of_a_closed_socket_is_safe_to_reuse() {
    let _alone = alone();
    both(|_| async {
        let dropped = at_each_moment(async |moment| {
            let (near, far) = unix_pair();
            let number = near.as_socket().as_raw_fd();
            let sender = spawn(async move { far.send(b"old").map(|_| ()) });
            let is_done = dropped_at(moment, near.recv(10)).await.is_some();
            drop(near);
            let (near, far) = unix_pair();
            assert_eq!(near.as_socket().as_raw_fd(), number, "{moment:?}");
            assert!(dropped_at(Moment::AfterPoll(0), near.recv(10)).await.is_none());
            far.send(b"new").unwrap();
            assert_eq!(&*near.recv(10).await.unwrap(), b"new", "{moment:?}");
            drop(sender.await);
            is_done
        });
        assert_eq!(dropped.await, ONE_WAIT);
    });
}
