//! Sockets of a loop over the real kernel, with both selectors.

use crate::cancel::{Moment, dropped_at};
use crate::net::{
    self, both, drain, event_loop, fill, kind, passes, register, reset, tcp_listener, tcp_pair,
    unix_pair,
};
use chapter_03::SelectorKind;
use chapter_04::{
    AsyncSocket, EventLoop, OPERATIONS_MAX, run, spawn, timeout, try_join_all, yield_now,
};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use socket2::{Domain, Socket, Type};
use std::cell::Cell;
use std::fs;
use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::path::Path;
use std::rc::Rc;

/// SA-01 and SA-04: what is there is given at once, at most as much as was asked for; then the end
/// of file, each time.
#[test]
fn a_receive_gives_what_is_there_and_then_the_end() {
    both(|_| async {
        let (near, far) = tcp_pair();
        far.send(b"hello").unwrap();
        assert_eq!(&*near.recv(2).await.unwrap(), b"he");
        assert_eq!(&*near.recv(100).await.unwrap(), b"llo");
        far.send(b"!").unwrap();
        drop(far);
        assert_eq!(&*near.recv(100).await.unwrap(), b"!");
        for _ in 0..3 {
            assert_eq!(&*near.recv(100).await.unwrap(), b"");
        }
    });
}

/// SA-04: the same when data and end of file come together, while the receiver waits.
#[test]
fn an_end_that_comes_with_data_is_not_missed() {
    both(|_| async {
        let (near, far) = tcp_pair();
        let receiver = spawn(async move {
            let (first, second) = (near.recv(100).await?.to_vec(), near.recv(100).await?.to_vec());
            io::Result::Ok((first, second))
        });
        passes(2).await;
        far.send(b"last words").unwrap();
        drop(far);
        assert_eq!(receiver.await.unwrap().unwrap(), (b"last words".to_vec(), Vec::new()));
    });
}

/// SA-01 and SA-02: an operation that need not wait does not let others run; one that must does.
#[test]
fn only_an_operation_that_has_to_wait_gives_way() {
    both(|_| async {
        let (near, far) = unix_pair();
        let turns = Rc::new(Cell::new(0));
        let counted = Rc::clone(&turns);
        let other = spawn(async move {
            for turn in 1..=5 {
                counted.set(turn);
                yield_now().await;
            }
            far.send(b"second").unwrap();
            Some(far)
        });
        near.send_all(b"out").await.unwrap();
        near.send_all(b"").await.unwrap();
        assert_eq!(turns.get(), 0);
        assert_eq!(&*near.recv(10).await.unwrap(), b"second");
        assert_eq!(turns.get(), 5);
        drain(&other.await.unwrap().unwrap(), 3);
    });
}

/// SA-04: over a Unix stream, a receive stops behind bytes that a descriptor was sent with, although
/// more are there. The next receive gives them, and does not wait for a report that never comes.
#[test]
fn a_receive_goes_on_behind_bytes_that_a_descriptor_came_with() {
    both(|_| async {
        let (near, far) = unix_pair();
        for _ in 0..2 {
            send_with_a_descriptor(&far, b"abc");
            far.send(b"def").unwrap();
            // By now the kernel has reported all of it.
            passes(3).await;
            assert_eq!(&*near.recv(100).await.unwrap(), b"abc");
            assert_eq!(&*near.recv(100).await.unwrap(), b"def");
        }
    });
}

fn send_with_a_descriptor(far: &Socket, bytes: &[u8]) {
    let descriptors = [far.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    sendmsg(far, &[IoSlice::new(bytes)], &mut control, SendFlags::empty()).unwrap();
}

/// SA-05: the caller's buffer is filled, and the rest of it left alone.
#[test]
fn a_receive_into_a_buffer_gives_the_count() {
    both(|_| async {
        let (near, far) = unix_pair();
        let mut buffer = *b"........";
        far.send(b"abc").unwrap();
        assert_eq!(near.recv_into(&mut buffer).await.unwrap(), 3);
        assert_eq!(&buffer, b"abc.....");
        drop(far);
        assert_eq!(near.recv_into(&mut buffer).await.unwrap(), 0);
    });
}

/// SA-06: a send goes on after each part that the kernel takes, while the loop turns.
#[test]
fn a_send_ends_when_everything_is_sent() {
    both(|_| async {
        let (near, far) = tcp_pair();
        let bytes: Vec<u8> = (0..8_000_000_u32).map(|number| (number >> 8) as u8).collect();
        let expected = bytes.clone();
        let sender = spawn(async move { near.send_all(&bytes).await });
        passes(3).await;
        assert!(!sender.is_finished(), "no kernel takes eight million bytes at once");
        let reader = std::thread::spawn(move || drain(&far, expected.len()) == expected);
        sender.await.unwrap().unwrap();
        assert!(reader.join().unwrap());
    });
}

/// SA-08: what accept gives does not block, is usable, and comes with its address.
#[test]
fn accept_gives_a_socket_that_does_not_block_and_the_address() {
    both(|_| async {
        let (listener, address) = tcp_listener();
        let clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        for client in clients {
            let (socket, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
            assert!(socket.as_socket().nonblocking().unwrap());
            socket.send_all(b"hello").await.unwrap();
            assert_eq!(drain(&client.into(), 5), b"hello");
        }
        let waiting = spawn(async move { listener.accept().await.map(|(_, peer)| peer) });
        passes(3).await;
        let client = TcpStream::connect(address).unwrap();
        assert_eq!(waiting.await.unwrap().unwrap(), client.local_addr().unwrap());
    });
}

/// D-01 (SA-02, SA-09): a loop around accept gives way after so many clients, also if more wait; and
/// one around a receive or a send does.
#[test]
fn d_01_a_loop_of_operations_that_never_wait_gives_way() {
    both(|_| async {
        let (listener, address) = tcp_listener();
        let wanted = 3 * OPERATIONS_MAX;
        let _clients: Vec<_> = (0..wanted).map(|_| TcpStream::connect(address).unwrap()).collect();
        let accepted = Rc::new(Cell::new(0));
        let counted = Rc::clone(&accepted);
        let acceptor = spawn(async move {
            while counted.get() < wanted {
                listener.accept().await.unwrap();
                counted.set(counted.get() + 1);
            }
        });
        while !acceptor.is_finished() {
            let before = accepted.get();
            passes(1).await;
            assert!(accepted.get() - before <= OPERATIONS_MAX);
        }

        let (near, far) = unix_pair();
        let far = register(far);
        let rounds = Rc::new(Cell::new(0));
        let counted = Rc::clone(&rounds);
        let talker = spawn(async move {
            while counted.get() < OPERATIONS_MAX {
                near.send_all(b"x").await.unwrap();
                assert_eq!(far.recv(1).await.unwrap().len(), 1);
                counted.set(counted.get() + 1);
            }
        });
        passes(1).await;
        assert_eq!(rounds.get(), OPERATIONS_MAX / 2);
        talker.await.unwrap();
    });
}

/// D-03 (SA-15): two tasks that wait to receive from the same socket are both served.
#[test]
fn d_03_two_receivers_of_one_socket_are_both_served() {
    both(|_| async {
        let (near, far) = unix_pair();
        let near = Rc::new(near);
        let receive = |near: Rc<AsyncSocket>| async move { near.recv(1).await.map(|b| b.to_vec()) };
        let receivers = [spawn(receive(near.clone())), spawn(receive(near.clone()))];
        passes(2).await;
        far.send(b"a").unwrap();
        passes(3).await;
        assert_eq!(receivers.iter().filter(|receiver| receiver.is_finished()).count(), 1);
        far.send(b"b").unwrap();
        let mut got = Vec::new();
        for receiver in receivers {
            got.push(receiver.await.unwrap().unwrap());
        }
        got.sort();
        assert_eq!(got, [b"a", b"b"]);
        // And both at once, from one report.
        let receivers = [spawn(receive(near.clone())), spawn(receive(near))];
        passes(2).await;
        far.send(b"cd").unwrap();
        for receiver in receivers {
            assert_eq!(receiver.await.unwrap().unwrap().len(), 1);
        }
    });
}

/// D-03: the same for accept.
#[test]
fn d_03_two_acceptors_of_one_socket_are_both_served() {
    both(|_| async {
        let (listener, address) = tcp_listener();
        let listener = Rc::new(listener);
        let acceptors = [(); 2].map(|()| {
            let listener = Rc::clone(&listener);
            spawn(async move { listener.accept().await.map(|(_, peer)| peer) })
        });
        passes(2).await;
        let clients = [(); 2].map(|()| TcpStream::connect(address).unwrap());
        let mut peers = Vec::new();
        for acceptor in acceptors {
            peers.push(acceptor.await.unwrap().unwrap());
        }
        assert!(clients.iter().all(|client| peers.contains(&client.local_addr().unwrap())));
    });
}

/// D-03: the same for send, and a receiver waits for the same socket.
#[test]
fn d_03_two_senders_and_a_receiver_of_one_socket_are_all_served() {
    both(|_| async {
        let (near, far) = unix_pair();
        let near = Rc::new(near);
        let full = fill(near.as_socket());
        let senders = [b"a", b"b"].map(|byte| {
            let near = Rc::clone(&near);
            spawn(async move { near.send_all(byte).await })
        });
        let receiver = Rc::clone(&near);
        let receiver = spawn(async move { receiver.recv(10).await.map(|bytes| bytes.to_vec()) });
        passes(3).await;
        assert!(senders.iter().all(|sender| !sender.is_finished()));
        drain(&far, full);
        try_join_all(senders).await.unwrap().into_iter().for_each(|sent| sent.unwrap());
        assert_eq!(drain(&far, 2).len(), 2);
        far.send(b"c").unwrap();
        assert_eq!(receiver.await.unwrap().unwrap(), b"c");
    });
}

/// SA-19: a send to a peer that has reset the connection is an error, and no signal ends the
/// process.
#[test]
fn a_send_to_a_reset_peer_is_an_error() {
    both(|_| async {
        let (near, far) = tcp_pair();
        reset(far);
        let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        let received = kind(near.recv(1).await.map(drop));
        assert_eq!(received, Err(ErrorKind::ConnectionReset));
        for _ in 0..2 {
            let sent = kind(near.send_all(&[0; 1000]).await);
            assert!(gone.contains(&sent.unwrap_err()));
        }
        // While the sender waits for room.
        let (near, far) = tcp_pair();
        fill(near.as_socket());
        let sender = spawn(async move { near.send_all(&[0; 1000]).await });
        passes(3).await;
        reset(far);
        assert!(gone.contains(&kind(sender.await.unwrap()).unwrap_err()));
    });
}

/// SA-18: one call on a blocking socket would stop the whole loop.
#[test]
fn a_blocking_socket_is_refused() {
    both(|_| async {
        let (near, mut far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
        let refused = AsyncSocket::new(near).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        assert!(refused.to_string().contains("set_nonblocking(true)"), "{refused}");
        assert_eq!(event_loop().census().sources, 0);
        // It is closed.
        assert_eq!(io::Read::read(&mut far, &mut [0]).unwrap(), 0);
    });
}

/// SA-16 and SA-17 are types here. Only a plain socket becomes one of a loop, and to do so it is
/// given away: whoever wraps it, for TLS or as a transport, is its one owner. Where a second
/// descriptor of the same socket is smuggled in, it is a source of its own.
#[test]
fn a_socket_is_given_to_one_owner() {
    let _only_sockets_by_value: fn(Socket) -> io::Result<AsyncSocket> = AsyncSocket::new;
    both(|_| async {
        let (near, far) = unix_pair();
        let twin = register(near.as_socket().try_clone().unwrap());
        let waiting = spawn(async move { near.recv(1).await.map(|bytes| bytes.to_vec()) });
        passes(2).await;
        far.send(b"12").unwrap();
        assert_eq!(&*twin.recv(1).await.unwrap(), b"1");
        drop(twin);
        assert_eq!(waiting.await.unwrap().unwrap(), b"2");
    });
}

/// SA-12: the task is woken although nothing is left for it, and goes on waiting.
#[test]
fn a_receiver_that_comes_too_late_goes_on_waiting() {
    both(|_| async {
        let (near, far) = unix_pair();
        let near = Rc::new(near);
        let receiver = Rc::clone(&near);
        let receiver = spawn(async move { receiver.recv(10).await.map(|bytes| bytes.to_vec()) });
        passes(2).await;
        for _ in 0..3 {
            far.send(b"stolen").unwrap();
            drain(near.as_socket(), 6);
            near.as_socket().set_nonblocking(true).unwrap();
            passes(3).await;
            assert!(!receiver.is_finished());
        }
        far.send(b"x").unwrap();
        assert_eq!(receiver.await.unwrap().unwrap(), b"x");
    });
}

/// SA-03: a peer that has hung up is not reported over and over while nobody waits for its socket.
#[test]
fn a_peer_that_has_hung_up_does_not_keep_the_loop_awake() {
    both(|_| async {
        let (near, far) = tcp_pair();
        let waiting = dropped_at(Moment::AfterPoll(0), near.recv(1));
        assert!(waiting.await.is_none());
        reset(far);
        passes(5).await;
        // `PID/task/TID`, which other threads can use, too.
        let state =
            Path::new("/proc").join(fs::read_link("/proc/thread-self").unwrap()).join("stat");
        // Between two reports that come over and over, it would be found awake.
        let falls_asleep = move || while !(0..100).all(|_| is_asleep(&state)) {};
        event_loop().run_in_executor(falls_asleep).unwrap().await.unwrap();
    });
}

/// Whether a thread waits in the kernel: `proc_pid_stat(5)`.
fn is_asleep(state: &Path) -> bool {
    fs::read_to_string(state).unwrap().rsplit(") ").next().unwrap().starts_with('S')
}

/// A socket may outlive its loop. An operation that would have to wait is an error then, and no
/// other one is affected, however many there are.
#[test]
fn a_socket_outlives_its_loop() {
    for selector in [SelectorKind::Mio, SelectorKind::Polling] {
        let mut first = EventLoop::with_selector(selector).unwrap();
        let (near, far) = first.run_until_complete(async { unix_pair() }).unwrap();
        drop(first);
        let outlived = async move {
            far.send(b"x").unwrap();
            assert_eq!(&*near.recv(10).await.unwrap(), b"x");
            assert_eq!(kind(near.recv(10).await.map(drop)), Err(ErrorKind::NotConnected));
            for _ in 0..2 * OPERATIONS_MAX {
                near.send_all(b"y").await.unwrap();
            }
            drain(&far, 2 * OPERATIONS_MAX as usize);
            fill(near.as_socket());
            assert_eq!(kind(near.send_all(b"z").await), Err(ErrorKind::NotConnected));
        };
        assert_eq!(run(timeout(net::LIMIT, outlived)).unwrap(), Ok(()));
    }
}
