use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::sockopt::set_tcp_nodelay;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, accept_with, recv, send};
use std::collections::HashMap;
use std::convert::Infallible;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// What the listener's events carry; no descriptor has this number.
const LISTENER: u64 = u64::MAX;

/// How many bytes one receive may bring, as in chapter 02.
const RECEIVE_MAX: usize = 64 * 1024;

/// Echoes for ever with nothing between the loop and the kernel: level-triggered epoll, and for each message one
/// wait, one receive and one send. No layer can cost less, so that every other server is compared to this one.
///
/// # Errors
///
/// Only if the listener or epoll itself fails.
pub(crate) fn serve(listener: &impl AsFd) -> rustix::io::Result<Infallible> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut echo = Echo {
        epoll,
        sockets: Vec::new(),
        unsent: HashMap::new(),
        buffer: vec![0; RECEIVE_MAX].into(),
    };
    let mut events: Vec<Event> = Vec::with_capacity(1024);
    loop {
        match epoll::wait(&echo.epoll, spare_capacity(&mut events), None) {
            Err(Errno::INTR) => continue,
            outcome => outcome?,
        };
        for Event { flags, data, .. } in events.drain(..) {
            match data.u64() {
                LISTENER => echo.accept(listener)?,
                socket => echo.serve(socket as usize, flags),
            }
        }
    }
}

struct Echo {
    epoll: OwnedFd,
    /// By the number of the descriptor.
    sockets: Vec<Option<OwnedFd>>,
    /// What the kernel has not taken yet. Nothing more is received from such a client, so it is one receive at most.
    unsent: HashMap<usize, Vec<u8>>,
    buffer: Box<[u8]>,
}

impl Echo {
    fn accept(&mut self, listener: &impl AsFd) -> rustix::io::Result<()> {
        let socket = match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            Err(Errno::AGAIN | Errno::CONNABORTED | Errno::INTR) => return Ok(()),
            outcome => outcome?,
        };
        set_tcp_nodelay(&socket, true)?;
        let number = socket.as_raw_fd() as usize;
        epoll::add(&self.epoll, &socket, EventData::new_u64(number as u64), EventFlags::IN)?;
        if self.sockets.len() <= number {
            self.sockets.resize_with(number + 1, || None);
        }
        self.sockets[number] = Some(socket);
        Ok(())
    }

    fn serve(&mut self, number: usize, flags: EventFlags) {
        let outcome =
            if flags.contains(EventFlags::OUT) { self.flush(number) } else { self.echo(number) };
        if !matches!(outcome, Ok(true) | Err(Errno::AGAIN | Errno::INTR)) {
            // The kernel forgets a socket with its last descriptor.
            self.sockets[number] = None;
            self.unsent.remove(&number);
        }
    }

    /// Receives once and sends it back. Says whether the client is still there.
    fn echo(&mut self, number: usize) -> rustix::io::Result<bool> {
        let Some(socket) = &self.sockets[number] else { return Ok(true) };
        let (count, _) = recv(socket, &mut *self.buffer, RecvFlags::empty())?;
        let received = &self.buffer[..count];
        if received.is_empty() {
            return Ok(false);
        }
        let sent = taken(send(socket, received, SendFlags::NOSIGNAL))?;
        if sent < count {
            epoll::modify(&self.epoll, socket, EventData::new_u64(number as u64), EventFlags::OUT)?;
            self.unsent.insert(number, received[sent..].to_vec());
        }
        Ok(true)
    }

    /// Sends what waits, and receives again once nothing does.
    fn flush(&mut self, number: usize) -> rustix::io::Result<bool> {
        let (Some(socket), Some(unsent)) = (&self.sockets[number], self.unsent.get_mut(&number))
        else {
            return Ok(true);
        };
        let sent = send(socket, unsent, SendFlags::NOSIGNAL)?;
        unsent.drain(..sent);
        if unsent.is_empty() {
            self.unsent.remove(&number);
            epoll::modify(&self.epoll, socket, EventData::new_u64(number as u64), EventFlags::IN)?;
        }
        Ok(true)
    }
}

/// A full send buffer takes nothing, which is no error here.
fn taken(sent: rustix::io::Result<usize>) -> rustix::io::Result<usize> {
    if sent == Err(Errno::AGAIN) { Ok(0) } else { sent }
}
