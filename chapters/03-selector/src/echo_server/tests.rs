//! The server over a back end and sockets that do as the test says.

use super::*;
use crate::backend::Mode;
use crate::fake::{Call, FakeBackend};
use chapter_01::EchoBytes;
use chapter_02::OUTBOX_MAX;
use chapter_02::fake::FakeSocket;
use rustix::io::Errno;
use std::io::ErrorKind;

const LISTENER: usize = 0;
const READABLE: Readiness = Readiness::READABLE;

type Server = EchoServer<FakeSocket, EchoBytes, fn() -> EchoBytes>;

fn server(mode: Mode, listener: FakeSocket) -> (Server, FakeBackend) {
    let backend = FakeBackend::new(mode);
    let selector = Selector::with_backend(Box::new(backend.clone()));
    (
        EchoServer::with_selector(selector, listener, (|| EchoBytes) as _, Log::Quiet).unwrap(),
        backend,
    )
}

/// A server that has accepted `clients`; client k is source k + 1.
fn server_with(mode: Mode, clients: &[&FakeSocket]) -> (Server, FakeBackend) {
    let listener = FakeSocket::new().accepts(clients.iter().map(|client| Ok((*client).clone())));
    let (mut server, backend) = server(mode, listener);
    backend.report([(LISTENER, READABLE)]);
    server.pass().unwrap();
    assert_eq!(server.clients(), clients.len());
    backend.take_calls();
    (server, backend)
}

fn pass(server: &mut Server, backend: &FakeBackend, events: &[(usize, Readiness)]) -> Vec<Call> {
    backend.report(events.iter().copied());
    server.pass().unwrap();
    backend.take_calls()
}

fn repeat(byte: u8, count: usize) -> Result<Vec<u8>, ErrorKind> {
    Ok(vec![byte; count])
}

/// D-01: a crowd at the door does not keep those inside from being served.
#[test]
fn d_01_accepts_come_in_batches_with_a_turn_for_the_clients_between() {
    let first = FakeSocket::new().receives([Ok("hi")]);
    let crowd = (0..ACCEPT_BUDGET + 10).map(|_| Ok(FakeSocket::new()));
    let (mut server, backend) =
        server(Mode::Edge, FakeSocket::new().accepts([Ok(first.clone())]).accepts(crowd));
    pass(&mut server, &backend, &[(LISTENER, READABLE)]);
    assert_eq!(server.clients(), ACCEPT_BUDGET);
    // No second report of the listener comes, nor is it waited for.
    let calls = pass(&mut server, &backend, &[(1, READABLE)]);
    assert_eq!(calls[0], Call::Wait(Some(Duration::ZERO)));
    assert_eq!((first.sent(), server.clients()), (b"hi".to_vec(), ACCEPT_BUDGET + 11));
    assert_eq!(pass(&mut server, &backend, &[(1, READABLE)]), [Call::Wait(None)]);
}

/// What one client sends without end leaves every other one its turn.
#[test]
fn a_flood_is_served_one_receive_a_pass() {
    let flood = FakeSocket::new().receives([repeat(b'F', 3 * RECEIVE_MAX)]);
    let other = FakeSocket::new().receives([Ok("hi")]);
    let (mut server, backend) = server_with(Mode::Edge, &[&flood, &other]);
    pass(&mut server, &backend, &[(1, READABLE), (2, READABLE)]);
    assert_eq!((flood.sent().len(), other.sent().len()), (RECEIVE_MAX, 2));
    // The flag remembers the flood; it is not reported again.
    for received in [2, 3] {
        assert_eq!(pass(&mut server, &backend, &[]), [Call::Wait(Some(Duration::ZERO))]);
        assert_eq!(flood.sent().len(), received * RECEIVE_MAX);
    }
    pass(&mut server, &backend, &[]);
    assert_eq!(pass(&mut server, &backend, &[(2, READABLE)]), [Call::Wait(None)]);
}

/// A level-triggered kernel reports the flood again in each pass. That must not earn it a
/// second turn.
#[test]
fn a_source_stands_in_the_queue_at_most_once() {
    let flood = FakeSocket::new().receives([repeat(b'F', 9 * RECEIVE_MAX)]);
    let (mut server, backend) = server_with(Mode::Level, &[&flood]);
    for received in 1..=9 {
        pass(&mut server, &backend, &[(1, READABLE)]);
        assert_eq!(flood.sent().len(), received * RECEIVE_MAX);
        assert!(server.unfinished.len() <= 1);
    }
}

/// Data and end of file are reported together, once. The short read must not make the server
/// forget the second.
#[test]
fn an_end_of_file_reported_with_data_is_not_lost() {
    let client = FakeSocket::new().receives([Ok("bye"), Ok("")]);
    let (mut server, backend) = server_with(Mode::Edge, &[&client]);
    pass(&mut server, &backend, &[(1, READABLE | Readiness::READ_CLOSED)]);
    let calls = pass(&mut server, &backend, &[]);
    assert_eq!(calls, [Call::Wait(Some(Duration::ZERO)), Call::Remove]);
    assert_eq!((client.sent(), server.clients()), (b"bye".to_vec(), 0));
    assert!(client.is_closed_elsewhere());
}

#[test]
fn a_wrong_report_does_no_harm() {
    for mode in [Mode::Edge, Mode::Level, Mode::Oneshot] {
        let client = FakeSocket::new().receives([Err(ErrorKind::WouldBlock), Ok("hi")]);
        let (mut server, backend) = server_with(mode, &[&client]);
        pass(&mut server, &backend, &[(1, READABLE | Readiness::WRITABLE), (LISTENER, READABLE)]);
        assert_eq!(client.sent(), b"");
        pass(&mut server, &backend, &[(1, READABLE)]);
        assert_eq!(client.sent(), b"hi");
    }
}

/// The server stops to receive once the outbox is full and goes on when it is not; nothing is
/// lost.
#[test]
fn who_does_not_read_is_not_read_from() {
    let stuck = std::iter::repeat_n(None, 4);
    let client = FakeSocket::new().receives([repeat(b'x', 4 * RECEIVE_MAX)]).takes(stuck);
    let (mut server, backend) = server_with(Mode::Level, &[&client]);
    assert_eq!(
        pass(&mut server, &backend, &[(1, READABLE)])[1..],
        [Call::Modify(1, Interest::WRITE)]
    );
    assert_eq!(pass(&mut server, &backend, &[(1, Readiness::WRITABLE)])[1..], []);
    let (_, watched) = server.selector.get_mut(server.selector_token(1)).unwrap();
    let client_state = watched.client.as_ref().unwrap();
    assert!(client_state.wants_to_send() && !client_state.wants_to_receive());
    assert_eq!(OUTBOX_MAX, RECEIVE_MAX, "one receive fills the outbox");
    for _ in 0..20 {
        pass(&mut server, &backend, &[(1, READABLE | Readiness::WRITABLE)]);
    }
    assert_eq!(client.sent().len(), 4 * RECEIVE_MAX);
}

/// A report of input does not make the server try again to send.
#[test]
fn what_waits_is_sent_when_there_is_room_and_not_before() {
    let client = FakeSocket::new().receives([Ok("hello "), Err(ErrorKind::WouldBlock), Ok("you")]);
    let client = client.takes([Some(1)]);
    let (mut server, backend) = server_with(Mode::Edge, &[&client]);
    for _ in 0..3 {
        pass(&mut server, &backend, &[(1, READABLE)]);
        assert_eq!(client.sent(), b"h");
    }
    pass(&mut server, &backend, &[(1, Readiness::WRITABLE)]);
    assert_eq!(client.sent(), b"hello you");
}

/// EMFILE: the listener is left alone, then asked again; the connected clients do not notice.
#[test]
fn a_shortage_of_descriptors_makes_a_pause_and_no_spin() {
    for mode in [Mode::Edge, Mode::Level] {
        let (first, late) = (FakeSocket::new().receives([Ok("hi")]), FakeSocket::new());
        let script = [
            Ok(first.clone()),
            Err(Errno::MFILE.into()),
            Err(Errno::MFILE.into()),
            Ok(late.clone()),
        ];
        let (mut server, backend) = server(mode, FakeSocket::new().accepts(script));
        let calls = pass(&mut server, &backend, &[(LISTENER, READABLE)]);
        // A level that nobody can do anything about would be reported for ever.
        assert_eq!(calls.contains(&Call::Remove), mode == Mode::Level);
        assert_eq!(server.clients(), 1);
        let an_hour = Duration::from_secs(3600);
        server.back_off.begin(Instant::now() + an_hour, &Errno::MFILE.into());
        let calls = pass(&mut server, &backend, &[(1, READABLE), (LISTENER, READABLE)]);
        assert!(matches!(calls[0], Call::Wait(Some(pause)) if !pause.is_zero()), "{calls:?}");
        assert_eq!((first.sent(), server.clients()), (b"hi".to_vec(), 1));
        // The second attempt fails as well, the third one succeeds.
        for clients in [1, 2] {
            let long_ago = Instant::now().checked_sub(crate::BACK_OFF).unwrap();
            server.back_off.begin(long_ago, &Errno::MFILE.into());
            pass(&mut server, &backend, &[]);
            assert_eq!(server.clients(), clients);
        }
        assert!(!server.back_off.is_on());
        assert_eq!(pass(&mut server, &backend, &[(1, READABLE)])[0], Call::Wait(None));
    }
}

#[test]
fn a_client_that_is_gone_before_it_is_accepted_is_passed_over() {
    let client = FakeSocket::new();
    let script = [
        Err(ErrorKind::ConnectionAborted.into()),
        Ok(client.clone()),
        Err(Errno::HOSTUNREACH.into()),
    ];
    let (mut server, backend) = server(Mode::Edge, FakeSocket::new().accepts(script));
    pass(&mut server, &backend, &[(LISTENER, READABLE)]);
    assert_eq!(server.clients(), 1);
}

#[test]
fn a_client_that_cannot_be_watched_is_closed_and_the_next_one_served() {
    let (refused, next) = (FakeSocket::new(), FakeSocket::new());
    let script = [Ok(refused.clone()), Ok(next.clone())];
    let (mut server, backend) = server(Mode::Edge, FakeSocket::new().accepts(script));
    backend.fail_next(Errno::NOSPC.into());
    pass(&mut server, &backend, &[(LISTENER, READABLE)]);
    assert!(refused.is_closed_elsewhere());
    assert_eq!(server.clients(), 1);
}

/// A kernel that has no memory for an interest costs one client, not the server.
#[test]
fn a_client_that_cannot_be_watched_any_more_is_lost_alone() {
    let client = FakeSocket::new().receives([Ok("hello")]).takes([Some(1)]);
    let other = FakeSocket::new().receives([Ok("hi")]);
    let (mut server, backend) = server_with(Mode::Level, &[&client, &other]);
    backend.fail_next(Errno::NOMEM.into());
    pass(&mut server, &backend, &[(1, READABLE), (2, READABLE)]);
    assert_eq!((server.clients(), other.sent()), (1, b"hi".to_vec()));
    assert!(client.is_closed_elsewhere());
}

#[test]
fn a_reset_ends_its_client_alone_and_old_reports_name_nobody() {
    let reset = FakeSocket::new().receives([Err::<&str, _>(ErrorKind::ConnectionReset)]);
    let broken = FakeSocket::new().receives([Ok("x")]);
    broken.break_with(ErrorKind::BrokenPipe);
    let other = FakeSocket::new().receives([Ok("hi")]);
    let (mut server, backend) = server_with(Mode::Edge, &[&reset, &broken, &other]);
    let everything = READABLE | Readiness::WRITABLE | Readiness::READ_CLOSED;
    pass(&mut server, &backend, &[(1, everything), (2, READABLE), (1, everything), (3, READABLE)]);
    assert!(reset.is_closed_elsewhere() && broken.is_closed_elsewhere());
    assert_eq!((server.clients(), other.sent()), (1, b"hi".to_vec()));
    pass(&mut server, &backend, &[(1, everything), (2, everything)]);
}

#[test]
fn a_listener_that_does_not_work_ends_the_server_with_its_error() {
    let (mut server, backend) =
        server(Mode::Edge, FakeSocket::new().accepts([Err(Errno::BADF.into())]));
    backend.report([(LISTENER, READABLE)]);
    assert_eq!(server.pass().unwrap_err().raw_os_error(), Some(Errno::BADF.raw_os_error()));
}

impl Server {
    /// The token of the source in this place; none has been replaced.
    fn selector_token(&self, index: u32) -> Token {
        Token { index, serial: index }
    }
}
