use crate::peers::python;
use crate::tool::Measured;
use serde::{Deserialize, Serialize};

/// An echo server to be measured: a layer of the book or one that it is compared to. All of them set `TCP_NODELAY`,
/// serve on one thread and send back the bytes that they have received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// Chapter 04's sockets over `mio`.
    SockMio,
    /// Chapter 04's sockets over `polling`.
    SockPolling,
    /// Chapter 05's protocols over `mio`.
    ProtoMio,
    /// Chapter 05's protocols over `polling`.
    ProtoPolling,
    /// Chapter 06's streams over `mio`.
    StreamMio,
    /// Chapter 06's streams over `polling`.
    StreamPolling,
    /// tokio's current-thread runtime, a task for each client.
    Tokio,
    /// The same with a buffered reader and a buffered writer.
    TokioBuffered,
    /// smol's reactor under one executor, a task for each client.
    Smol,
    /// asyncio, `sock_recv` and `sock_sendall` in a task for each client.
    AsyncioSock,
    /// asyncio, a protocol for each client.
    AsyncioProtocol,
    /// asyncio, a `StreamReader` and a `StreamWriter` for each client.
    AsyncioStreams,
    /// uvloop under the same program.
    UvloopSock,
    /// uvloop under the same program.
    UvloopProtocol,
    /// uvloop under the same program.
    UvloopStreams,
}

/// What a server is in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What no server can go below.
    Limit,
    /// A layer of the book.
    Ours,
    /// Somebody else's.
    Peer,
}

impl Server {
    /// All of them; the first is what the others are compared to.
    pub const ALL: [Server; 20] = [
        Server::RawEpoll,
        Server::MioByHand,
        Server::BusyPoll,
        Server::SelectorMio,
        Server::SelectorPolling,
        Server::SockMio,
        Server::SockPolling,
        Server::ProtoMio,
        Server::ProtoPolling,
        Server::StreamMio,
        Server::StreamPolling,
        Server::Tokio,
        Server::TokioBuffered,
        Server::Smol,
        Server::AsyncioSock,
        Server::AsyncioProtocol,
        Server::AsyncioStreams,
        Server::UvloopSock,
        Server::UvloopProtocol,
        Server::UvloopStreams,
    ];

    /// Those of the tables of chapter 03.
    pub const CHAPTER_03: [Server; 4] =
        [Server::RawEpoll, Server::MioByHand, Server::SelectorMio, Server::SelectorPolling];

    /// Those of the tables of chapter 04: the layers up to it, and the peers that work at its height.
    pub const CHAPTER_04: [Server; 8] = [
        Server::RawEpoll,
        Server::SelectorMio,
        Server::SelectorPolling,
        Server::SockMio,
        Server::SockPolling,
        Server::Tokio,
        Server::Smol,
        Server::AsyncioSock,
    ];

    /// Those of the tables of chapter 05: the layers up to it, and those that call a protocol for each connection.
    pub const CHAPTER_05: [Server; 7] = [
        Server::RawEpoll,
        Server::SockMio,
        Server::ProtoMio,
        Server::ProtoPolling,
        Server::Tokio,
        Server::AsyncioProtocol,
        Server::UvloopProtocol,
    ];

    /// Those of the tables of chapter 06: the layers up to it, and those that read from a buffer of the connection.
    pub const CHAPTER_06: [Server; 8] = [
        Server::RawEpoll,
        Server::SockMio,
        Server::ProtoMio,
        Server::StreamMio,
        Server::StreamPolling,
        Server::TokioBuffered,
        Server::AsyncioStreams,
        Server::UvloopStreams,
    ];

    /// Its name on the command line and in the file of results.
    pub fn name(self) -> &'static str {
        match self {
            Server::RawEpoll => "raw-epoll",
            Server::MioByHand => "mio-by-hand",
            Server::BusyPoll => "busy-poll",
            Server::SelectorMio => "selector-mio",
            Server::SelectorPolling => "selector-polling",
            Server::SockMio => "sock-mio",
            Server::SockPolling => "sock-polling",
            Server::ProtoMio => "proto-mio",
            Server::ProtoPolling => "proto-polling",
            Server::StreamMio => "stream-mio",
            Server::StreamPolling => "stream-polling",
            Server::Tokio => "tokio",
            Server::TokioBuffered => "tokio-buffered",
            Server::Smol => "smol",
            Server::AsyncioSock => "asyncio-sock",
            Server::AsyncioProtocol => "asyncio-protocol",
            Server::AsyncioStreams => "asyncio-streams",
            Server::UvloopSock => "uvloop-sock",
            Server::UvloopProtocol => "uvloop-protocol",
            Server::UvloopStreams => "uvloop-streams",
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
            Server::SockMio => "chapter 04 over mio",
            Server::SockPolling => "chapter 04 over polling",
            Server::ProtoMio => "chapter 05 over mio",
            Server::ProtoPolling => "chapter 05 over polling",
            Server::StreamMio => "chapter 06 over mio",
            Server::StreamPolling => "chapter 06 over polling",
            Server::Tokio => "tokio, one thread",
            Server::TokioBuffered => "tokio, buffered",
            Server::Smol => "smol, one thread",
            Server::AsyncioSock => "asyncio, sock calls",
            Server::AsyncioProtocol => "asyncio, protocol",
            Server::AsyncioStreams => "asyncio, streams",
            Server::UvloopSock => "uvloop, sock calls",
            Server::UvloopProtocol => "uvloop, protocol",
            Server::UvloopStreams => "uvloop, streams",
        }
    }

    /// What it is in a comparison.
    pub fn part(self) -> Part {
        match self {
            Server::RawEpoll => Part::Limit,
            Server::BusyPoll
            | Server::SelectorMio
            | Server::SelectorPolling
            | Server::SockMio
            | Server::SockPolling
            | Server::ProtoMio
            | Server::ProtoPolling
            | Server::StreamMio
            | Server::StreamPolling => Part::Ours,
            _ => Part::Peer,
        }
    }

    /// The server of that name.
    pub fn named(name: &str) -> Option<Server> {
        Server::ALL.into_iter().find(|server| server.name() == name)
    }

    /// Whether it sleeps when there is nothing to do.
    pub fn rests(self) -> bool {
        self != Server::BusyPoll
    }

    /// The module of Python that it runs on, if it is written in Python.
    pub fn python_module(self) -> Option<&'static str> {
        match self {
            Server::AsyncioSock | Server::AsyncioProtocol | Server::AsyncioStreams => {
                Some("asyncio")
            }
            Server::UvloopSock | Server::UvloopProtocol | Server::UvloopStreams => Some("uvloop"),
            _ => None,
        }
    }

    /// The messages of a slice in which others exchange `full`: a slow server has its slice in the same time.
    pub(crate) fn messages(self, full: usize) -> usize {
        if self.python_module().is_some() { full.div_ceil(4) } else { full }
    }

    /// Whether it can run here, or why not.
    pub fn available(self) -> Measured<()> {
        self.python_module().map_or(Ok(()), python::has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_one_name_everywhere() {
        for server in Server::ALL {
            assert_eq!(Server::named(server.name()), Some(server));
            let quoted = format!("{:?}", server.name());
            assert_eq!(serde_json::to_string(&server).unwrap(), quoted);
        }
        assert_eq!(Server::named("raw"), None);
    }
}
