//! Task 2.5: a round of `BusyPoll`.

use crate::scripted::{Asked, Scripted, patiently};
use chapter_01::{EchoBytes, Log};
use chapter_02::{BusyPoll, Polls, RECEIVE_MAX};
use grading::{Client, Story, Trial, Verdict, measure};
use rustix::io::Errno;
use rustix::process::getpid;
use socket2::Socket;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A server, and the check's own clones of its sockets.
struct Served {
    server: BusyPoll<Scripted, EchoBytes, fn() -> EchoBytes>,
    listener: Scripted,
    clients: Vec<Scripted>,
}

/// A server that has accepted `count` clients.
fn served(trial: &Trial, count: usize, why: &str) -> Result<Served, Box<Story>> {
    let listener = Scripted::new(trial, "listener");
    let clients: Vec<Scripted> =
        (1..=count).map(|number| Scripted::new(trial, format!("client-{number}"))).collect();
    clients.iter().for_each(|client| listener.will_accept(Ok(client.clone())));
    let new_reply: fn() -> EchoBytes = || EchoBytes;
    let server = BusyPoll::new(listener.clone(), new_reply, Log::Quiet);
    let mut served = Served { server, listener, clients };
    let quiet = |served: &Served, quiet| {
        served.listener.set_quiet(quiet);
        served.clients.iter().for_each(|client| client.set_quiet(quiet));
    };
    quiet(&served, true);
    for _ in 0..count {
        served.quiet_round(trial, why)?;
        served.turns();
    }
    quiet(&served, false);
    let rounds = if count == 1 { "one round" } else { &format!("{count} rounds") };
    trial.did(format!("{rounds}, in which as many clients are accepted"));
    trial.expect("clients()", &count, &served.server.clients(), why)?;
    Ok(served)
}

impl Served {
    fn quiet_round(&mut self, trial: &Trial, why: &str) -> Verdict {
        let outcome = patiently(trial, why, || self.server.round())?;
        outcome.or_else(|error| trial.fail("round() goes well", error, why))
    }

    fn round(&mut self, trial: &Trial, why: &str) -> Verdict {
        trial.did("round()");
        self.quiet_round(trial, why)
    }

    /// What was asked in the last round: of the listener, and of the clients.
    fn turns(&self) -> (Asked, Vec<Asked>) {
        (self.listener.asked(), self.clients.iter().map(Scripted::asked).collect())
    }

    /// Lets a client send a word, and says which.
    fn sends(&self, trial: &mut Trial, place: usize) -> String {
        let word = trial.random().word(1, 9);
        self.clients[place].will_receive(word.as_bytes());
        trial.did(format!("{} sends {word:?}", self.clients[place].name()));
        word
    }

    fn is_sent(&self, trial: &Trial, place: usize, expected: &[u8], why: &str) -> Verdict {
        let client = &self.clients[place];
        let what = format!("what {} is sent", client.name());
        trial.expect_bytes(&what, expected, &client.sent(), why)
    }
}

pub(crate) fn a_turn_is_one_question(trial: &mut Trial) -> Verdict {
    const CLIENTS: usize = 3;
    const IN_VAIN: &str = "One question to the listener and one to each client are enough to know \
                           that nothing is to be done, and no more are counted than were asked.";
    const WHY: &str = "Who is served as long as there is something to be had keeps everybody else \
                       waiting. What is left is for the next round.";
    let mut served = served(trial, CLIENTS, IN_VAIN)?;
    let idle = (
        Asked { accepts: 1, ..Asked::default() },
        vec![Asked { receives: 1, ..Asked::default() }; CLIENTS],
    );
    let before = polls(&mut served);
    served.round(trial, IN_VAIN)?;
    trial.ensure(
        served.turns() == idle,
        "an accept, and a receive from each client",
        "other questions",
        IN_VAIN,
    )?;
    let after = polls(&mut served);
    let counted =
        Polls { asked: after.asked - before.asked, in_vain: after.in_vain - before.in_vain };
    let expected = Polls { asked: 1 + CLIENTS as u64, in_vain: 1 + CLIENTS as u64 };
    trial.expect("counted", &expected, &counted, IN_VAIN)?;
    let talker = trial.random().between(0, CLIENTS - 1);
    let words: Vec<String> = (0..CLIENTS).map(|place| served.sends(trial, place)).collect();
    (0..50).for_each(|_| served.clients[talker].will_receive(b"and more"));
    trial.did(format!("{} sends more and more", served.clients[talker].name()));
    for number in 0..50 {
        served.listener.will_accept(Ok(Scripted::new(trial, format!("stranger-{number}"))));
    }
    trial.did("more and more clients come");
    served.round(trial, WHY)?;
    let (listener, clients) = served.turns();
    trial.expect("clients accepted in one round", &1, &listener.accepts, WHY)?;
    for (place, asked) in clients.iter().enumerate() {
        let what = format!("receives from {} in one round", served.clients[place].name());
        trial.expect(&what, &1, &asked.receives, WHY)?;
        served.is_sent(trial, place, words[place].as_bytes(), WHY)?;
    }
    Ok(())
}

/// What the server has counted so far.
fn polls(served: &mut Served) -> Polls {
    // It has been told to stop, so it asks nobody.
    served.server.run(&AtomicBool::new(true)).expect("nothing was asked that could fail")
}

pub(crate) fn nobody_loses_a_turn_when_another_leaves(trial: &mut Trial) -> Verdict {
    const CLIENTS: usize = 5;
    const WHY: &str = "Where one is taken out of a list, the next one has its place. Who goes on with \
                       the next place passes over it.";
    let mut served = served(trial, CLIENTS, WHY)?;
    let leaver = trial.random().between(0, CLIENTS - 2);
    let mut expected = vec![String::new(); CLIENTS];
    for round in 0..2 {
        for place in 0..CLIENTS {
            if place != leaver {
                expected[place].push_str(&served.sends(trial, place));
            } else if round == 0 {
                served.clients[place].will_receive(b"");
                trial.did(format!("{} closes", served.clients[place].name()));
            }
        }
        served.round(trial, WHY)?;
        served.turns();
        for place in 0..CLIENTS {
            served.is_sent(trial, place, expected[place].as_bytes(), WHY)?;
        }
        const LEFT: &str = "A client that has ended is owed nothing: its socket can be closed.";
        trial.expect("clients()", &(CLIENTS - 1), &served.server.clients(), LEFT)?;
        let is_closed = served.clients[leaver].is_closed();
        trial.ensure(is_closed, "its socket is closed", "somebody keeps it", LEFT)?;
    }
    Ok(())
}

pub(crate) fn a_client_that_fails_ends_alone(trial: &mut Trial) -> Verdict {
    const CLIENTS: usize = 4;
    const WHY: &str = "What goes wrong with one client is no reason to leave all others alone.";
    let mut served = served(trial, CLIENTS, WHY)?;
    let mut places: Vec<usize> = (0..CLIENTS).collect();
    trial.random().shuffle(&mut places);
    let [reset, broken, ref others @ ..] = places[..] else { unreachable!("there are four") };
    served.clients[reset].will_not_receive(ErrorKind::ConnectionReset);
    trial.did(format!("{} resets the connection", served.clients[reset].name()));
    served.sends(trial, broken);
    served.clients[broken].will_not_take(ErrorKind::BrokenPipe);
    trial.did(format!("{} cannot be sent anything", served.clients[broken].name()));
    let words: Vec<String> = others.iter().map(|&place| served.sends(trial, place)).collect();
    served.round(trial, WHY)?;
    for (&place, word) in others.iter().zip(&words) {
        served.is_sent(trial, place, word.as_bytes(), WHY)?;
    }
    trial.expect("clients()", &(CLIENTS - 2), &served.server.clients(), WHY)?;
    let are_closed = served.clients[reset].is_closed() && served.clients[broken].is_closed();
    trial.ensure(are_closed, "the sockets of both are closed", "somebody keeps them", WHY)
}

pub(crate) fn a_slow_client_stalls_nobody(trial: &mut Trial) -> Verdict {
    const CLIENTS: usize = 3;
    const ROUNDS: usize = 3;
    const PIECES: usize = 4;
    const WHY: &str = "Who waits for a client to read waits for as long as the client likes, and so do \
                       all others. What it does not take now it is offered in the next round.";
    let mut served = served(trial, CLIENTS, WHY)?;
    let slow = trial.random().between(0, CLIENTS - 1);
    let sent = trial.random().word(64, 64).repeat(PIECES * RECEIVE_MAX / 64).into_bytes();
    served.clients[slow].will_receive(&sent);
    served.clients[slow].set_stuck(true);
    let name = served.clients[slow].name().to_owned();
    trial.did(format!("{name} sends {} KiB, and reads nothing", sent.len() / 1024));
    let mut expected = vec![String::new(); CLIENTS];
    for _ in 0..ROUNDS {
        for place in (0..CLIENTS).filter(|&place| place != slow) {
            expected[place].push_str(&served.sends(trial, place));
        }
        served.round(trial, WHY)?;
        served.turns();
        for place in (0..CLIENTS).filter(|&place| place != slow) {
            served.is_sent(trial, place, expected[place].as_bytes(), WHY)?;
        }
    }
    served.clients[slow].set_stuck(false);
    trial.did(format!("{name} reads"));
    for _ in 0..4 * PIECES {
        served.quiet_round(trial, WHY)?;
        served.turns();
    }
    trial.did(format!("{} rounds", 4 * PIECES));
    served.is_sent(trial, slow, &sent, "To be slow is no fault: it gets everything, and in order.")
}

pub(crate) fn only_a_broken_listener_ends_the_server(trial: &mut Trial) -> Verdict {
    const WHY: &str = "An accept that fails says that this client is gone, or that there is no room \
                       for it now. Neither is a reason to let those go who are served.";
    let mut served = served(trial, 1, WHY)?;
    let mut faults: Vec<io::Error> =
        vec![ErrorKind::ConnectionAborted.into(), Errno::MFILE.into(), Errno::MFILE.into()];
    trial.random().shuffle(&mut faults);
    let late = Scripted::new(trial, "client-2");
    let mut expected = String::new();
    for fault in faults {
        trial.did(format!("the listener will say: {fault}"));
        served.listener.will_accept(Err(fault));
        expected.push_str(&served.sends(trial, 0));
        served.round(trial, WHY)?;
        served.turns();
        served.is_sent(trial, 0, expected.as_bytes(), WHY)?;
    }
    served.listener.will_accept(Ok(late));
    trial.did("client-2 comes");
    served.round(trial, WHY)?;
    trial.expect("clients()", &2, &served.server.clients(), WHY)?;
    served.listener.will_accept(Err(Errno::NOTSOCK.into()));
    trial.did("the listener will say that it is no socket; round()");
    const BROKEN: &str = "A listening socket that does not work will not work the next time.";
    match patiently(trial, BROKEN, || served.server.round())? {
        Err(error) if error.raw_os_error() == Some(Errno::NOTSOCK.raw_os_error()) => Ok(()),
        Err(error) => trial.fail("the listener's own error", error, BROKEN),
        Ok(()) => trial.fail("the listener's own error", "round() goes well", BROKEN),
    }
}

pub(crate) fn clients_talk_in_any_order_and_leave_nothing_open(trial: &mut Trial) -> Verdict {
    const CLIENTS: usize = 3;
    const MESSAGES: usize = 9;
    const LONG: usize = 400_000;
    const WHY: &str = "No client waits for another one: whoever has sent something is answered, in \
                       whichever order.";
    let listener = TcpListener::bind("127.0.0.1:0").expect("the kernel has a port left");
    listener.set_nonblocking(true).expect("a socket can be told not to wait");
    let address = listener.local_addr().expect("a bound socket has an address");
    let stop = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&stop);
    let serving = trial
        .serve(move || BusyPoll::new(Socket::from(listener), || EchoBytes, Log::Quiet).run(&until));
    let open = || measure::descriptors(getpid()).map_or(0, |numbers| numbers.len());
    let before = open();
    let mut clients: Vec<Client> =
        (0..CLIENTS).map(|_| trial.client(address)).collect::<Result<_, _>>()?;
    for _ in 0..MESSAGES {
        let client = &mut clients[trial.random().between(0, CLIENTS - 1)];
        let word = trial.random().word(1, 9);
        client.send(word.as_bytes())?;
        client.receive(word.as_bytes(), WHY)?;
    }
    let long = trial.random().word(50, 50).repeat(LONG / 50);
    clients[0].send_and_receive(long.as_bytes(), long.as_bytes(), WHY)?;
    const END: &str = "The end of what a client sends is the end of its connection, when it is owed \
                       nothing any more.";
    for client in &mut clients {
        client.finish()?;
        client.receive_end(END)?;
    }
    drop(clients);
    const OPEN: &str = "A process has a bounded number of descriptors; each client takes one, and has \
                        to give it back.";
    trial.expect("descriptors more than before", &0, &open().saturating_sub(before), OPEN)?;
    stop.store(true, Ordering::Relaxed);
    match serving.end("run() ends when it is told to stop", WHY)? {
        Ok(_) => Ok(()),
        Err(error) => trial.fail("run() gives what it has cost", error, WHY),
    }
}
