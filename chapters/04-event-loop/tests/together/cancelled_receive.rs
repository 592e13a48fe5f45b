//! A task that is cancelled after its event, and before its turn, has taken nothing (D-22).

use crate::net::{both, passes, tcp_listener, unix_pair};
use chapter_04::{Either, JoinError, race, spawn, yield_now};
use std::net::TcpStream;
use std::rc::Rc;

/// D-22 and TK-09, with bytes. In the pass that follows the send, main is before the reader in the
/// queue, because it had given way before the kernel was asked.
#[test]
fn d_22_bytes_that_arrive_as_their_reader_is_cancelled_stay_in_the_socket() {
    both(async |_| {
        let (near, far) = unix_pair();
        let near = Rc::new(near);
        let reading = Rc::clone(&near);
        let reader = spawn(async move { reading.recv(100).await.unwrap().len() });
        passes(2).await;
        far.send(b"hello").unwrap();
        yield_now().await;
        assert!(!reader.is_finished() && reader.cancel());
        assert_eq!(reader.await, Err(JoinError::Cancelled));
        assert_eq!(&*near.recv(100).await.unwrap(), b"hello");
    });
}

/// D-22 and TK-09, with a client.
#[test]
fn d_22_a_client_that_arrives_as_its_accept_is_cancelled_stays_in_the_queue() {
    both(async |_| {
        let (listener, address) = tcp_listener();
        let listener = Rc::new(listener);
        let accepting = Rc::clone(&listener);
        let acceptor = spawn(async move { accepting.accept().await.unwrap().1 });
        passes(2).await;
        let client = TcpStream::connect(address).unwrap();
        yield_now().await;
        assert!(!acceptor.is_finished() && acceptor.cancel());
        assert_eq!(acceptor.await, Err(JoinError::Cancelled));
        assert_eq!(listener.accept().await.unwrap().1, client.local_addr().unwrap());
    });
}

/// D-22, with a race: whoever loses has taken nothing.
#[test]
fn d_22_a_receive_that_loses_a_race_takes_nothing() {
    both(async |_| {
        let (near, far) = unix_pair();
        let (other, other_far) = unix_pair();
        far.send(b"near").unwrap();
        other_far.send(b"other").unwrap();
        let Either::First(first) = race(near.recv(100), other.recv(100)).await else {
            panic!("the first wins a tie");
        };
        assert_eq!(&*first.unwrap(), b"near");
        assert_eq!(&*other.recv(100).await.unwrap(), b"other");
    });
}
