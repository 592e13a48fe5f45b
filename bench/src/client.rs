use crate::pattern::{PIECE_MAX, Pattern};
use anyhow::{bail, ensure};
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long a connect may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// One connection of the load generator: sends its part of the pattern and checks that the same comes back.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    /// Where in the pattern this connection begins. Each begins elsewhere, so that a mix-up shows.
    start: u64,
    sent: u64,
    received: u64,
    /// How many bytes of messages that have begun the kernel has not taken yet.
    unsent: usize,
    /// When the messages began that have not come back whole, oldest first; the window bounds it.
    begun: VecDeque<Instant>,
    /// What the kernel watches the socket for.
    pub(crate) watched: EventFlags,
}

impl Client {
    pub(crate) fn connect(server: SocketAddr, start: u64) -> anyhow::Result<Client> {
        let socket = TcpStream::connect_timeout(&server, CONNECT_MAX)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let (sent, received, unsent, begun) = (0, 0, 0, VecDeque::new());
        Ok(Client { socket, start, sent, received, unsent, begun, watched: EventFlags::IN })
    }

    /// Sends one more message, as far as the kernel takes it.
    pub(crate) fn begin(&mut self, pattern: &Pattern, message_bytes: usize) -> anyhow::Result<()> {
        self.unsent += message_bytes;
        self.begun.push_back(Instant::now());
        self.flush(pattern)
    }

    /// Offers the kernel what waits.
    pub(crate) fn flush(&mut self, pattern: &Pattern) -> anyhow::Result<()> {
        while self.unsent > 0 {
            let piece = pattern.at(self.start + self.sent, self.unsent);
            match send(&self.socket, piece, SendFlags::NOSIGNAL) {
                Ok(count) => {
                    self.sent += count as u64;
                    self.unsent -= count;
                }
                Err(Errno::AGAIN) => break,
                Err(error) => bail!("lost after {} of {} bytes: {error}", self.received, self.sent),
            }
        }
        Ok(())
    }

    /// Receives once, checks every byte, and puts the latency of each message that is whole now into `latencies`.
    /// Says how many those are.
    pub(crate) fn receive(
        &mut self,
        pattern: &Pattern,
        message_bytes: usize,
        buffer: &mut [u8; PIECE_MAX],
        latencies: &mut Vec<Duration>,
    ) -> anyhow::Result<usize> {
        let count = match recv(&self.socket, &mut buffer[..], RecvFlags::empty()) {
            Ok((count, _)) => count,
            Err(Errno::AGAIN) => return Ok(0),
            Err(error) => bail!("lost after {} of {} bytes: {error}", self.received, self.sent),
        };
        ensure!(count > 0, "the server closed after {} of {} bytes", self.received, self.sent);
        self.check(pattern, &buffer[..count])?;
        let messages = |bytes: u64| bytes / message_bytes as u64;
        let whole = messages(self.received + count as u64) - messages(self.received);
        self.received += count as u64;
        let now = Instant::now();
        latencies.extend(self.begun.drain(..whole as usize).map(|begun| now - begun));
        Ok(whole as usize)
    }

    fn check(&self, pattern: &Pattern, received: &[u8]) -> anyhow::Result<()> {
        let after = self.received + received.len() as u64;
        ensure!(after <= self.sent, "the server sent {after} bytes in answer to {}", self.sent);
        let expected = pattern.at(self.start + self.received, received.len());
        if expected != received {
            let at = expected
                .iter()
                .zip(received)
                .take_while(|(expected, received)| expected == received)
                .count();
            bail!(
                "byte {} came back as {} instead of {}",
                self.received + at as u64,
                received[at],
                expected[at]
            );
        }
        Ok(())
    }

    /// What the kernel should watch the socket for.
    pub(crate) fn wanted(&self) -> EventFlags {
        if self.unsent > 0 { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN }
    }
}
