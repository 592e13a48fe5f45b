//! What the kernel does with plain sockets: the facts that every chapter stands on.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

use conformance::{PATIENCE, TEST_MAX, within};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4};
use std::thread;
use std::time::Duration;

/// Runs a test with a time limit on it.
fn fact(body: impl FnOnce()) {
    within(TEST_MAX, thread::current().name().unwrap_or("a fact"), body);
}

/// SK-01: create, bind, listen, accept. Without the listen, accept is an error and not a wait.
#[test]
fn accept_before_listen_is_an_error() {
    fact(|| {
        let listener = tcp();
        listener.bind(&any_port()).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::InvalidInput);
        listener.listen(1).unwrap();
        let _client = connect(&listener);
        listener.accept().unwrap();
    });
}

/// SK-02: accept gives a new socket and the client's address; the listener goes on.
#[test]
fn accept_gives_a_new_socket_and_the_peer_s_address() {
    fact(|| {
        let listener = listener();
        for _ in 0..2 {
            let client = connect(&listener);
            let (accepted, peer) = listener.accept().unwrap();
            assert_eq!(peer.as_socket(), address(&client));
            assert_eq!(accepted.peer_addr().unwrap().as_socket(), address(&client));
            assert_eq!(address(&accepted), address(&listener));
        }
    });
}

/// SK-03: SO_REUSEADDR, set before bind, gets past TIME_WAIT and not past a listener that lives.
#[test]
fn reuse_address_gets_past_time_wait_and_not_past_a_live_listener() {
    fact(|| {
        let first = tcp();
        first.set_reuse_address(true).unwrap();
        first.bind(&any_port()).unwrap();
        first.listen(1).unwrap();
        let port = first.local_addr().unwrap();
        let prepared_bind = || {
            let socket = tcp();
            socket.set_reuse_address(true)?;
            socket.bind(&port)?;
            socket.listen(1)
        };
        assert_eq!(
            prepared_bind().unwrap_err().kind(),
            ErrorKind::AddrInUse,
            "while the first one listens"
        );

        let mut client = connect(&first);
        let accepted = first.accept().unwrap().0;
        // Who closes first waits. The order is made certain by the client's look at the end of
        // file.
        drop((accepted, first));
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
        drop(client);
        let unprepared = tcp();
        assert_eq!(
            unprepared.bind(&port).unwrap_err().kind(),
            ErrorKind::AddrInUse,
            "in TIME_WAIT"
        );
        prepared_bind().unwrap();
    });
}

/// SK-21: the option counts when bind is called; a program that sets it afterwards has already
/// failed.
#[test]
fn reuse_address_set_after_bind_is_too_late() {
    fact(|| {
        let first = udp();
        first.set_reuse_address(true).unwrap();
        first.bind(&any_port()).unwrap();
        let port = first.local_addr().unwrap();
        let bind_then_set = udp();
        assert_eq!(bind_then_set.bind(&port).unwrap_err().kind(), ErrorKind::AddrInUse);
        let set_then_bind = udp();
        set_then_bind.set_reuse_address(true).unwrap();
        set_then_bind.bind(&port).unwrap();
    });
}

/// SK-04: two sends in one receive, one send in many receives.
#[test]
fn receive_knows_nothing_of_sends() {
    fact(|| {
        let (mut client, mut server) = pair();
        client.write_all(b"two ").unwrap();
        client.write_all(b"sends").unwrap();
        // A receive gives what has arrived by then, so it is made when both have.
        wait_for_arrival(&server, 9);
        let mut buffer = [0; 64];
        assert_eq!(server.read(&mut buffer).unwrap(), 9);
        assert_eq!(&buffer[..9], b"two sends");
        client.write_all(b"ab").unwrap();
        for expected in *b"ab" {
            assert_eq!(server.read(&mut buffer[..1]).unwrap(), 1);
            assert_eq!(buffer[0], expected);
        }
    });
}

/// SK-05: zero bytes mean the end, and go on meaning it.
#[test]
fn end_of_file_is_told_on_every_further_receive() {
    fact(|| {
        let (mut client, server) = pair();
        drop(server);
        for _ in 0..3 {
            assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        }
    });
}

/// SK-06: send takes what there is room for.
#[test]
fn one_send_may_take_a_part_only() {
    fact(|| {
        let (mut client, _server) = pair();
        client.set_nonblocking(true).unwrap();
        let bytes = vec![0; 256 * 1024 * 1024];
        let taken = client.write(&bytes).unwrap();
        assert!(taken > 0 && taken < bytes.len(), "{taken} bytes taken");
    });
}

/// SK-08: in non-blocking mode accept, recv and send answer at once.
#[test]
fn a_non_blocking_socket_says_would_block() {
    fact(|| {
        let listener = listener();
        listener.set_nonblocking(true).unwrap();
        let (mut client, _server) = pair();
        client.set_nonblocking(true).unwrap();
        // A time limit that has run out looks the same, so there is none: a call that sleeps would
        // hang.
        for socket in [&listener, &client] {
            socket.set_read_timeout(None).unwrap();
            socket.set_write_timeout(None).unwrap();
        }
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        let bytes = vec![0; 1024 * 1024];
        let full = (0..1024).find_map(|_| client.write(&bytes).err()).unwrap();
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
    });
}

/// SK-09: on Linux the mode belongs to one socket and is not handed down. (On the BSDs it is.)
#[cfg(target_os = "linux")]
#[test]
fn an_accepted_socket_does_not_inherit_non_blocking_mode() {
    fact(|| {
        let listener = listener();
        let _client = connect(&listener);
        // The mode is set while the client is already in the queue, so that the accept need not be
        // asked twice.
        wait_until_readable(&listener);
        listener.set_nonblocking(true).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert!(fcntl_getfl(&listener).unwrap().contains(OFlags::NONBLOCK));
        assert!(!fcntl_getfl(&accepted).unwrap().contains(OFlags::NONBLOCK));
    });
}

/// SK-14: connections are finished without accept, one more than the backlog on Linux, and given
/// out in order.
#[test]
fn the_backlog_is_accepted_in_order_of_arrival() {
    fact(|| {
        let listener = tcp();
        listener.bind(&any_port()).unwrap();
        let backlog = 4;
        listener.listen(backlog).unwrap();
        let count = if cfg!(target_os = "linux") { backlog + 1 } else { backlog };
        let clients: Vec<_> = (0..count).map(|_| connect(&listener)).collect();
        for client in &clients {
            assert_eq!(listener.accept().unwrap().1.as_socket(), address(client));
        }
    });
}

/// SK-15: input that nobody has read when the socket is closed turns the good-bye into a reset.
#[test]
fn closing_with_unread_input_resets() {
    fact(|| {
        let (mut client, server) = pair();
        client.write_all(b"unread").unwrap();
        wait_for_arrival(&server, 6);
        drop(server);
        assert_is_reset(client);
    });
}

/// SK-15: so does closing with a linger time of zero.
#[test]
fn closing_with_linger_zero_resets() {
    fact(|| {
        let (client, server) = pair();
        server.set_linger(Some(Duration::ZERO)).unwrap();
        drop(server);
        assert_is_reset(client);
    });
}

/// The read tells of the reset, a later write finds a broken pipe, and this process lives to see
/// it: no SIGPIPE.
fn assert_is_reset(mut client: Socket) {
    assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
}

/// SK-15: a write on a connection that was reset, with no read before it, fails too.
#[test]
fn a_write_after_a_reset_fails() {
    fact(|| {
        let (mut client, server) = pair();
        server.set_linger(Some(Duration::ZERO)).unwrap();
        drop(server);
        wait_until_readable(&client);
        let kind = client.write(b"x").unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind:?}");
    });
}

/// SK-16: the other direction stays open.
#[test]
fn shutdown_of_writing_leaves_reading_open() {
    fact(|| {
        let (mut client, mut server) = pair();
        client.write_all(b"last").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"last");
        server.write_all(b"answer").unwrap();
        let mut answer = [0; 6];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"answer");
        assert_eq!(client.write(b"more").unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

/// SK-17: "in progress", then writable, then the verdict in SO_ERROR.
#[test]
fn a_non_blocking_connect_is_announced_by_writability() {
    fact(|| {
        let listener = listener();
        assert!(verdict_on_connecting(&listener.local_addr().unwrap()).is_none());
        let nobody = bound_to_nothing();
        let refused = verdict_on_connecting(&nobody.local_addr().unwrap()).unwrap();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    });
}

fn verdict_on_connecting(to: &SockAddr) -> Option<io::Error> {
    let socket = tcp();
    socket.set_nonblocking(true).unwrap();
    let error = socket.connect(to).unwrap_err();
    assert_eq!(Errno::from_io_error(&error), Some(Errno::INPROGRESS));
    wait_for(&socket, PollFlags::OUT);
    let verdict = socket.take_error().unwrap();
    assert!(socket.take_error().unwrap().is_none(), "the verdict is given once");
    verdict
}

/// SK-18: the port is bound, so that nobody else can come to listen there, and nobody listens.
#[test]
fn connecting_to_a_port_without_a_listener_is_refused() {
    fact(|| {
        let nobody = bound_to_nothing();
        let error = tcp().connect(&nobody.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

/// SK-20: what is set can be read back; sizes are made at least what was asked.
#[test]
fn socket_options_are_read_back() {
    fact(|| {
        let socket = tcp();
        assert!(!socket.reuse_address().unwrap());
        socket.set_reuse_address(true).unwrap();
        assert!(socket.reuse_address().unwrap());
        socket.set_reuse_port(true).unwrap();
        assert!(socket.reuse_port().unwrap());
        socket.set_keepalive(true).unwrap();
        assert!(socket.keepalive().unwrap());
        socket.set_linger(Some(Duration::from_secs(3))).unwrap();
        assert_eq!(socket.linger().unwrap(), Some(Duration::from_secs(3)));
        socket.set_tcp_nodelay(true).unwrap();
        assert!(socket.tcp_nodelay().unwrap());
        let timeout = Some(Duration::from_secs(7));
        socket.set_read_timeout(timeout).unwrap();
        socket.set_write_timeout(timeout).unwrap();
        assert_eq!(
            (socket.read_timeout().unwrap(), socket.write_timeout().unwrap()),
            (timeout, timeout)
        );
        // Linux doubles both to have room for its own bookkeeping.
        socket.set_recv_buffer_size(50_000).unwrap();
        socket.set_send_buffer_size(60_000).unwrap();
        assert!(socket.recv_buffer_size().unwrap() >= 50_000);
        assert!(socket.send_buffer_size().unwrap() >= 60_000);
        let datagrams = udp();
        assert!(!datagrams.broadcast().unwrap());
        datagrams.set_broadcast(true).unwrap();
        assert!(datagrams.broadcast().unwrap());
    });
}

/// SK-22: datagrams for the group arrive once the group is joined.
#[test]
fn joining_a_group_makes_its_datagrams_arrive() {
    fact(|| {
        let group = Ipv4Addr::new(239, 255, 71, 9);
        let mut member = udp();
        member.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()).unwrap();
        let to = SocketAddrV4::new(group, address(&member).unwrap().port());
        let sender = udp();
        sender.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        member.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
        sender.send_to(b"to all", &SockAddr::from(SocketAddr::V4(to))).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(member.read(&mut buffer).unwrap(), 6);
        assert_eq!(&buffer[..6], b"to all");
    });
}

fn tcp() -> Socket {
    with_time_limits(Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap())
}

fn udp() -> Socket {
    with_time_limits(Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap())
}

fn with_time_limits(socket: Socket) -> Socket {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn any_port() -> SockAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()
}

fn listener() -> Socket {
    let listener = bound_to_nothing();
    listener.listen(8).unwrap();
    listener
}

/// A socket that has a port and does not listen.
fn bound_to_nothing() -> Socket {
    let socket = tcp();
    socket.bind(&any_port()).unwrap();
    socket
}

fn connect(listener: &Socket) -> Socket {
    let client = tcp();
    client.connect_timeout(&listener.local_addr().unwrap(), PATIENCE).unwrap();
    client
}

fn pair() -> (Socket, Socket) {
    let listener = listener();
    let client = connect(&listener);
    (client, with_time_limits(listener.accept().unwrap().0))
}

fn address(socket: &Socket) -> Option<SocketAddr> {
    socket.local_addr().unwrap().as_socket()
}

fn wait_until_readable(socket: &Socket) {
    wait_for(socket, PollFlags::IN);
}

fn wait_for(socket: &Socket, flags: PollFlags) {
    let timeout = PATIENCE.try_into().unwrap();
    let mut waiting = [PollFd::new(socket, flags)];
    assert_eq!(poll(&mut waiting, Some(&timeout)).unwrap(), 1, "nothing happened in {PATIENCE:?}");
}

/// Waits until so many bytes can be received.
fn wait_for_arrival(socket: &Socket, count: usize) {
    let mut buffer = vec![std::mem::MaybeUninit::uninit(); count];
    while socket.peek(&mut buffer).unwrap() < count {
        thread::yield_now();
    }
}
