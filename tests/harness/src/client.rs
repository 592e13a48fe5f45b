use crate::limit::PATIENCE;
use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long the peer must take nothing to count as standing still, in milliseconds. If that is
/// wrong once, on a slow machine, a script is less demanding than it could be; its outcome is the
/// same.
const STANDSTILL_MS: i64 = 200;

/// How often the first of two clients has its turn before the second one counts as kept waiting.
/// Three are enough for a server that does one thing a round.
const TURNS: usize = 20;

/// One connection of a script. Each byte is sent at once, and nothing is waited for longer than
/// [`PATIENCE`]: the error says who waited for what, and how far it came.
#[derive(Debug)]
pub struct Client {
    name: String,
    stream: Socket,
}

/// `count` bytes of which each tells its place, as far as 251 places around: a byte lost, doubled
/// or swapped shows.
pub fn pattern(count: usize) -> Vec<u8> {
    let around: Vec<u8> = (0..251).collect();
    let mut bytes = around.repeat(count.div_ceil(around.len()));
    bytes.truncate(count);
    bytes
}

impl Client {
    /// Connects. The name is for messages.
    ///
    /// # Errors
    ///
    /// Those of `connect(2)`.
    pub fn connect(name: impl Into<String>, address: SocketAddr) -> Result<Client> {
        let name = name.into();
        let stream = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        stream
            .connect_timeout(&address.into(), PATIENCE)
            .with_context(|| format!("{name} cannot connect to {address}"))?;
        stream.set_tcp_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client { name, stream })
    }

    /// Connects to a path of the file system.
    ///
    /// # Errors
    ///
    /// Those of `connect(2)`.
    pub fn connect_to_path(name: impl Into<String>, path: &Path) -> Result<Client> {
        let name = name.into();
        let stream = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        stream
            .connect(&SockAddr::unix(path)?)
            .with_context(|| format!("{name} cannot connect to {}", path.display()))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client { name, stream })
    }

    /// Its own address.
    ///
    /// # Errors
    ///
    /// The kernel's; or it is connected to a path, and has none.
    pub fn address(&self) -> Result<SocketAddr> {
        self.stream.local_addr()?.as_socket().context("a client of a path has no IP address")
    }

    /// Sends all of `bytes`.
    ///
    /// # Errors
    ///
    /// The connection is lost, or the peer takes nothing.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let sent = self.stream.write_all(bytes);
        sent.with_context(|| format!("{} was to send {} bytes", self.name, bytes.len()))
    }

    /// Sends one urgent byte.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub fn send_urgent(&mut self, byte: u8) -> Result<()> {
        let sent = self.stream.send_out_of_band(&[byte]);
        ensure!(sent.with_context(|| format!("{} was to send an urgent byte", self.name))? == 1);
        Ok(())
    }

    /// Sends as much of `bytes` as the peer and the kernel take while nothing is received, and says
    /// how much.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub fn send_until_stuck(&mut self, bytes: &[u8]) -> Result<usize> {
        self.stream.set_nonblocking(true)?;
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !self.becomes_writable()? {
                        break;
                    }
                }
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("{} had sent {sent} bytes", self.name));
                }
            }
        }
        self.stream.set_nonblocking(false)?;
        Ok(sent)
    }

    fn becomes_writable(&self) -> Result<bool> {
        let mut waiting = [PollFd::new(&self.stream, PollFlags::OUT)];
        let timeout = Timespec { tv_sec: 0, tv_nsec: STANDSTILL_MS * 1_000_000 };
        loop {
            match poll(&mut waiting, Some(&timeout)) {
                Err(Errno::INTR) => {}
                ready => return Ok(ready? > 0),
            }
        }
    }

    /// Receives exactly `count` bytes.
    ///
    /// # Errors
    ///
    /// They do not come, or the connection ends.
    pub fn receive(&mut self, count: usize) -> Result<Vec<u8>> {
        let (mut received, deadline) = (Vec::with_capacity(count), Instant::now() + PATIENCE);
        let mut buffer = vec![0; count.min(64 * 1024)];
        while received.len() < count {
            let room = buffer.len().min(count - received.len());
            let got = self.receive_some(&mut buffer[..room], deadline);
            let got = got.with_context(|| {
                format!("{} waited for {count} bytes, got {}", self.name, received.len())
            })?;
            ensure!(
                got > 0,
                "{} waited for {count} bytes, got {} and end of file",
                self.name,
                received.len()
            );
            received.extend_from_slice(&buffer[..got]);
        }
        Ok(received)
    }

    /// Receives up to and with the next `last` byte.
    ///
    /// # Errors
    ///
    /// As [`receive`](Client::receive).
    pub fn receive_up_to(&mut self, last: u8) -> Result<Vec<u8>> {
        let mut received = Vec::new();
        while received.last() != Some(&last) {
            let next = self
                .receive(1)
                .with_context(|| format!("so far \"{}\"", received.escape_ascii()))?;
            received.extend(next);
        }
        Ok(received)
    }

    /// Receives a line, with its end.
    ///
    /// # Errors
    ///
    /// As [`receive`](Client::receive).
    pub fn receive_line(&mut self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.receive_up_to(b'\n')?).into_owned())
    }

    /// Receives everything up to end of file.
    ///
    /// # Errors
    ///
    /// The end does not come, or the connection is reset.
    pub fn receive_to_end(&mut self) -> Result<Vec<u8>> {
        let (mut received, deadline) = (Vec::new(), Instant::now() + PATIENCE);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let got = self.receive_some(&mut buffer, deadline);
            match got.with_context(|| {
                format!("{} waited for the end, got {} bytes", self.name, received.len())
            })? {
                0 => return Ok(received),
                got => received.extend_from_slice(&buffer[..got]),
            }
        }
    }

    /// Sends `bytes` and receives as many; they must be the same.
    ///
    /// # Errors
    ///
    /// They are not, or do not come.
    pub fn echo(&mut self, bytes: &[u8]) -> Result<()> {
        self.send(bytes)?;
        self.receive_back(bytes)
    }

    /// Receives as many bytes as were sent; they must be the same.
    ///
    /// # Errors
    ///
    /// They are not, or do not come.
    pub fn receive_back(&mut self, sent: &[u8]) -> Result<()> {
        let received = self.receive(sent.len())?;
        if received == sent {
            return Ok(());
        }
        let same =
            received.iter().zip(sent).take_while(|(received, sent)| received == sent).count();
        bail!("{} did not get back what it had sent, from byte {same} on", self.name)
    }

    /// As [`receive_back`](Client::receive_back) for all of `bytes`, of which `sent` are sent and
    /// the others are sent meanwhile.
    ///
    /// # Errors
    ///
    /// They are not the same, do not come, or cannot be sent.
    pub fn send_rest_and_receive_back(&mut self, bytes: &[u8], sent: usize) -> Result<()> {
        let mut writer =
            Client { name: format!("{}'s writer", self.name), stream: self.stream.try_clone()? };
        thread::scope(|scope| {
            let writing = scope.spawn(move || writer.send(&bytes[sent..]));
            self.receive_back(bytes)?;
            writing.join().expect("a writer does not panic")
        })
    }

    /// Whether nothing has come that was not received yet.
    ///
    /// # Errors
    ///
    /// The connection has ended: neither silent nor not.
    pub fn is_silent(&self) -> Result<bool> {
        self.stream.set_nonblocking(true)?;
        let peeked = self.stream.peek(&mut [MaybeUninit::uninit()]);
        self.stream.set_nonblocking(false)?;
        match peeked {
            Ok(0) => bail!("{} was closed by the server", self.name),
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error).with_context(|| format!("{} was lost", self.name)),
        }
    }

    /// Whether `second` is answered beside this client, of which the server has taken notice
    /// before.
    ///
    /// `second` sends, then this client has twenty turns. A server that has done all that and still
    /// not answered `second` keeps it waiting: an absence, proved without waiting.
    ///
    /// # Errors
    ///
    /// This client itself is not answered, or `second` not in the same way twice.
    pub fn is_served_beside(&mut self, second: &mut Client) -> Result<bool> {
        second.send(b"2")?;
        self.turns()?;
        if second.is_silent()? {
            return Ok(false);
        }
        // Again, and now this client is silent.
        second.receive_back(b"2")?;
        second.echo(b"3")?;
        Ok(true)
    }

    /// Goes to the server and back twenty times: after that it has served whoever came before.
    ///
    /// # Errors
    ///
    /// As [`echo`](Client::echo).
    pub fn turns(&mut self) -> Result<()> {
        (0..TURNS).try_for_each(|_| self.echo(b"1"))
    }

    /// Says that it will send no more. It can still receive.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub fn finish(&mut self) -> Result<()> {
        self.stream
            .shutdown(Shutdown::Write)
            .with_context(|| format!("{} was to finish", self.name))
    }

    /// Ends the connection without a good-bye: the peer gets a reset.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn reset(self) -> Result<()> {
        Ok(self.stream.set_linger(Some(Duration::ZERO))?)
    }

    /// Gives the socket away, for instance to a child process.
    pub fn into_fd(self) -> OwnedFd {
        self.stream.into()
    }

    fn receive_some(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            ensure!(!left.is_zero(), "nothing more came in {PATIENCE:?}");
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(buffer) {
                Err(error) if is_retried(&error) => {}
                outcome => return Ok(outcome?),
            }
        }
    }
}

/// A receive that was interrupted, or whose time is over, which the caller looks at.
fn is_retried(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
