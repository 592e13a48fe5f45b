use crate::actor::Actor;
use crate::event::{Event, kind_of_failure};
use crate::peer::{Listener, Peer, acknowledge};
use crate::scenario::{Callback, Scenario, Step};
use crate::wire::Wire;
use anyhow::{Context, Result, anyhow, ensure};
use chapter_03::SelectorKind;
use chapter_04::EventLoop;
use chapter_05::{Address, ConnectOptions, Transport, create_connection};
use socket2::{Domain, SockRef, Socket, Type};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::rc::{Rc, Weak};

/// More events than this come from a scenario that never ends.
const EVENTS_MAX: u64 = 10_000;

/// Plays a scenario on a loop of its own.
pub(crate) fn play(scenario: &Rc<Scenario>, selector: SelectorKind) -> Result<Vec<Event>> {
    let mut event_loop = EventLoop::with_selector(selector)?;
    let play = Rc::new(Play::new(scenario));
    let reporter = Rc::downgrade(&play);
    event_loop.set_exception_handler(move |_, context| {
        if let Some(play) = Weak::upgrade(&reporter) {
            let error = context.error.as_deref().unwrap_or_default();
            play.log(Event::Reported(kind_of_failure(error)));
        }
    });
    let outcome = event_loop.run_until_complete(Rc::clone(&play).run());
    outcome??;
    Ok(play.events.take())
}

/// One scenario while it is played. Its owners are the task that does the steps and the protocol.
pub(crate) struct Play {
    pub(crate) scenario: Rc<Scenario>,
    events: RefCell<Vec<Event>>,
    /// How often something was logged.
    pub(crate) logged: Cell<u64>,
    /// How often each callback was called.
    calls: RefCell<BTreeMap<Callback, u64>>,
    /// From `connection_made` to the end of the scenario.
    transport: RefCell<Option<Rc<dyn Transport>>>,
    wire: OnceCell<Wire>,
    pub(crate) peer: RefCell<Option<Peer>>,
    /// How many bytes the transport has taken.
    pub(crate) written: Cell<usize>,
    /// How many bytes the peer has sent, and how many of them the protocol has got.
    pub(crate) peer_sent: Cell<usize>,
    pub(crate) data: Cell<usize>,
    /// Whether the connection was aborted or failed, so that bytes may be missing at the peer.
    pub(crate) discards: Cell<bool>,
    pub(crate) lost: Cell<bool>,
    /// What happens now belongs to the end of the program and not to the scenario.
    over: Cell<bool>,
    /// What kept this program from going on.
    failure: RefCell<Option<anyhow::Error>>,
}

impl Play {
    fn new(scenario: &Rc<Scenario>) -> Play {
        Play {
            scenario: Rc::clone(scenario),
            events: RefCell::default(),
            logged: Cell::default(),
            calls: RefCell::default(),
            transport: RefCell::default(),
            wire: OnceCell::new(),
            peer: RefCell::default(),
            written: Cell::default(),
            peer_sent: Cell::default(),
            data: Cell::default(),
            discards: Cell::default(),
            lost: Cell::default(),
            over: Cell::default(),
            failure: RefCell::default(),
        }
    }

    async fn run(self: Rc<Play>) -> Result<()> {
        self.connect().await?;
        for step in &self.scenario.steps {
            self.step(step).await?;
        }
        self.settle().await?;
        self.end().await
    }

    async fn connect(self: &Rc<Play>) -> Result<()> {
        let listener = Listener::open()?;
        let address = listener.address;
        let factory = || Actor::new(self);
        // A callback may fail, so that the creator gets an error and no connection. The trace has
        // it, and the steps are done to the transport that the protocol was lent.
        let connected = if self.scenario.early == 0 {
            let host = (address.ip().to_string(), address.port());
            let connected = create_connection(factory, (host.0.as_str(), host.1)).await;
            self.peer.replace(Some(listener.accept()?));
            connected.is_ok()
        } else {
            let socket = self.connect_early(listener)?;
            create_connection(factory, ConnectOptions::socket(socket)).await.is_ok()
        };
        if connected {
            self.log(Event::Returned);
        }
        ensure!(self.transport().is_some(), "the client cannot connect to {address}");
        Ok(())
    }

    /// A client's socket at which bytes of the peer have arrived.
    fn connect_early(&self, listener: Listener) -> Result<Socket> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        let address = listener.address;
        socket.connect(&address.into())?;
        let mut peer = listener.accept()?;
        let wire = Wire::new(peer.client, address)?;
        let early = self.scenario.early;
        ensure!(peer.send(&vec![b'e'; early]) == early, "the kernel has no room for early bytes");
        self.peer_sent.set(early);
        wire.rest(|| acknowledge(SockRef::from(&socket)))?;
        self.peer.replace(Some(peer));
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    async fn step(&self, step: &Step) -> Result<()> {
        self.rest();
        match step {
            Step::Act(act) => self.act(act),
            Step::PeerSend(count) => self.peer_send(*count).await?,
            Step::PeerShutdown => self.with_peer(Peer::shutdown),
            Step::PeerClose => self.with_peer(Peer::close),
            Step::PeerReset => self.with_peer(Peer::reset),
            Step::PeerDrain => self.drain().await?,
            Step::Settle => self.settle().await?,
        }
        self.check()
    }

    /// The part that finds no room waits for the transport to make some.
    async fn peer_send(&self, count: usize) -> Result<()> {
        let bytes = vec![b'p'; count];
        let mut sent = 0;
        loop {
            let more = self.with_peer(|peer| peer.send(&bytes[sent..]));
            sent += more;
            self.peer_sent.set(self.peer_sent.get() + more);
            if more == 0 || sent == count {
                return Ok(());
            }
            self.settle().await?;
        }
    }

    fn with_peer<R: Default>(&self, act: impl FnOnce(&mut Peer) -> R) -> R {
        let outcome = self.peer.borrow_mut().as_mut().map(act);
        // The kernel brings it to the transport before the next step.
        self.rest();
        outcome.unwrap_or_default()
    }

    /// Gives everything back, so that nothing of it is left for the next scenario.
    async fn end(&self) -> Result<()> {
        self.over.set(true);
        self.with_peer(Peer::reset);
        if let Some(transport) = self.transport() {
            transport.abort();
        }
        self.settle().await?;
        ensure!(self.lost.get(), "the connection does not end when it is aborted");
        self.transport.replace(None);
        Ok(())
    }
}

/// What the protocol tells and asks.
impl Play {
    pub(crate) fn transport(&self) -> Option<Rc<dyn Transport>> {
        self.transport.borrow().clone()
    }

    pub(crate) fn set_transport(&self, transport: &Rc<dyn Transport>) {
        self.transport.replace(Some(Rc::clone(transport)));
        let ends = ipv4(transport.local_address()).zip(ipv4(transport.peer_address()));
        let ends = ends.context("the connection is of TCP over IPv4");
        match ends.and_then(|(client, peer)| Wire::new(client, peer)) {
            Ok(wire) => drop(self.wire.set(wire)),
            Err(error) => self.fail(error),
        }
    }

    pub(crate) fn log(&self, event: Event) {
        if self.over.get() {
            return;
        }
        self.logged.set(self.logged.get() + 1);
        if self.logged.get() > EVENTS_MAX {
            return self.fail(anyhow!("more than {EVENTS_MAX} events: it never ends"));
        }
        if let Event::Data(count) = event {
            self.data.set(self.data.get() + count);
        }
        let mut events = self.events.borrow_mut();
        match (events.last_mut(), &event) {
            // How bytes are cut into chunks is the kernel's affair.
            (Some(Event::Data(sum)), Event::Data(count)) => *sum += count,
            _ => events.push(event),
        }
    }

    /// Logs a callback, and says which of its calls it is.
    pub(crate) fn log_call(&self, callback: Callback, event: Event) -> u64 {
        self.log(event);
        let mut calls = self.calls.borrow_mut();
        let call = calls.entry(callback).or_default();
        *call += 1;
        *call
    }

    pub(crate) fn set_lost(&self, in_order: bool) {
        self.lost.set(true);
        if !in_order {
            self.set_discards();
        }
    }

    pub(crate) fn set_discards(&self) {
        self.discards.set(true);
    }

    /// Counts bytes that are about to be written, and says how many were before them.
    pub(crate) fn add_to_written(&self, count: usize) -> usize {
        let place = self.written.get();
        self.written.set(place + count);
        place
    }

    /// Bytes were not taken.
    pub(crate) fn take_from_written(&self, count: usize) {
        self.written.set(self.written.get() - count);
    }

    /// Waits until whatever was done at one end has arrived at the other. The loop does not run
    /// meanwhile.
    pub(crate) fn rest(&self) {
        let Some(wire) = self.wire.get() else { return };
        if let Err(error) = wire.rest(|| self.hurry()) {
            self.fail(error);
        }
    }

    /// Has both ends acknowledge what they have received, which the kernel likes to put off.
    pub(crate) fn hurry(&self) {
        if let Some(peer) = self.peer.borrow().as_ref() {
            peer.acknowledge();
        }
        if let Some(transport) = self.transport() {
            transport.with_descriptor(&mut |socket| acknowledge(SockRef::from(&socket)));
        }
    }

    /// Keeps the first failure until the task looks at it: a callback has nobody to tell.
    fn fail(&self, error: anyhow::Error) {
        self.failure.borrow_mut().get_or_insert(error);
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }
}

fn ipv4(address: &Address) -> Option<SocketAddrV4> {
    match address.ip()? {
        std::net::SocketAddr::V4(address) => Some(address),
        std::net::SocketAddr::V6(_) => None,
    }
}
