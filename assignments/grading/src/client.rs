use crate::shown::{difference, shown};
use crate::standstill::Standstill;
use crate::story::{Story, Verdict};
use crate::trial::Notes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

/// How long a look at a socket lasts before the server is looked at.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// How long a handshake with the kernel may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// What is received at once.
const PIECE: usize = 64 * 1024;

/// One connection of a check. It notes what it does, and it waits as long as the server can still
/// do something: where everything sleeps, the story ends.
#[derive(Debug)]
pub struct Client {
    name: String,
    stream: Socket,
    notes: Notes,
    /// How a send has found the connection lost. The kernel says so once, to whoever asks first;
    /// here it is always the next receive that tells, so that a story does not depend on who was
    /// faster.
    lost: Option<ErrorKind>,
}

/// How a wait for bytes has ended before they were all there.
enum Stop {
    EndOfFile,
    Lost(io::Error),
    InVain(String),
}

impl Client {
    pub(crate) fn connect(
        name: String,
        address: SocketAddr,
        notes: Notes,
    ) -> Result<Client, Box<Story>> {
        let connect = || {
            let stream = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
            stream.connect_timeout(&address.into(), CONNECT_MAX)?;
            stream.set_tcp_nodelay(true)?;
            stream.set_nonblocking(true)?;
            Ok(stream)
        };
        match connect() {
            Ok(stream) => {
                notes.did(format_args!("{name} connects"));
                Ok(Client { name, stream, notes, lost: None })
            }
            Err::<_, io::Error>(error) => Err(notes.story(
                format_args!("{name} connects"),
                error,
                "A socket that listens lets the kernel complete connections for it.",
            )),
        }
    }

    /// What it is called in a story.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its own address.
    ///
    /// # Panics
    ///
    /// If the kernel does not know, which it does.
    pub fn address(&self) -> SocketAddr {
        let address = self.stream.local_addr().expect("a connected socket has an address");
        address.as_socket().expect("it is of the IP family")
    }

    /// Sends all of `bytes`. If the connection is lost, the next receive tells.
    ///
    /// # Errors
    ///
    /// The server takes nothing.
    pub fn send(&mut self, bytes: &[u8]) -> Verdict {
        self.notes.did(format_args!("{} sends {}", self.name, shown(bytes)));
        let mut wait = Standstill::begin();
        let mut left = bytes;
        while !left.is_empty() {
            match self.stream.write(left) {
                Ok(count) => left = &left[count..],
                Err(error) if is_not_yet(&error) => {
                    if let Some(reason) = self.in_vain(PollFlags::OUT, &mut wait) {
                        return Err(self.notes.story(
                            format_args!("the server takes what {} sends", self.name),
                            format_args!("{} bytes are left, and {reason}", left.len()),
                            "Who is not read from can send no more than the kernel keeps for it.",
                        ));
                    }
                }
                Err(error) => {
                    self.lost = Some(error.kind());
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sends as much of `bytes` as is taken while this client receives nothing, and says how much.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub fn send_until_stuck(&mut self, bytes: &[u8]) -> Result<usize, Box<Story>> {
        let mut wait = Standstill::short();
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(count) => (sent, wait) = (sent + count, Standstill::short()),
                Err(error) if is_not_yet(&error) => {
                    if self.in_vain(PollFlags::OUT, &mut wait).is_some() {
                        break;
                    }
                }
                Err(error) => {
                    return Err(self.notes.story(
                        format_args!("the server keeps {}, who does not read", self.name),
                        describe(&Stop::Lost(error)),
                        "A slow reader is no fault: it waits, and so does what it is to be sent.",
                    ));
                }
            }
        }
        // How much the kernel takes differs from run to run, so a story does not tell.
        self.notes.did(format_args!(
            "{} sends until nothing more is taken, and reads nothing",
            self.name
        ));
        Ok(sent)
    }

    /// Receives as many bytes as `expected` has; they must be the same. `why` is for the story if
    /// they are not.
    ///
    /// # Errors
    ///
    /// They are not, or do not come.
    pub fn receive(&mut self, expected: &[u8], why: &str) -> Verdict {
        let (came, stop) = self.receive_up_to(expected.len());
        self.compare(expected, &came, stop, why)?;
        self.notes.did(format_args!("{} receives {}", self.name, shown(expected)));
        Ok(())
    }

    /// Receives the end of file, and nothing before it.
    ///
    /// # Errors
    ///
    /// Something comes, or the end does not, or the connection is reset.
    pub fn receive_end(&mut self, why: &str) -> Verdict {
        let (came, stop) = self.receive_up_to(1);
        if let (true, Some(Stop::EndOfFile)) = (came.is_empty(), &stop) {
            self.notes.did(format_args!("{} receives the end of file", self.name));
            return Ok(());
        }
        let came = came_then(&came, stop.as_ref());
        Err(self.notes.story(format_args!("{} receives the end of file", self.name), came, why))
    }

    /// Nothing has come that was not received, and the server rests.
    ///
    /// # Errors
    ///
    /// Something comes, or the connection ends.
    pub fn hears_nothing(&mut self, why: &str) -> Verdict {
        let mut wait = Standstill::short();
        while self.in_vain(PollFlags::IN, &mut wait).is_none() {
            let (came, stop) = self.receive_up_to(PIECE);
            if !came.is_empty() || !matches!(stop, Some(Stop::InVain(_))) {
                let came = came_then(&came, stop.as_ref());
                return Err(self.notes.story(
                    format_args!("{} hears nothing", self.name),
                    came,
                    why,
                ));
            }
        }
        self.notes.did(format_args!("{} hears nothing", self.name));
        Ok(())
    }

    /// Sends all of `outgoing` and receives `expected` meanwhile.
    ///
    /// # Errors
    ///
    /// Something else comes, or not all of it.
    pub fn send_and_receive(&mut self, outgoing: &[u8], expected: &[u8], why: &str) -> Verdict {
        let mut wait = Standstill::begin();
        let (mut left, mut came) = (outgoing, Vec::new());
        let stop = loop {
            if came.len() >= expected.len() && left.is_empty() {
                break None;
            }
            match self.stream.write(left) {
                // Nothing is left to send, or something was taken.
                Ok(count) if count > 0 => {
                    left = &left[count..];
                    wait = Standstill::begin();
                }
                Err(error) if !is_not_yet(&error) => break Some(Stop::Lost(error)),
                _ => {}
            }
            match self.receive_now(&mut came, expected.len()) {
                Ok(0) if came.len() < expected.len() => break Some(Stop::EndOfFile),
                Ok(_) => wait = Standstill::begin(),
                Err(error) if is_not_yet(&error) => {
                    let flags = if left.is_empty() {
                        PollFlags::IN
                    } else {
                        PollFlags::IN | PollFlags::OUT
                    };
                    if let Some(reason) = self.in_vain(flags, &mut wait) {
                        break Some(Stop::InVain(reason));
                    }
                }
                Err(error) => break Some(Stop::Lost(error)),
            }
        };
        self.compare(expected, &came, stop, why)?;
        self.notes.did(format_args!("{} receives {}", self.name, shown(expected)));
        Ok(())
    }

    /// Says that it will send no more. It can still receive. If the connection is lost, the next
    /// receive tells.
    ///
    /// # Errors
    ///
    /// None so far.
    pub fn finish(&mut self) -> Verdict {
        self.notes.did(format_args!("{} says that it will send no more", self.name));
        if let Err(error) = self.stream.shutdown(Shutdown::Write) {
            self.lost = Some(error.kind());
        }
        Ok(())
    }

    /// Closes its socket.
    pub fn close(self) {
        self.notes.did(format_args!("{} closes", self.name));
    }

    /// Ends the connection without a good-bye: the server gets a reset.
    ///
    /// # Panics
    ///
    /// If the kernel refuses the option, which it does not.
    pub fn reset(self) {
        self.notes.did(format_args!("{} resets the connection", self.name));
        self.stream.set_linger(Some(Duration::ZERO)).expect("a connected socket can linger");
    }

    /// Receives `count` bytes, or fewer and why.
    fn receive_up_to(&mut self, count: usize) -> (Vec<u8>, Option<Stop>) {
        let mut wait = Standstill::begin();
        let mut came = Vec::new();
        while came.len() < count {
            match self.receive_now(&mut came, count) {
                Ok(0) => return (came, Some(Stop::EndOfFile)),
                Ok(_) => wait = Standstill::begin(),
                Err(error) if is_not_yet(&error) => {
                    if let Some(reason) = self.in_vain(PollFlags::IN, &mut wait) {
                        return (came, Some(Stop::InVain(reason)));
                    }
                }
                Err(error) => return (came, Some(Stop::Lost(error))),
            }
        }
        (came, None)
    }

    fn receive_now(&mut self, came: &mut Vec<u8>, count: usize) -> io::Result<usize> {
        if let Some(kind) = self.lost {
            return Err(kind.into());
        }
        let before = came.len();
        came.resize(before + PIECE.min(count - before), 0);
        let got = self.stream.read(&mut came[before..]);
        came.truncate(before + *got.as_ref().unwrap_or(&0));
        got
    }

    fn compare(&self, expected: &[u8], came: &[u8], stop: Option<Stop>, why: &str) -> Verdict {
        if expected == came {
            return Ok(());
        }
        let mut text = came_then(came, stop.as_ref());
        if let Some(difference) = difference(expected, came).filter(|_| stop.is_none()) {
            text = format!("{text}; {difference}");
        }
        let expected = format!("{} receives {}", self.name, shown(expected));
        Err(self.notes.story(expected, text, why))
    }

    /// Looks for a moment whether the socket is ready, and if it is not, whether it can still
    /// become so.
    fn in_vain(&self, flags: PollFlags, wait: &mut Standstill) -> Option<String> {
        let mut waiting = [PollFd::new(&self.stream, flags)];
        // Interrupted is as good as not ready: the caller looks again.
        let ready = poll(&mut waiting, Some(&LOOK)).unwrap_or(0);
        if ready > 0 { None } else { wait.reached() }
    }
}

fn came_then(came: &[u8], stop: Option<&Stop>) -> String {
    match stop {
        None => shown(came),
        Some(stop) if came.is_empty() => describe(stop),
        Some(stop) => format!("{}, then {}", shown(came), describe(stop)),
    }
}

fn describe(stop: &Stop) -> String {
    match stop {
        Stop::EndOfFile => "the end of file".to_owned(),
        Stop::Lost(error) => match error.kind() {
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::NotConnected => {
                "a reset".to_owned()
            }
            _ => error.to_string(),
        },
        Stop::InVain(reason) => format!("nothing: {reason}"),
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
