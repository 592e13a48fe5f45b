use crate::limits::{pin_to, raise_descriptor_limit};
use crate::server::Server;
use crate::{mio_by_hand, peers, raw_epoll};
use chapter_01::{BACKLOG, EchoBytes, Log, listen, local_address};
use chapter_02::BusyPoll;
use chapter_03::{EchoServer, SelectorKind};
use chapter_04::{AsyncSocket, echo_client};
use chapter_05::{Echo, create_server};
use chapter_06::{StreamLimits, echo, start_server};
use rustix::process::{Signal, set_parent_process_death_signal};
use signal_hook::consts::SIGTERM;
use socket2::Socket;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a server says on its standard output once it serves, before its port and its process id.
pub(crate) const LISTENING: &str = "LISTENING";

impl Server {
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
        if self.python_module().is_some() {
            match peers::python::serve(self.name())? {}
        }
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0)), BACKLOG)?;
        listener.set_nonblocking(true)?;
        let port = local_address(&listener)?.port();
        self.serve(listener, move || {
            writeln!(io::stdout(), "{LISTENING} {port} {}", std::process::id())
        })
    }

    /// Serves at `listener`, which does not block, and calls `say` once it can be reached.
    fn serve(
        self,
        listener: Socket,
        say: impl Fn() -> io::Result<()> + 'static,
    ) -> anyhow::Result<()> {
        match self {
            Server::RawEpoll => {
                say()?;
                match raw_epoll::serve(&listener)? {}
            }
            Server::MioByHand => {
                say()?;
                let listener = TcpListener::from(listener);
                match mio_by_hand::serve(mio::net::TcpListener::from_std(listener))? {}
            }
            Server::SelectorMio => selector(listener, SelectorKind::Mio, say),
            Server::SelectorPolling => selector(listener, SelectorKind::Polling, say),
            Server::SockMio => sock(listener, SelectorKind::Mio, say),
            Server::SockPolling => sock(listener, SelectorKind::Polling, say),
            Server::ProtoMio => proto(listener, SelectorKind::Mio, say),
            Server::ProtoPolling => proto(listener, SelectorKind::Polling, say),
            Server::StreamMio => stream(listener, SelectorKind::Mio, say),
            Server::StreamPolling => stream(listener, SelectorKind::Polling, say),
            Server::BusyPoll => {
                // It alone ends by itself, to say how often it has polled.
                let stop = Arc::new(AtomicBool::new(false));
                signal_hook::flag::register(SIGTERM, Arc::clone(&stop))?;
                say()?;
                let polls = BusyPoll::new(listener, || EchoBytes, Log::Quiet).run(&stop)?;
                Ok(writeln!(io::stdout(), "{}", polls.asked)?)
            }
            Server::Tokio => {
                say()?;
                match peers::tokio::serve(listener.into(), peers::tokio::plain)? {}
            }
            Server::TokioBuffered => {
                say()?;
                match peers::tokio::serve(listener.into(), peers::tokio::buffered)? {}
            }
            Server::Smol => {
                say()?;
                match peers::smol::serve(listener.into())? {}
            }
            Server::AsyncioSock
            | Server::AsyncioProtocol
            | Server::AsyncioStreams
            | Server::UvloopSock
            | Server::UvloopProtocol
            | Server::UvloopStreams => unreachable!("Python has its own listener"),
        }
    }
}

/// Chapter 03's server.
fn selector(
    listener: Socket,
    kind: SelectorKind,
    say: impl Fn() -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut server = EchoServer::new(listener, kind, || EchoBytes, Log::Quiet)?;
    say()?;
    match server.run()? {}
}

/// Chapter 04's server.
fn sock(
    listener: Socket,
    kind: SelectorKind,
    say: impl Fn() -> io::Result<()> + 'static,
) -> anyhow::Result<()> {
    let ended = chapter_04::run_with(kind, async move {
        let listener = AsyncSocket::new(listener)?;
        say()?;
        chapter_04::serve(&listener, |client, peer| echo_client(client, peer, Log::Quiet)).await
    })?;
    match ended? {}
}

/// Chapter 05's server.
fn proto(
    listener: Socket,
    kind: SelectorKind,
    say: impl Fn() -> io::Result<()> + 'static,
) -> anyhow::Result<()> {
    let ended = chapter_04::run_with(kind, async move {
        let server = create_server(|| Echo::new(Log::Quiet), listener).await?;
        say()?;
        server.serve_forever().await
    })?;
    Ok(ended?)
}

/// Chapter 06's server.
fn stream(
    listener: Socket,
    kind: SelectorKind,
    say: impl Fn() -> io::Result<()> + 'static,
) -> anyhow::Result<()> {
    let ended = chapter_04::run_with(kind, async move {
        let serve = |reader, writer| echo(reader, writer, Log::Quiet);
        let server = start_server(serve, listener, StreamLimits::default()).await?;
        say()?;
        server.serve_forever().await
    })?;
    Ok(ended?)
}
