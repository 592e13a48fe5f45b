//! Task 3.5: the server. It is seen from outside, by its clients and its replies.

use chapter_01::{LineTooLong, Log, Reply};
use chapter_02::RECEIVE_MAX;
use chapter_03::{ACCEPT_BUDGET, EchoServer, SelectorKind};
use grading::{Client, Serving, Story, Trial, Verdict, measure, pattern};
use rustix::process::{Resource, Rlimit, getpid, getrlimit, setrlimit};
use socket2::Socket;
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a server is looked at.
const WINDOW: Duration = Duration::from_millis(200);

/// A share of a processor that is as good as none.
const RESTS: f64 = 0.02;

/// What a client says to halt the server in the middle of its turn.
const HALT: &[u8] = b"halt";

/// What the server does, in its order. Clients are numbered as they come, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Welcomes(usize),
    Receives(usize),
}

/// What a check and the replies of its server share.
#[derive(Clone)]
struct Watched {
    acts: Arc<Mutex<Vec<Act>>>,
    halted: Sender<()>,
    go_on: Arc<Mutex<Receiver<()>>>,
}

/// An echo that is watched.
struct Echo {
    number: usize,
    watched: Watched,
}

impl Reply for Echo {
    fn reply<'a>(
        &mut self,
        received: &'a [u8],
        _: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], LineTooLong> {
        self.watched.note(Act::Receives(self.number));
        if received == HALT {
            // Nobody is left to hear of it when the check is over.
            let _ = self.watched.halted.send(());
            let _ = self.watched.go_on.lock().unwrap_or_else(PoisonError::into_inner).recv();
        }
        Ok(received)
    }
}

impl Watched {
    fn note(&self, act: Act) {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner).push(act);
    }
}

/// A server in its thread.
struct Server {
    serving: Serving<io::Result<Infallible>>,
    address: SocketAddr,
    acts: Arc<Mutex<Vec<Act>>>,
    halted: Receiver<()>,
    go_on: Sender<()>,
}

fn listener() -> (Socket, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the kernel has a port left");
    let address = listener.local_addr().expect("a bound socket has an address");
    (Socket::from(listener), address)
}

fn start(trial: &Trial, (listener, address): (Socket, SocketAddr)) -> Server {
    let kind: SelectorKind = trial.selector().parse().expect("the grader knows both");
    let acts: Arc<Mutex<Vec<Act>>> = Arc::default();
    let (halt, halted) = mpsc::channel();
    let (go_on, going_on) = mpsc::channel();
    let watched =
        Watched { acts: Arc::clone(&acts), halted: halt, go_on: Arc::new(Mutex::new(going_on)) };
    let mut number = 0;
    let new_reply = move || {
        number += 1;
        watched.note(Act::Welcomes(number));
        Echo { number, watched: watched.clone() }
    };
    let serving =
        trial.serve(move || EchoServer::new(listener, kind, new_reply, Log::Quiet)?.run());
    Server { serving, address, acts, halted, go_on }
}

impl Server {
    fn acts(&self) -> Vec<Act> {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connects the next client, and lets it have its first answer.
    fn client(&self, trial: &mut Trial) -> Result<Client, Box<Story>> {
        let mut client = trial.client(self.address)?;
        exchange(trial, &mut client)?;
        Ok(client)
    }

    /// The server stands still in the turn of `client`; whatever comes now is there when it goes
    /// on.
    fn halt(&self, trial: &Trial, client: &mut Client) -> Verdict {
        const WHY: &str = "What a client sends is received.";
        client.send(HALT)?;
        let halted = self.halted.recv_timeout(Duration::from_secs(5));
        trial.ensure(halted.is_ok(), "the server receives it", "it does not", WHY)?;
        trial.did(format!("the server is kept busy with what {} has sent", client.name()));
        Ok(())
    }

    fn go_on(&self, trial: &Trial) {
        trial.did("the server goes on");
        // If it has ended, the next answer does not come.
        let _ = self.go_on.send(());
    }

    fn rests(&self, trial: &Trial, window: Duration, expected: &str, why: &str) -> Verdict {
        let share = self.serving.runs(window);
        let rests = share.is_none_or(|share| share < RESTS);
        trial.ensure(rests, expected, "it runs all the time", why)
    }
}

/// One word there and back.
fn exchange(trial: &mut Trial, client: &mut Client) -> Verdict {
    const WHY: &str = "A client that is connected is served, whatever the others do.";
    let word = trial.random().word(1, 9);
    client.send(word.as_bytes())?;
    client.receive(word.as_bytes(), WHY)
}

/// Much in one piece, but less than one receive takes. From then on the kernel grants the client a
/// window that is wider than a receive: what it sends while the server is busy is there at once.
fn widen(trial: &mut Trial, client: &mut Client) -> Verdict {
    const WHY: &str = "A client that is connected is served, whatever the others do.";
    let message = trial.random().word(RECEIVE_MAX / 2, RECEIVE_MAX / 2);
    client.send(message.as_bytes())?;
    client.receive(message.as_bytes(), WHY)
}

fn open() -> usize {
    measure::descriptors(getpid()).map_or(0, |numbers| numbers.len())
}

pub(crate) fn each_client_is_answered_to_its_end(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A client that has closed its side stays readable, which may have been \
                       reported once, with its last bytes. When it is owed nothing any more, its \
                       socket is closed: else it takes a descriptor for ever, and turn after turn.";
    let server = start(trial, listener());
    let mut first = server.client(trial)?;
    let before = open();
    let mut clients = vec![server.client(trial)?, server.client(trial)?, server.client(trial)?];
    for _ in 0..4 {
        let client = trial.random().between(0, clients.len() - 1);
        exchange(trial, &mut clients[client])?;
    }
    trial.random().shuffle(&mut clients);
    let word = trial.random().word(1, 9);
    // So that the last bytes and the end of each are reported together.
    server.halt(trial, &mut first)?;
    for client in &mut clients {
        client.send(word.as_bytes())?;
        client.finish()?;
    }
    server.go_on(trial);
    first.receive(HALT, "What it has sent comes back, as ever.")?;
    for mut client in clients {
        client.receive(word.as_bytes(), "It has sent its last word, and can still receive.")?;
        client.receive_end(WHY)?;
    }
    trial.expect("descriptors more than before", &0, &open().saturating_sub(before), WHY)?;
    exchange(trial, &mut first)
}

pub(crate) fn a_server_with_nothing_to_do_sleeps(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A wait that does not wait is a busy poll with a system call in it. Zero is \
                       the timeout of who can go on at once, and of nobody else.";
    let server = start(trial, listener());
    let mut first = server.client(trial)?;
    let _second = server.client(trial)?;
    exchange(trial, &mut first)?;
    server.rests(trial, WINDOW, "the server sleeps while nobody sends", WHY)
}

pub(crate) fn a_long_message_needs_one_report(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Over an edge, what one receive has left is not reported again: who is still \
                       flagged as readable has its next turn without a report, and without a \
                       sleep before it.";
    let (listener, address) = listener();
    let length = RECEIVE_MAX + trial.random().between(1, 9_000);
    let message = trial.random().word(length, length);
    let mut client = trial.client(address)?;
    client.send(message.as_bytes())?;
    trial.did("the server starts");
    let _server = start(trial, (listener, address));
    client.receive(message.as_bytes(), WHY)
}

pub(crate) fn who_does_not_read_is_not_read_from(trial: &mut Trial) -> Verdict {
    /// More than all buffers of the kernel on the way hold.
    const LENGTH: usize = 12 << 20;
    const KERNEL: usize = 64 * 1024;
    const BOUND: &str = "A client that sends and does not read makes the server keep what it owes \
                         it. When that is enough, the server must not receive more from it: the \
                         client has to wait then, and the memory has a bound.";
    const REST: &str = "What nobody wants to receive now stays readable, and the client's buffer \
                        stays full: the server must not be told of the one, and not try the other, \
                        until there is room.";
    const LATER: &str = "When the client reads, there is room: the server has to be told of it, to \
                         send what waits and to receive again.";
    let (listener, address) = listener();
    // The sockets that it accepts have its buffer.
    listener.set_send_buffer_size(KERNEL).expect("a buffer may be smaller");
    let server = start(trial, (listener, address));
    let mut other = server.client(trial)?;
    let mut client = server.client(trial)?;
    let message = pattern(LENGTH);
    let sent = client.send_until_stuck(&message)?;
    let bound = "the server takes no more, after a while";
    trial.ensure(sent < LENGTH, bound, format!("it takes all {LENGTH} bytes"), BOUND)?;
    server.rests(trial, WINDOW, "the server sleeps while the client does not read", REST)?;
    exchange(trial, &mut other)?;
    client.send_and_receive(&message[sent..], &message, LATER)
}

pub(crate) fn nobody_has_two_turns_before_all_have_one(trial: &mut Trial) -> Verdict {
    const CLIENTS: usize = 3;
    const WHY: &str = "Who serves one client until nothing is left lets it choose how long all \
                       others wait: as long as it sends. One receive, then the next client.";
    let server = start(trial, listener());
    let mut first = server.client(trial)?;
    let mut floods = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = server.client(trial)?;
        widen(trial, &mut client)?;
        floods.push(client);
    }
    server.halt(trial, &mut first)?;
    let before = server.acts().len();
    let mut messages = Vec::new();
    for client in &mut floods {
        let length = RECEIVE_MAX + trial.random().between(1, 9_000);
        let message = trial.random().word(length, length);
        client.send(message.as_bytes())?;
        messages.push(message);
    }
    server.go_on(trial);
    for (client, message) in floods.iter_mut().zip(&messages) {
        client.receive(message.as_bytes(), "All of it was sent before the server went on.")?;
    }
    let order: Vec<usize> = server.acts()[before..]
        .iter()
        .filter_map(|act| match act {
            Act::Receives(number) => Some(*number),
            Act::Welcomes(_) => None,
        })
        .collect();
    let mut begin: Vec<usize> = order.iter().copied().take(CLIENTS).collect();
    begin.sort_unstable();
    begin.dedup();
    let came = format!("the server receives from the clients {order:?}, in this order");
    let expected = "one receive from each of the three, before the second from any";
    trial.ensure(begin.len() == CLIENTS, expected, came, WHY)
}

pub(crate) fn a_crowd_at_the_door_is_let_in(trial: &mut Trial) -> Verdict {
    const MORE: usize = 6;
    const ALL: &str = "A listener is reported like any other source: over an edge once, however \
                       many wait. Who stops to accept before the kernel says \"not yet\" has to go \
                       on without a report.";
    const FAIR: &str = "A crowd may go on coming. After a batch of accepts, those who are inside \
                        have their turn again.";
    let server = start(trial, listener());
    let mut first = server.client(trial)?;
    let mut inside = server.client(trial)?;
    server.halt(trial, &mut first)?;
    let before = server.acts().len();
    let crowd = ACCEPT_BUDGET + MORE;
    trial.did(format!("{crowd} other clients connect"));
    let connect = |_| TcpStream::connect(server.address).expect("the kernel lets them wait");
    let _crowd: Vec<TcpStream> = (0..crowd).map(connect).collect();
    let mut last = trial.client(server.address)?;
    let word = trial.random().word(1, 9);
    inside.send(word.as_bytes())?;
    last.send(word.as_bytes())?;
    server.go_on(trial);
    inside.receive(word.as_bytes(), FAIR)?;
    last.receive(word.as_bytes(), ALL)?;
    let acts = server.acts();
    let until = acts[before..].iter().take_while(|act| **act != Act::Receives(2));
    let welcomed = until.filter(|act| matches!(act, Act::Welcomes(_))).count();
    let expected = format!("client-2 is received from after {ACCEPT_BUDGET} accepts at the most");
    trial.ensure(welcomed <= ACCEPT_BUDGET, expected, format!("after {welcomed}"), FAIR)
}

pub(crate) fn without_descriptors_the_server_rests_and_goes_on(trial: &mut Trial) -> Verdict {
    const WINDOW: Duration = Duration::from_millis(300);
    const WHY: &str = "Where no descriptor is left, accept fails at once, and the client stays in \
                       the queue: the listener stays ready. To ask again at once is to ask without \
                       end; to ask after a while is all that helps, for nothing reports a free \
                       descriptor.";
    let server = start(trial, listener());
    let mut first = server.client(trial)?;
    server.halt(trial, &mut first)?;
    let mut second = trial.client(server.address)?;
    let word = trial.random().word(1, 9);
    second.send(word.as_bytes())?;
    let limit = getrlimit(Resource::Nofile);
    // Those that are open stay so; no new one has a number below this.
    let none_left = Rlimit { current: Some(3), maximum: limit.maximum };
    setrlimit(Resource::Nofile, none_left).expect("a limit may be lowered");
    trial.did("the process has no descriptor left");
    server.go_on(trial);
    first.receive(HALT, "A client that is connected needs no new descriptor.")?;
    let share = server.serving.runs(WINDOW);
    let rests = share.is_none_or(|share| share < RESTS);
    let served = exchange(trial, &mut first);
    setrlimit(Resource::Nofile, limit).expect("a limit may be raised to what it was");
    trial.ensure(rests, "the server rests between its attempts", "it asks without rest", WHY)?;
    served?;
    trial.did("the process has descriptors again");
    second.receive(word.as_bytes(), WHY)
}
