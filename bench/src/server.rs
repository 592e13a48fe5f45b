use crate::{mio_by_hand, raw_epoll};
use chapter_01::{BACKLOG, EchoBytes, Log, listen, local_address};
use chapter_02::BusyPoll;
use chapter_03::{EchoServer, SelectorKind};
use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{CpuSet, sched_setaffinity};
use signal_hook::consts::SIGTERM;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// An echo server to be measured: a layer of the book or one that it is compared to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// The limit: nothing between the loop and the kernel.
    RawEpoll,
    /// `mio` without a layer of ours.
    MioByHand,
    /// Chapter 02.
    BusyPoll,
    /// Chapter 03 over `mio`.
    SelectorMio,
    /// Chapter 03 over `polling`.
    SelectorPolling,
}

/// What a server says on its standard output once it serves, before its port and its process id.
pub(crate) const LISTENING: &str = "LISTENING";

impl Server {
    /// All of them; the first is what the others are compared to.
    pub const ALL: [Server; 5] = [
        Server::RawEpoll,
        Server::MioByHand,
        Server::BusyPoll,
        Server::SelectorMio,
        Server::SelectorPolling,
    ];

    /// Those that sleep when there is nothing to do.
    pub const RESTING: [Server; 4] =
        [Server::RawEpoll, Server::MioByHand, Server::SelectorMio, Server::SelectorPolling];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Server::RawEpoll => "raw-epoll",
            Server::MioByHand => "mio-by-hand",
            Server::BusyPoll => "busy-poll",
            Server::SelectorMio => "selector-mio",
            Server::SelectorPolling => "selector-polling",
        }
    }

    /// Its name in a table.
    pub fn title(self) -> &'static str {
        match self {
            Server::RawEpoll => "raw epoll in one loop",
            Server::MioByHand => "mio, drained by hand",
            Server::BusyPoll => "chapter 02, busy-poll",
            Server::SelectorMio => "chapter 03 over mio",
            Server::SelectorPolling => "chapter 03 over polling",
        }
    }

    /// The server of that name.
    pub fn named(name: &str) -> Option<Server> {
        Server::ALL.into_iter().find(|server| server.name() == name)
    }

    /// Is this server, in this process, until the parent ends it: listens at a free port of the loopback interface,
    /// says so, serves.
    ///
    /// # Errors
    ///
    /// If it cannot start, or its listener fails.
    pub fn run(self, core: Option<usize>) -> anyhow::Result<()> {
        // Whatever becomes of the parent, no server is left behind.
        set_parent_process_death_signal(Some(Signal::KILL))?;
        raise_descriptor_limit()?;
        core.map_or(Ok(()), pin_to)?;
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0)), BACKLOG)?;
        listener.set_nonblocking(true)?;
        let port = local_address(&listener)?.port();
        let say = || writeln!(io::stdout(), "{LISTENING} {port} {}", std::process::id());
        match self {
            Server::RawEpoll => {
                say()?;
                match raw_epoll::serve(&listener)? {}
            }
            Server::MioByHand => {
                say()?;
                match mio_by_hand::serve(mio::net::TcpListener::from_std(TcpListener::from(
                    listener,
                )))? {}
            }
            Server::SelectorMio | Server::SelectorPolling => {
                let mio = self == Server::SelectorMio;
                let kind = if mio { SelectorKind::Mio } else { SelectorKind::Polling };
                let mut server = EchoServer::new(listener, kind, || EchoBytes, Log::Quiet)?;
                say()?;
                match server.run()? {}
            }
            Server::BusyPoll => {
                // It alone ends by itself, to say how often it has polled.
                let stop = Arc::new(AtomicBool::new(false));
                signal_hook::flag::register(SIGTERM, Arc::clone(&stop))?;
                say()?;
                let polls = BusyPoll::new(listener, || EchoBytes, Log::Quiet).run(&stop)?;
                Ok(writeln!(io::stdout(), "{}", polls.asked)?)
            }
        }
    }
}

/// Keeps the calling thread on one processor.
///
/// # Errors
///
/// If there is no such processor.
pub fn pin_to(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Lets this process open as many descriptors as it may, and says how many that is.
///
/// # Errors
///
/// The kernel's.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum.unwrap_or(u64::MAX))
}
