//! Task 1.5: `serve`.

use chapter_01::{EchoBytes, LineTooLong, Log, Reply, serve};
use grading::{Serving, Trial, Verdict, measure};
use rustix::process::{Resource, Rlimit, getpid, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// A socket that listens; the standard library's, so that this task does not need task 1.2.
fn listener() -> (Socket, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the kernel has a port left");
    let address = listener.local_addr().expect("a bound socket has an address");
    (Socket::from(listener), address)
}

fn start(trial: &Trial, listener: Socket) -> Serving<io::Result<Infallible>> {
    trial.serve(move || serve(&listener, || EchoBytes, Log::Quiet))
}

pub(crate) fn clients_are_served_one_after_the_other(trial: &mut Trial) -> Verdict {
    const WHY: &str = "After each client comes the next one, from the kernel's queue.";
    let (listener, address) = listener();
    let _serving = start(trial, listener);
    let words: Vec<String> = (0..3).map(|_| trial.random().word(1, 9)).collect();
    let mut first = trial.client(address)?;
    first.send(words[0].as_bytes())?;
    first.receive(words[0].as_bytes(), WHY)?;
    let mut second = trial.client(address)?;
    second.send(words[1].as_bytes())?;
    second.hears_nothing("There is one thread, and it waits for client-1.")?;
    first.send(words[2].as_bytes())?;
    first.receive(words[2].as_bytes(), WHY)?;
    first.close();
    second.receive(words[1].as_bytes(), WHY)
}

pub(crate) fn a_client_that_resets_ends_itself_alone(trial: &mut Trial) -> Verdict {
    const WHY: &str = "What goes wrong with one client is no reason to leave all others alone.";
    let (listener, address) = listener();
    let _serving = start(trial, listener);
    for _ in 0..2 {
        let word = trial.random().word(1, 9);
        let mut rude = trial.client(address)?;
        rude.send(word.as_bytes())?;
        rude.receive(word.as_bytes(), WHY)?;
        // It waits in the kernel's queue, and so has something to lose.
        let mut next = trial.client(address)?;
        rude.reset();
        next.send(word.as_bytes())?;
        next.receive(word.as_bytes(), WHY)?;
        next.close();
    }
    Ok(())
}

/// A reply that answers how many bytes it has seen so far.
#[derive(Default)]
struct Counting {
    seen: usize,
}

impl Reply for Counting {
    fn reply<'a>(
        &mut self,
        received: &'a [u8],
        space: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], LineTooLong> {
        self.seen += received.len();
        space.extend_from_slice(format!("{} bytes", self.seen).as_bytes());
        Ok(space)
    }
}

pub(crate) fn each_client_has_a_reply_of_its_own(trial: &mut Trial) -> Verdict {
    const WHY: &str =
        "A client's half of a line must not become the beginning of the next client's.";
    let (listener, address) = listener();
    let _serving = trial.serve(move || serve(&listener, Counting::default, Log::Quiet));
    for _ in 0..3 {
        let word = trial.random().word(1, 9);
        let mut client = trial.client(address)?;
        client.send(word.as_bytes())?;
        client.receive(format!("{} bytes", word.len()).as_bytes(), WHY)?;
        client.close();
    }
    Ok(())
}

pub(crate) fn a_client_that_has_left_leaves_nothing_open(trial: &mut Trial) -> Verdict {
    const CLIENTS: usize = 10;
    const WHY: &str = "A process has a bounded number of descriptors; each client takes one, and \
                       has to give it back.";
    let (listener, address) = listener();
    let _serving = start(trial, listener);
    let open = || measure::descriptors(getpid()).map_or(0, |numbers| numbers.len());
    let before = open();
    for _ in 0..CLIENTS {
        let mut client = trial.client(address)?;
        client.send(b"hello")?;
        client.receive(b"hello", WHY)?;
        client.finish()?;
        client.receive_end(WHY)?;
    }
    trial.expect("descriptors more than before", &0, &open().saturating_sub(before), WHY)
}

pub(crate) fn without_descriptors_the_server_rests_and_goes_on(trial: &mut Trial) -> Verdict {
    const WINDOW: Duration = Duration::from_millis(300);
    /// A share of a processor. Who rests and looks again ten times a second has less by far.
    const RESTS: f64 = 0.02;
    const WHY: &str = "Where no descriptor is left, accept fails at once, and the client stays in \
                       the queue: to ask again at once is to ask without end, and to give up is to \
                       let a crowd of clients end the server.";
    let (listener, address) = listener();
    let serving = start(trial, listener);
    let mut first = trial.client(address)?;
    first.send(b"hello")?;
    first.receive(b"hello", WHY)?;
    let mut second = trial.client(address)?;
    second.send(b"hello")?;
    let limit = getrlimit(Resource::Nofile);
    // Those that are open stay so; no new one has a number below this.
    let none_left = Rlimit { current: Some(3), maximum: limit.maximum };
    setrlimit(Resource::Nofile, none_left).expect("a limit may be lowered");
    trial.did("the process has no descriptor left");
    first.close();
    let share = serving.runs(WINDOW);
    setrlimit(Resource::Nofile, limit).expect("a limit may be raised to what it was");
    trial.ensure(
        share.is_none_or(|share| share < RESTS),
        "the server rests for a while",
        "it asks again without rest",
        WHY,
    )?;
    trial.did("the process has descriptors again");
    second.receive(b"hello", WHY)
}

pub(crate) fn a_listener_that_fails_ends_the_server(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A listening socket that does not work will not work the next time: only this \
                       error is the server's end.";
    let socket =
        Socket::new(Domain::IPV4, Type::STREAM, None).expect("the kernel has a socket left");
    trial.did("serve() on a socket that does not listen");
    match start(trial, socket).end("serve() gives the error of accept", WHY)? {
        Err(error) => trial.expect("the error", &io::ErrorKind::InvalidInput, &error.kind(), WHY),
        Ok(never) => match never {},
    }
}
