//! Task 3.5: the server's turns, over a back end and sockets that do as the check says.

use chapter_01::{EchoBytes, Log};
use chapter_02::fake::FakeSocket;
use chapter_02::{OUTBOX_MAX, RECEIVE_MAX};
use chapter_03::fake::{Call, FakeBackend};
use chapter_03::{ACCEPT_BUDGET, BACK_OFF, EchoServer, Mode, Readiness, Selector, SelectorKind};
use grading::{Story, Trial, Verdict};
use rustix::io::Errno;
use socket2::Socket;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::time::{Duration, Instant};

const READABLE: Readiness = Readiness::READABLE;

/// Why a pass must not end with an error.
const GOES_ON: &str = "Any client can reset its connection, leave before it is accepted, or be one \
                       too many for the kernel. If that ends the server, any client can end it.";

type NewReply = fn() -> EchoBytes;

/// A server without a kernel: over an edge where the grader says `mio`, over a level where it says
/// `polling`.
struct Scene {
    mode: Mode,
    server: EchoServer<FakeSocket, EchoBytes, NewReply>,
    backend: FakeBackend,
    /// What waits at the door.
    listener: FakeSocket,
}

/// Of whom something is reported: the listener is source 0, and client k is source k.
const LISTENER: usize = 0;

impl Scene {
    /// A server that has accepted `clients`.
    fn begin(trial: &Trial, clients: &[&FakeSocket]) -> Result<Scene, Box<Story>> {
        let kind: SelectorKind = trial.selector().parse().expect("the grader knows both");
        // Its own way in comes first: what is missing there is this task's.
        let socket = TcpListener::bind("127.0.0.1:0").expect("the kernel has a port left");
        let real = EchoServer::new(Socket::from(socket), kind, || EchoBytes, Log::Quiet);
        trial.ensure(real.is_ok(), "a server on a listening socket", "an error", GOES_ON)?;
        let mode = match kind {
            SelectorKind::Mio => Mode::Edge,
            SelectorKind::Polling => Mode::Level,
        };
        let backend = FakeBackend::new(mode);
        let selector = Selector::with_backend(Box::new(backend.clone()));
        let listener = FakeSocket::new();
        let new_reply: NewReply = || EchoBytes;
        let server = EchoServer::with_selector(selector, listener.clone(), new_reply, Log::Quiet);
        let server = server.expect("the back end refuses nothing here");
        let mut scene = Scene { mode, server, backend, listener };
        let kernel = match mode {
            Mode::Edge => "that reports a change once",
            Mode::Level | Mode::Oneshot => "that reports a state again and again",
        };
        trial.did(format!("a server starts over a kernel {kernel}"));
        if !clients.is_empty() {
            scene.at_the_door(clients.iter().map(|client| Ok((*client).clone())));
            scene.pass(trial, &[(LISTENER, READABLE)])?;
            scene.has_clients(trial, clients.len(), "Whoever waits is let in.")?;
        }
        Ok(scene)
    }

    /// What the next accepts give.
    fn at_the_door(&self, script: impl IntoIterator<Item = io::Result<FakeSocket>>) {
        // Clones share the script.
        let _ = self.listener.clone().accepts(script);
    }

    /// One pass of a server that has no reason to end, and what it asks the back end.
    fn pass(
        &mut self,
        trial: &Trial,
        reports: &[(usize, Readiness)],
    ) -> Result<Vec<Call>, Box<Story>> {
        if let Err(error) = self.try_pass(trial, reports) {
            let came = format!("it ends with an error: {:?}", error.kind());
            return Err(trial.fail("the server goes on", came, GOES_ON).expect_err("a failure"));
        }
        Ok(self.backend.take_calls())
    }

    fn try_pass(&mut self, trial: &Trial, reports: &[(usize, Readiness)]) -> io::Result<()> {
        let shown: Vec<String> = reports
            .iter()
            .map(|(source, readiness)| match *source {
                LISTENER => format!("the listener is {readiness:?}"),
                client => format!("client-{client} is {readiness:?}"),
            })
            .collect();
        let shown = if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") };
        trial.did(format!("a pass; the kernel reports: {shown}"));
        self.backend.report(reports.iter().copied());
        self.server.pass()
    }

    fn has_clients(&self, trial: &Trial, expected: usize, why: &str) -> Verdict {
        trial.expect("clients of the server", &expected, &self.server.clients(), why)
    }
}

fn has_been_sent(
    trial: &Trial,
    client: &str,
    socket: &FakeSocket,
    bytes: &str,
    why: &str,
) -> Verdict {
    let what = format!("what {client} has been sent");
    trial.expect_bytes(&what, bytes.as_bytes(), &socket.sent(), why)
}

pub(crate) fn an_error_of_one_client_is_its_own_end(trial: &mut Trial) -> Verdict {
    const CLOSED: &str = "Who is lost is let go, with its socket: else it keeps a descriptor for \
                          ever.";
    const OTHERS: &str = "What goes wrong with one client is no concern of the others: each of \
                          them has its turn in the same pass.";
    let word = trial.random().word(2, 9);
    let broken = FakeSocket::new().receives([Ok(&word)]);
    broken.break_with(ErrorKind::BrokenPipe);
    let mut clients = [
        (
            "receive fails: the connection is reset",
            true,
            FakeSocket::new().receives([Err::<&str, _>(ErrorKind::ConnectionReset)]),
        ),
        ("send fails: the pipe is broken", true, broken),
        ("message waits", false, FakeSocket::new().receives([Ok(&word)])),
        ("message waits", false, FakeSocket::new().receives([Ok(&word)])),
    ];
    trial.random().shuffle(&mut clients);
    let mut scene = Scene::begin(trial, &clients.each_ref().map(|(_, _, socket)| socket))?;
    for (place, (what, ..)) in clients.iter().enumerate() {
        trial.did(format!("client-{}'s next {what}", place + 1));
    }
    scene.pass(trial, &[1, 2, 3, 4].map(|client| (client, READABLE)))?;
    for (place, (_, lost, socket)) in clients.iter().enumerate() {
        let name = format!("client-{}", place + 1);
        if *lost {
            let expected = format!("the socket of {name} is closed");
            trial.ensure(socket.is_closed_elsewhere(), expected, "it is open", CLOSED)?;
        } else {
            has_been_sent(trial, &name, socket, &word, OTHERS)?;
        }
    }
    scene.has_clients(trial, 2, CLOSED)?;
    if scene.mode == Mode::Edge {
        // Nothing is asked of the kernel that it could refuse.
        return Ok(());
    }
    let slow = FakeSocket::new().receives([Ok(&word)]).takes([Some(1)]);
    let other = FakeSocket::new().receives([Ok(&word)]);
    let mut scene = Scene::begin(trial, &[&slow, &other])?;
    trial.did("client-1 takes one byte only, and the kernel has no memory to watch it for more");
    scene.backend.fail_next(Errno::NOMEM.into());
    scene.pass(trial, &[(1, READABLE), (2, READABLE)])?;
    let expected = "the socket of client-1 is closed";
    trial.ensure(slow.is_closed_elsewhere(), expected, "it is open", CLOSED)?;
    has_been_sent(trial, "client-2", &other, &word, OTHERS)?;
    scene.has_clients(trial, 1, CLOSED)
}

pub(crate) fn who_is_full_is_left_alone_until_there_is_room(trial: &mut Trial) -> Verdict {
    const SOCKET: &str = "A send that has not taken everything has shown that the socket is full. \
                          Until room is reported, the next one is a system call in vain.";
    const OUTBOX: &str = "Who is owed a full outbox is not received from, whatever is reported: \
                          over an edge, every few bytes more are reported, and a client that sends \
                          and never reads would have the server keep them all.";
    const ALL: &str = "When there is room, what waits is sent, and what has arrived meanwhile is \
                       received: it was reported, and may not be again.";
    let (first, second) = (trial.random().word(4, 9), trial.random().word(4, 9));
    let not_yet = Err(ErrorKind::WouldBlock);
    let client = FakeSocket::new().receives([Ok(&first), not_yet, Ok(&second)]).takes([Some(1)]);
    let mut scene = Scene::begin(trial, &[&client])?;
    trial.did("client-1 takes one byte of its answer");
    for _ in 0..3 {
        scene.pass(trial, &[(1, READABLE)])?;
        has_been_sent(trial, "client-1", &client, &first[..1], SOCKET)?;
    }
    scene.pass(trial, &[(1, Readiness::WRITABLE)])?;
    has_been_sent(trial, "client-1", &client, &format!("{first}{second}"), ALL)?;

    let more = trial.random().between(1, RECEIVE_MAX / 2);
    let length = OUTBOX_MAX.max(RECEIVE_MAX) + more;
    let client = FakeSocket::new().receives([Ok(vec![b'x'; length])]).takes([None]);
    let mut scene = Scene::begin(trial, &[&client])?;
    trial.did(format!("client-1 sends {length} bytes, bit by bit, and reads nothing"));
    for _ in 0..3 {
        scene.pass(trial, &[(1, READABLE)])?;
        let left = client.left_to_receive();
        trial.expect("bytes of client-1 that are not received", &more, &left, OUTBOX)?;
    }
    scene.pass(trial, &[(1, READABLE | Readiness::WRITABLE)])?;
    for _ in 0..2 {
        scene.pass(trial, &[])?;
    }
    trial.expect("bytes that client-1 has been sent", &length, &client.sent().len(), ALL)
}

pub(crate) fn a_report_gives_no_second_turn(trial: &mut Trial) -> Verdict {
    const PASSES: usize = 6;
    const WHY: &str = "Who could go on without a report may be reported as well, over a level \
                       again and again. Both together are one turn. Two turns put two entries into the \
                       queue, and those make more: the others wait ever longer.";
    let flood = FakeSocket::new().receives([Ok(vec![b'x'; PASSES * RECEIVE_MAX])]);
    let mut scene = Scene::begin(trial, &[&flood])?;
    let crowd = (0..PASSES * ACCEPT_BUDGET).map(|_| Ok(FakeSocket::new()));
    scene.at_the_door(crowd);
    trial.did("client-1 sends without end, and a crowd is at the door");
    for pass in 1..=PASSES {
        // That all is reported more than once is certain; when, is not.
        let again = pass <= 3 || *trial.random().choice(&[true, false]);
        let all = [(LISTENER, READABLE), (1, READABLE)];
        scene.pass(trial, if again { &all } else { &[] })?;
        let receives = flood.sent().len() / RECEIVE_MAX;
        trial.expect("receives from client-1 so far", &pass, &receives, WHY)?;
        let accepted = scene.server.clients() - 1;
        let expected = pass * ACCEPT_BUDGET;
        trial.expect("accepted clients of the crowd so far", &expected, &accepted, WHY)?;
    }
    Ok(())
}

/// A shortage of descriptors that ends when a client leaves. `refused`: the kernel does not even
/// stop to watch the listener.
fn a_shortage(trial: &mut Trial, refused: bool) -> Verdict {
    const ON: &str = "As long as the pause is on, nothing is accepted: a report of the listener, \
                      which any client can bring about, would be one attempt each.";
    const SERVED: &str = "A client that is connected needs no new descriptor.";
    const OVER: &str = "A client that leaves ends the pause, and the listener is asked again, \
                        although nothing reports it: who has waited meanwhile was reported once.";
    /// What `select` may round up to.
    const STEP: Duration = Duration::from_millis(1);
    let word = trial.random().word(2, 9);
    loop {
        let client = FakeSocket::new().receives([Ok(word.as_str()), Ok("")]);
        let mut scene = Scene::begin(trial, &[&client])?;
        scene.at_the_door([Err(Errno::MFILE.into()), Ok(FakeSocket::new())]);
        trial.did("no descriptor is left, and two clients are at the door");
        if refused {
            trial.did("the kernel refuses to watch the listener for anything else");
            scene.backend.fail_next(Errno::NOMEM.into());
        }
        let before = Instant::now();
        scene.pass(trial, &[(LISTENER, READABLE)])?;
        let calls = scene.pass(trial, &[(LISTENER, READABLE), (1, READABLE)])?;
        if before.elapsed() >= BACK_OFF {
            // This machine was busy, and the pause may be over: once more.
            continue;
        }
        scene.has_clients(trial, 1, ON)?;
        has_been_sent(trial, "client-1", &client, &word, SERVED)?;
        let rests = match calls.first() {
            Some(Call::Wait(Some(rest))) => !rest.is_zero() && *rest <= BACK_OFF + STEP,
            _ => false,
        };
        let expected = "a wait as long as what is left of the pause";
        trial.ensure(rests, expected, "another one, or none", ON)?;
        trial.did("client-1 leaves");
        scene.pass(trial, &[(1, READABLE | Readiness::READ_CLOSED)])?;
        scene.pass(trial, &[])?;
        return scene.has_clients(trial, 1, OVER);
    }
}

pub(crate) fn each_error_of_an_accept_has_its_own_answer(trial: &mut Trial) -> Verdict {
    const CLIENT: &str = "An accept also reports what is wrong with a client that was gone before \
                          it was let in. Those behind it wait, and over an edge nobody tells of \
                          them again.";
    const LISTENER_FAILS: &str = "A listener that does not work will never give a client again: a \
                                  server that goes on has fewer and fewer, and tells nobody.";
    let mut scene = Scene::begin(trial, &[])?;
    let gone = [ErrorKind::ConnectionAborted.into(), Errno::HOSTUNREACH.into()];
    let [first, second] = gone.map(Err);
    scene.at_the_door([first, Ok(FakeSocket::new()), second, Ok(FakeSocket::new())]);
    trial.did("four clients come to the door; the first and the third are gone again");
    for pass in 0..4 {
        // A level is reported as long as somebody waits.
        let reported = pass == 0 || scene.mode == Mode::Level;
        scene.pass(trial, if reported { &[(LISTENER, READABLE)] } else { &[] })?;
    }
    scene.has_clients(trial, 2, CLIENT)?;

    a_shortage(trial, false)?;
    if scene.mode == Mode::Level {
        a_shortage(trial, true)?;
    }

    let mut scene = Scene::begin(trial, &[])?;
    let fault = *trial.random().choice(&[Errno::BADF, Errno::INVAL, Errno::NOTSOCK]);
    scene.at_the_door([Err(fault.into())]);
    trial.did("the next accept fails: the listener is no listener any more");
    let outcome = scene.try_pass(trial, &[(LISTENER, READABLE)]);
    let came = outcome.err().and_then(|error| Errno::from_io_error(&error));
    trial.ensure(
        came == Some(fault),
        "the server ends with that error",
        "it does not",
        LISTENER_FAILS,
    )
}
