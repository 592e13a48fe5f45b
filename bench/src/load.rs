use crate::client::Client;
use crate::pattern::{PIECE_MAX, Pattern};
use anyhow::{Context, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

/// How far apart two connections begin in the pattern.
const STRIDE: u64 = 7_919;

/// The load generator: many connections to one echo server, on one thread that waits with epoll.
///
/// The loop is closed: a connection sends its next message when one has come back, so that never more than
/// connections × window messages are on their way and the server is never asked for more than it can do. Every byte
/// that comes back is checked.
pub struct Load {
    server: SocketAddr,
    message_bytes: usize,
    epoll: OwnedFd,
    clients: Vec<Client>,
    pattern: Pattern,
    buffer: Box<[u8; PIECE_MAX]>,
    events: Vec<Event>,
}

/// One run of the load.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many of the connections take part, spread evenly over all.
    pub active: usize,
    /// How many messages, all connections together.
    pub messages: usize,
    /// How many messages of one connection may be on their way.
    pub window: usize,
    /// How long to rest before each message but the first ones: a server that a tool slows down has then gone to
    /// sleep, as it would have without the tool.
    pub pause: Duration,
    /// How long it may take; longer is an error.
    pub time_max: Duration,
}

/// What a run has shown from the side of the clients.
#[derive(Debug)]
pub struct Outcome {
    /// From the first byte sent to the last one received.
    pub elapsed: Duration,
    /// Of each message, in order of completion: from the first byte sent to the last one received.
    pub latencies: Vec<Duration>,
}

impl Load {
    /// A load without connections, of messages of `message_bytes`, at least one byte.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn new(server: SocketAddr, message_bytes: usize) -> anyhow::Result<Load> {
        ensure!(message_bytes > 0, "a message has at least one byte");
        Ok(Load {
            server,
            message_bytes,
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            clients: Vec::new(),
            pattern: Pattern::default(),
            buffer: Box::new([0; PIECE_MAX]),
            events: Vec::with_capacity(1024),
        })
    }

    /// Opens connections, one after the other, until there are `connections`. Each has exchanged one message.
    ///
    /// # Errors
    ///
    /// As [`run`](Load::run), and those of connecting.
    pub fn open(&mut self, connections: usize, time_max: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + time_max;
        for index in self.clients.len()..connections {
            let client = Client::connect(self.server, index as u64 * STRIDE)
                .with_context(|| format!("connection {index}"))?;
            epoll::add(
                &self.epoll,
                &client.socket,
                EventData::new_u64(index as u64),
                client.watched,
            )?;
            self.clients.push(client);
            self.exchange(std::iter::once(index), 1, 1, Duration::ZERO, deadline)?;
        }
        Ok(())
    }

    /// Sends and receives as planned. Afterwards nothing is on its way.
    ///
    /// # Errors
    ///
    /// A byte that is not the one sent, a connection that the server closes, or the time limit.
    pub fn run(&mut self, plan: Plan) -> anyhow::Result<Outcome> {
        let count = self.clients.len();
        ensure!(
            0 < plan.active && plan.active <= count,
            "{} of {count} connections cannot be active",
            plan.active
        );
        let clients = (0..plan.active).map(|nth| nth * count / plan.active);
        self.exchange(
            clients,
            plan.messages,
            plan.window,
            plan.pause,
            Instant::now() + plan.time_max,
        )
    }

    fn exchange(
        &mut self,
        clients: impl Iterator<Item = usize>,
        messages: usize,
        window: usize,
        pause: Duration,
        deadline: Instant,
    ) -> anyhow::Result<Outcome> {
        let started = Instant::now();
        let mut latencies = Vec::with_capacity(messages);
        let mut to_begin = messages;
        for index in clients {
            let now = window.min(to_begin);
            to_begin -= now;
            self.begin(index, now)?;
        }
        while latencies.len() < messages {
            self.wait(deadline)
                .with_context(|| format!("{} of {messages} messages are back", latencies.len()))?;
            for place in 0..self.events.len() {
                let Event { flags, data, .. } = self.events[place];
                let index = data.u64() as usize;
                let whole = self
                    .serve(index, flags, &mut latencies)
                    .with_context(|| format!("connection {index}"))?;
                let now = whole.min(to_begin);
                to_begin -= now;
                if !pause.is_zero() && now > 0 {
                    thread::sleep(pause);
                }
                self.begin(index, now)?;
            }
        }
        Ok(Outcome { elapsed: started.elapsed(), latencies })
    }

    fn begin(&mut self, index: usize, messages: usize) -> anyhow::Result<()> {
        let client = &mut self.clients[index];
        for _ in 0..messages {
            client
                .begin(&self.pattern, self.message_bytes)
                .with_context(|| format!("connection {index}"))?;
        }
        let wanted = client.wanted();
        if client.watched != wanted {
            client.watched = wanted;
            epoll::modify(&self.epoll, &client.socket, EventData::new_u64(index as u64), wanted)?;
        }
        Ok(())
    }

    fn serve(
        &mut self,
        index: usize,
        flags: EventFlags,
        latencies: &mut Vec<Duration>,
    ) -> anyhow::Result<usize> {
        let client = &mut self.clients[index];
        if flags.contains(EventFlags::OUT) {
            client.flush(&self.pattern)?;
        }
        client.receive(&self.pattern, self.message_bytes, &mut self.buffer, latencies)
    }

    fn wait(&mut self, deadline: Instant) -> anyhow::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        ensure!(!left.is_zero(), "the time is over");
        let timeout = Timespec::try_from(left)?;
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&timeout)) {
            Err(Errno::INTR) => Ok(()),
            outcome => Ok(outcome.map(drop)?),
        }
    }
}
