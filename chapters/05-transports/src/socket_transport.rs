mod calling;
mod life;
mod reading;
mod writing;

use crate::address::Address;
use crate::any_protocol::AnyProtocol;
use crate::connections::{Attachment, Connections};
use crate::protocol::ConnectionError;
use crate::stream::Stream;
use crate::transport::{BaseTransport, Transport};
use crate::water_marks::WaterMarks;
use crate::write_buffer::WriteBuffer;
use chapter_03::Interest;
use chapter_04::{FutureCell, Handle, LoopHandle, ObservedSocket, Observer};
use socket2::Socket;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::os::fd::BorrowedFd;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// The transport of a TCP or Unix stream socket.
///
/// It has turns, as an [`Observer`] of its socket: in one turn it receives at most once and sends
/// at most once, and calls its protocol. Each direction, and the connection as a whole, has one
/// enum of states:
///
/// ```text
/// Start    New ── connection_made ──▶ Made ── the creator goes on ──▶ Started
/// Reading  Open ◀──▶ Paused,  Open ── end of file ──▶ Eof
/// Writing  Open ── write_eof ──▶ Draining ── all sent, FIN ──▶ Eof
/// Life     Open ── close ──▶ Closing ── all sent ──▶ Losing ── connection_lost ──▶ Lost
///          Open, Closing ── abort, error ──▶ Losing
/// ```
///
/// Whatever ends a connection goes through `lose`, and only `finish` leaves `Losing`, so
/// `connection_lost` is called once (D-12).
///
/// The loop keeps a connection that is not lost, whether or not somebody else does.
pub(crate) struct SocketTransport<S: Stream = Socket> {
    socket: ObservedSocket<S>,
    event_loop: LoopHandle,
    /// Itself, to lend to the protocol in calls that begin outside of a turn.
    this: Weak<SocketTransport<S>>,
    ends: Ends,
    /// Until the connection is lost. The protocol may keep its transport: this breaks the circle.
    protocol: RefCell<Option<AnyProtocol>>,
    start: Cell<Start>,
    reading: Cell<Reading>,
    writing: Cell<Writing>,
    life: Cell<Life>,
    /// What `connection_lost` will be called with.
    error: Cell<Option<ConnectionError>>,
    buffer: RefCell<WriteBuffer>,
    /// What was kept when the connection was lost, in bytes.
    unsent: Cell<usize>,
    marks: Cell<WaterMarks>,
    flow: Cell<Flow>,
    /// Whether one of this transport's callbacks runs.
    calling: Cell<bool>,
    /// Who has asked for the connection, until it is made. Its value says why it failed, if it did.
    creator: RefCell<Option<Creator>>,
    /// The entry in the list of its server, until it is lost.
    attachment: RefCell<Option<Attachment>>,
    /// The end of a [`BaseTransport::close_within`].
    deadline: RefCell<Option<Handle>>,
}

/// Who waits for the connection to be made: nothing, or what `connection_made` has failed with.
pub(crate) type Creator = FutureCell<Option<Rc<str>>>;

/// The two ends of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Ends {
    pub(crate) local: Address,
    pub(crate) peer: Address,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// `connection_made` is yet to be called.
    New,
    /// It was called, and the creator is woken: it goes on before anything is received (TR-02).
    Made,
    Started,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Open,
    Paused,
    /// The peer sends no more.
    Eof,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    Open,
    /// Nothing more is taken; what is kept is sent before the end of file.
    Draining,
    /// The end of file is sent.
    Eof,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Open,
    /// `close` was called, and bytes are still to be sent.
    Closing,
    /// Over, but `connection_lost` is yet to be called.
    Losing,
    Lost,
}

/// What the protocol was told last about its writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Resumed,
    /// The high mark was crossed while the protocol was in use: it is told as soon as the callback of
    /// this transport returns, or else in the next turn.
    PauseDue,
    Paused,
}

impl<S: Stream> SocketTransport<S> {
    /// Makes a connection of a connected socket. Its first turn calls `connection_made`.
    pub(crate) fn open(
        socket: ObservedSocket<S>,
        event_loop: LoopHandle,
        ends: Ends,
        protocol: AnyProtocol,
        creator: Option<Creator>,
        server: Option<&Rc<Connections>>,
    ) -> Rc<SocketTransport<S>> {
        let transport = Rc::new_cyclic(|this| SocketTransport {
            socket,
            event_loop,
            this: this.clone(),
            ends,
            protocol: RefCell::new(Some(protocol)),
            start: Cell::new(Start::New),
            reading: Cell::new(Reading::Open),
            writing: Cell::new(Writing::Open),
            life: Cell::new(Life::Open),
            error: Cell::new(None),
            buffer: RefCell::default(),
            unsent: Cell::new(0),
            marks: Cell::default(),
            flow: Cell::new(Flow::Resumed),
            calling: Cell::new(false),
            creator: RefCell::new(creator),
            attachment: RefCell::default(),
            deadline: RefCell::default(),
        });
        if let Some(connections) = server {
            let attachment = connections.attach(transport.this.clone());
            *transport.attachment.borrow_mut() = Some(attachment);
        }
        transport.socket.observe(Rc::clone(&transport) as Rc<dyn Observer>);
        transport.socket.schedule_turn();
        transport
    }

    /// Asks the kernel for what is needed now, and for nothing else.
    fn settle(&self) {
        let reads = self.start.get() == Start::Started && self.is_receiving();
        let writes = !self.buffer.borrow().is_empty();
        let wanted = Interest::READ.when(reads) | Interest::WRITE.when(writes);
        if let Err(error) = self.socket.want(wanted) {
            self.lose(Some(ConnectionError::Io(error)));
        }
    }

    /// Whether what arrives is wanted.
    #[inline]
    fn is_receiving(&self) -> bool {
        self.reading.get() == Reading::Open && self.life.get() == Life::Open
    }

    #[inline]
    fn is_over(&self) -> bool {
        matches!(self.life.get(), Life::Losing | Life::Lost)
    }

    fn lend(&self) -> Rc<dyn Transport> {
        self.this.upgrade().expect("it is called through an owner")
    }
}

impl<S: Stream> Observer for SocketTransport<S> {
    fn turn(self: Rc<Self>) {
        let transport: Rc<dyn Transport> = Rc::clone(&self) as Rc<dyn Transport>;
        match self.start.get() {
            Start::New => return self.begin(&transport),
            Start::Made => self.start_reading(),
            Start::Started => {}
        }
        self.tell_pause(&transport);
        if self.is_over() {
            return self.finish(&transport);
        }
        self.receive(&transport);
        self.flush(&transport);
    }

    fn loop_closed(&self) {
        self.abandon();
    }
}

impl<S: Stream> BaseTransport for SocketTransport<S> {
    fn close(&self) {
        self.begin_closing();
    }

    fn close_within(&self, limit: Duration) {
        self.begin_closing();
        self.set_deadline(limit);
    }

    fn is_closing(&self) -> bool {
        self.life.get() != Life::Open
    }

    fn peer_address(&self) -> &Address {
        &self.ends.peer
    }

    fn local_address(&self) -> &Address {
        &self.ends.local
    }

    fn with_descriptor(&self, look: &mut dyn FnMut(BorrowedFd<'_>)) -> bool {
        // This owner keeps it open for as long as it is lent.
        let socket = self.socket.socket();
        socket.as_ref().and_then(|socket| socket.descriptor()).map(look).is_some()
    }

    fn set_protocol(&self, protocol: AnyProtocol) {
        let is_lost = self.life.get() == Life::Lost;
        let old = if is_lost { None } else { self.protocol.replace(Some(protocol)) };
        drop(old);
    }

    fn protocol(&self) -> Option<AnyProtocol> {
        self.protocol.borrow().clone()
    }
}

impl<S: Stream> fmt::Debug for SocketTransport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketTransport")
            .field("peer", &self.ends.peer)
            .field("life", &self.life)
            .field("reading", &self.reading)
            .field("writing", &self.writing)
            .field("kept", &self.buffer.borrow().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
