//! New clients against one that is there, counted. The server runs in this process and its client
//! answers at once, inside the server's own callback: however busy the machine is, nothing comes
//! between an answer and the next ping.

#![cfg(target_os = "linux")]

use anyhow::{Context, Result, ensure};
use chapter_01::local_address;
use chapter_03::SelectorKind;
use chapter_04::{AsyncSocket, FutureCell, RECEIVE_MAX, race, run_with, serve};
use chapter_05::{BaseProtocol, CallbackResult, Protocol, ServerOptions, Transport, create_server};
use chapter_06::{StreamLimits, StreamReader, StreamWriter, start_server};
use conformance::{Client, PATIENCE, TEST_MAX, within};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::time::Duration;

/// How many clients wait in the kernel's queue.
const QUEUED: usize = 900;
/// How many of them may be accepted between two answers.
const ACCEPTED_MAX: usize = 64;

/// D-01 (SA-09, AC-01): a loop around accept gives way to the clients that are there.
#[test]
fn d_01_at_most_64_clients_are_accepted_between_two_answers() -> Result<()> {
    let queue_max = std::fs::read_to_string("/proc/sys/net/core/somaxconn")?;
    if queue_max.trim().parse::<usize>()? < QUEUED {
        println!("not tested: this system queues {} clients at most", queue_max.trim());
        return Ok(());
    }
    for kind in [SelectorKind::Mio, SelectorKind::Polling] {
        within(TEST_MAX, "sock", || run_with(kind, over_sockets())?).context("sock")?;
        within(TEST_MAX, "proto", || run_with(kind, over_transports())?).context("proto")?;
        within(TEST_MAX, "stream", || run_with(kind, over_streams())?).context("stream")?;
    }
    Ok(())
}

async fn over_sockets() -> Result<()> {
    let (listener, address) = bound()?;
    listener.listen(QUEUED as i32)?;
    let listener = AsyncSocket::new(listener)?;
    let pings = Pings::begin(address)?;
    let handle = |client: AsyncSocket, peer| {
        pings.accepted();
        let pings = Rc::clone(&pings);
        async move {
            if peer != pings.from {
                return anyhow::Ok(());
            }
            loop {
                let ping = client.recv(RECEIVE_MAX).await?;
                client.send_all(&ping).await?;
                pings.answered(client.as_socket())?;
            }
        }
    };
    race(&pings.done, serve(&listener, handle)).await;
    pings.check()
}

async fn over_transports() -> Result<()> {
    let (listener, address) = bound()?;
    let pings: Rc<RefCell<Option<Rc<Pings>>>> = Rc::default();
    let known = Rc::clone(&pings);
    let factory = move || {
        let pings = known.borrow().clone().expect("nobody is accepted before the first ping");
        pings.accepted();
        Answer(pings)
    };
    let options = ServerOptions::socket(listener).backlog(QUEUED as i32);
    let server = create_server(factory, options).await?;
    let pings = Rc::clone(pings.borrow_mut().insert(Pings::begin(address)?));
    // Nobody fails or cancels it.
    let _ = (&pings.done).await;
    server.shutdown(Duration::ZERO).await;
    pings.check()
}

struct Answer(Rc<Pings>);

impl BaseProtocol for Answer {}

impl Protocol for Answer {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        transport.write(data)?;
        let mut outcome = Ok(());
        transport.with_descriptor(&mut |descriptor| outcome = self.0.answered(descriptor));
        Ok(outcome?)
    }
}

async fn over_streams() -> Result<()> {
    let (listener, address) = bound()?;
    let pings: Rc<RefCell<Option<Rc<Pings>>>> = Rc::default();
    let known = Rc::clone(&pings);
    let handle = move |mut reader: StreamReader, writer: StreamWriter| {
        let pings = known.borrow().clone().expect("nobody is accepted before the first ping");
        pings.accepted();
        async move {
            if writer.peer_address().ip() != Some(pings.from) {
                return anyhow::Ok(());
            }
            loop {
                let ping = reader.read(RECEIVE_MAX).await?;
                if writer.write(&ping).is_err() {
                    // All is counted, and the server shut down.
                    return Ok(());
                }
                let mut outcome = Ok(());
                let look = &mut |descriptor: BorrowedFd<'_>| outcome = pings.answered(descriptor);
                writer.transport().with_descriptor(look);
                outcome?;
            }
        }
    };
    let options = ServerOptions::socket(listener).backlog(QUEUED as i32);
    let server = start_server(handle, options, StreamLimits::default()).await?;
    let pings = Rc::clone(pings.borrow_mut().insert(Pings::begin(address)?));
    // Nobody fails or cancels it.
    let _ = (&pings.done).await;
    server.shutdown(Duration::ZERO).await;
    pings.check()
}

fn bound() -> Result<(Socket, SocketAddr)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.set_nonblocking(true)?;
    let address = local_address(&socket)?;
    Ok((socket, address))
}

/// A client whose next ping is there as soon as the last one is answered.
struct Pings {
    client: RefCell<Client>,
    from: SocketAddr,
    /// Everybody who was accepted, and how many of them by the last answer.
    accepted: Cell<usize>,
    accepted_before: Cell<Option<usize>>,
    /// How many were accepted between two answers.
    between: RefCell<Vec<usize>>,
    /// Everybody was accepted, and a ping answered after that.
    done: FutureCell<()>,
}

impl Pings {
    /// Connects, and the others after it, and sends the first ping: the kernel does it all without
    /// the server.
    fn begin(address: SocketAddr) -> Result<Rc<Pings>> {
        let mut client = Client::connect("pings", address)?;
        let from = client.address()?;
        for number in 1..=QUEUED {
            // It has gone when it is accepted, and is a client all the same.
            Client::connect(format!("queued-{number}"), address)?;
        }
        client.send(b"ping")?;
        Ok(Rc::new(Pings {
            client: RefCell::new(client),
            from,
            accepted: Cell::new(0),
            accepted_before: Cell::new(None),
            between: RefCell::default(),
            done: FutureCell::new(),
        }))
    }

    fn accepted(&self) {
        self.accepted.set(self.accepted.get() + 1);
    }

    /// Takes the answer and sends the next ping, which has arrived at `server` when this returns.
    fn answered(&self, server: impl AsFd) -> Result<()> {
        let accepted = self.accepted.get();
        if let Some(before) = self.accepted_before.replace(Some(accepted)) {
            self.between.borrow_mut().push(accepted - before);
        }
        if accepted > QUEUED {
            // It may be the second answer after the last of them.
            let _ = self.done.set_result(());
        }
        let mut client = self.client.borrow_mut();
        client.receive_back(b"ping")?;
        client.send(b"ping")?;
        let timeout = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
        let arrived = poll(&mut [PollFd::new(&server, PollFlags::IN)], Some(&timeout))?;
        ensure!(arrived == 1, "the next ping does not arrive");
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let between = self.between.borrow();
        ensure!(self.accepted.get() == QUEUED + 1, "{} were accepted", self.accepted.get());
        let most = between.iter().max().context("no two pings were answered")?;
        ensure!(*most <= ACCEPTED_MAX, "accepted between two answers: {between:?}");
        Ok(())
    }
}
