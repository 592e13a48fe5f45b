use crate::client::{Buffers, Client};
use crate::try_io::TryIo;
use chapter_01::{AcceptFault, End, Log, Reply};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

/// A server that asks its listener and each of its clients in turn, round after round, without
/// rest.
///
/// No client can hold up another: every question is answered at once (SK-08). The price is the
/// questions.
#[derive(Debug)]
pub struct BusyPoll<S, R, N> {
    listener: S,
    clients: Vec<(S, Client<R>)>,
    new_reply: N,
    buffers: Buffers,
    polls: Polls,
    /// Whether clients wait because no descriptor is left, which is said once.
    exhausted: bool,
    log: Log,
}

/// How often a server has asked, and how often the answer was "not yet".
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Polls {
    /// All questions.
    pub asked: u64,
    /// Those answered with "not yet".
    pub in_vain: u64,
}

impl<S: TryIo, R: Reply, N: FnMut() -> R> BusyPoll<S, R, N> {
    /// A server on `listener`, which must be in non-blocking mode; `new_reply` makes the replies of
    /// one client.
    pub fn new(listener: S, new_reply: N, log: Log) -> BusyPoll<S, R, N> {
        let (clients, buffers, polls) = (Vec::new(), Buffers::default(), Polls::default());
        BusyPoll { listener, clients, new_reply, buffers, polls, exhausted: false, log }
    }

    /// Runs until `stop` is set, and says what it has cost.
    ///
    /// # Errors
    ///
    /// Only if the listening socket itself fails. What goes wrong with a client ends that client
    /// alone.
    pub fn run(&mut self, stop: &AtomicBool) -> io::Result<Polls> {
        while !stop.load(Ordering::Relaxed) {
            self.round()?;
        }
        Ok(self.polls)
    }

    /// Asks everybody once.
    ///
    /// # Errors
    ///
    /// As [`run`](BusyPoll::run).
    pub fn round(&mut self) -> io::Result<()> {
        self.accept()?;
        let BusyPoll { clients, buffers, polls, log, .. } = self;
        // A client that has ended leaves the list and its socket is closed (SK-13).
        clients.retain_mut(|(socket, client)| {
            match ask(socket, client, buffers, polls, *log).transpose() {
                None => true,
                Some(outcome) => {
                    client.log_end(outcome, *log);
                    false
                }
            }
        });
        Ok(())
    }

    /// How many clients are connected.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    fn accept(&mut self) -> io::Result<()> {
        match self.polls.count(self.listener.try_accept()) {
            Ok(Poll::Ready((socket, peer))) => {
                self.clients.push((socket, Client::new(peer, (self.new_reply)(), self.log)));
            }
            Ok(Poll::Pending) => self.exhausted = false,
            Err(error) => match AcceptFault::of(&error) {
                AcceptFault::Client => {}
                AcceptFault::Exhausted => {
                    // The next round asks again, as it would anyway.
                    if !self.exhausted {
                        Log::report(format_args!("cannot accept: {error}; trying again"));
                    }
                    self.exhausted = true;
                }
                AcceptFault::Listener => return Err(error),
            },
        }
        Ok(())
    }
}

/// Asks one client what can be done for it right now, and says how it has ended if it has.
fn ask<S: TryIo, R: Reply>(
    socket: &S,
    client: &mut Client<R>,
    buffers: &mut Buffers,
    polls: &mut Polls,
    log: Log,
) -> io::Result<Option<End>> {
    if client.wants_to_send() {
        let _ = polls.count(client.flush(socket))?;
    }
    if client.wants_to_receive() {
        let _ = polls.count(client.receive(socket, buffers, log))?;
    }
    Ok(client.ended())
}

impl Polls {
    /// Counts one question by its answer, which it hands on.
    fn count<T>(&mut self, answer: io::Result<Poll<T>>) -> io::Result<Poll<T>> {
        self.asked += 1;
        self.in_vain += u64::from(matches!(answer, Ok(Poll::Pending)));
        answer
    }
}

impl fmt::Display for Polls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asked {} times, {} of them in vain", self.asked, self.in_vain)
    }
}
