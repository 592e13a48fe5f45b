use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use std::convert::Infallible;
use std::io::{self, ErrorKind, Read, Write};

const LISTENER: Token = Token(usize::MAX);

/// How many bytes one receive may bring, as in chapter 02.
const RECEIVE_MAX: usize = 64 * 1024;

/// Echoes for ever on `mio`, as its documentation asks for it: each report is followed by reads until there is
/// nothing left. The last of those reads is in vain, which shows as the fourth system call of a message.
///
/// # Errors
///
/// Only if the listener or the poll itself fails.
pub(crate) fn serve(mut listener: TcpListener) -> io::Result<Infallible> {
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut clients: Slab<Client> = Slab::new();
    let mut buffer: Box<[u8]> = vec![0; RECEIVE_MAX].into();
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            outcome => outcome?,
        }
        for event in &events {
            match event.token() {
                LISTENER => accept(&poll, &listener, &mut clients)?,
                token => serve_client(&mut clients, token.0, event, &mut buffer),
            }
        }
    }
}

struct Client {
    socket: TcpStream,
    /// What the kernel has not taken yet. Nothing more is received until it is gone, so it is one receive at most.
    unsent: Vec<u8>,
}

fn accept(poll: &Poll, listener: &TcpListener, clients: &mut Slab<Client>) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((mut socket, _)) => {
                socket.set_nodelay(true)?;
                let entry = clients.vacant_entry();
                let both = Interest::READABLE | Interest::WRITABLE;
                poll.registry().register(&mut socket, Token(entry.key()), both)?;
                entry.insert(Client { socket, unsent: Vec::new() });
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted | ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(error),
        }
    }
}

fn serve_client(clients: &mut Slab<Client>, key: usize, event: &Event, buffer: &mut [u8]) {
    let Some(client) = clients.get_mut(key) else { return };
    // Room alone is news only for what waits to be sent.
    if !event.is_readable() && client.unsent.is_empty() {
        return;
    }
    match client.echo(buffer) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
        // Closed or lost; the socket goes with its entry.
        Ok(()) | Err(_) => drop(clients.remove(key)),
    }
}

impl Client {
    /// Sends back until there is nothing left ("would block") or the client has closed (`Ok`).
    fn echo(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            while !self.unsent.is_empty() {
                let sent = self.socket.write(&self.unsent)?;
                self.unsent.drain(..sent);
            }
            let count = self.socket.read(buffer)?;
            if count == 0 {
                return Ok(());
            }
            let sent = match self.socket.write(&buffer[..count]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                outcome => outcome?,
            };
            self.unsent.extend_from_slice(&buffer[sent..count]);
        }
    }
}
