use crate::protocol::{
    AfterEof, BaseProtocol, BufferedProtocol, CallbackResult, ConnectionError, Protocol,
};
use crate::transport::Transport;
use chapter_04::{contained, running_loop};
use std::cell::{RefCell, RefMut};
use std::error::Error;
use std::fmt;
use std::rc::Rc;

/// A protocol as a transport holds it, of one of the two kinds. Clones are the same protocol.
///
/// Whoever stacks a protocol on another one calls the upper one by these methods, as a transport
/// does.
#[derive(Clone)]
pub enum AnyProtocol {
    /// It is lent the bytes.
    Chunks(Rc<RefCell<dyn Protocol>>),
    /// It has them received into its own buffer.
    InPlace(Rc<RefCell<dyn BufferedProtocol>>),
}

/// A type of which a transport can make its protocol: each [`Protocol`], [`Buffered`] of each
/// [`BufferedProtocol`], and [`AnyProtocol`]. asyncio asks the object at run time which it is.
pub trait ProtocolKind: Sized + 'static {
    /// The protocol, without its type.
    fn erase(shared: Rc<RefCell<Self>>) -> AnyProtocol;
}

impl<P: Protocol + 'static> ProtocolKind for P {
    fn erase(shared: Rc<RefCell<P>>) -> AnyProtocol {
        AnyProtocol::Chunks(shared)
    }
}

/// A protocol of which is known only at run time which kind it is, or what stands below it.
impl ProtocolKind for AnyProtocol {
    fn erase(shared: Rc<RefCell<AnyProtocol>>) -> AnyProtocol {
        shared.borrow().clone()
    }
}

/// Marks a protocol as one that is received in place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Buffered<P>(pub P);

impl<P: BufferedProtocol + 'static> ProtocolKind for Buffered<P> {
    fn erase(shared: Rc<RefCell<Buffered<P>>>) -> AnyProtocol {
        AnyProtocol::InPlace(shared)
    }
}

impl<P: BaseProtocol> BaseProtocol for Buffered<P> {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.0.connection_made(transport)
    }

    fn connection_lost(&mut self, transport: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        self.0.connection_lost(transport, error);
    }

    fn pause_writing(&mut self, transport: &Rc<dyn Transport>) {
        self.0.pause_writing(transport);
    }

    fn resume_writing(&mut self, transport: &Rc<dyn Transport>) {
        self.0.resume_writing(transport);
    }

    fn eof_received(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        self.0.eof_received(transport)
    }

    fn above(&self) -> Option<AnyProtocol> {
        self.0.above()
    }
}

impl<P: BufferedProtocol> BufferedProtocol for Buffered<P> {
    fn get_buffer(&mut self, size_hint: usize) -> &mut [u8] {
        self.0.get_buffer(size_hint)
    }

    fn buffer_updated(&mut self, transport: &Rc<dyn Transport>, count: usize) -> CallbackResult {
        self.0.buffer_updated(transport, count)
    }
}

/// The methods call the protocol. While it is in use (by another call, or by
/// [`ProtocolRef::with`]) it cannot be entered: what can wait is called soon, the rest is refused
/// with [`InUse`].
impl AnyProtocol {
    /// A new protocol, and the caller's access to it.
    pub fn new<P: ProtocolKind>(protocol: P) -> (AnyProtocol, ProtocolRef<P>) {
        let shared = Rc::new(RefCell::new(protocol));
        (P::erase(Rc::clone(&shared)), ProtocolRef { shared })
    }

    /// See [`BaseProtocol::connection_made`].
    ///
    /// # Errors
    ///
    /// The protocol's, or it is in use.
    pub fn connection_made(&self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.base()?.connection_made(transport)
    }

    /// See [`BaseProtocol::connection_lost`].
    pub fn connection_lost(&self, transport: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        match self.base() {
            Ok(mut protocol) => protocol.connection_lost(transport, error),
            Err(InUse) => self.call_soon(transport, move |protocol, transport| {
                protocol.connection_lost(transport, error);
            }),
        }
    }

    /// See [`BaseProtocol::pause_writing`].
    pub fn pause_writing(&self, transport: &Rc<dyn Transport>) {
        match self.base() {
            Ok(mut protocol) => protocol.pause_writing(transport),
            Err(InUse) => self.call_soon(transport, AnyProtocol::pause_writing),
        }
    }

    /// See [`BaseProtocol::resume_writing`].
    pub fn resume_writing(&self, transport: &Rc<dyn Transport>) {
        match self.base() {
            Ok(mut protocol) => protocol.resume_writing(transport),
            Err(InUse) => self.call_soon(transport, AnyProtocol::resume_writing),
        }
    }

    /// See [`BaseProtocol::eof_received`].
    ///
    /// # Errors
    ///
    /// The protocol's, or it is in use.
    pub fn eof_received(&self, transport: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        self.base()?.eof_received(transport)
    }

    /// How many bytes it would receive at once: `size_hint`, or as many as the buffer has room for
    /// that it gives now. Whoever receives for it receives no more, so that what it does about the
    /// rest, such as to pause, is done before the rest has come.
    ///
    /// # Errors
    ///
    /// It is in use.
    pub fn room(&self, size_hint: usize) -> Result<usize, InUse> {
        match self {
            AnyProtocol::Chunks(_) => Ok(size_hint),
            AnyProtocol::InPlace(protocol) => {
                let mut protocol = protocol.try_borrow_mut().map_err(|_| InUse)?;
                Ok(protocol.get_buffer(size_hint).len())
            }
        }
    }

    /// Hands over bytes that are somewhere else already: [`Protocol::data_received`], or as many
    /// rounds of [`BufferedProtocol::get_buffer`] as it takes. It ends early if the transport is
    /// closing.
    ///
    /// # Errors
    ///
    /// The protocol's, or it is in use; [`EmptyBuffer`].
    pub fn data_received(&self, transport: &Rc<dyn Transport>, mut data: &[u8]) -> CallbackResult {
        while !data.is_empty() && !transport.is_closing() {
            let count = self.receive_round(transport, data)?;
            data = &data[count..];
        }
        Ok(())
    }

    /// Hands over some bytes, at least one of these, and says how many.
    pub(crate) fn receive_round(
        &self,
        transport: &Rc<dyn Transport>,
        data: &[u8],
    ) -> CallbackResult<usize> {
        match self {
            AnyProtocol::Chunks(protocol) => {
                let mut protocol = protocol.try_borrow_mut().map_err(|_| InUse)?;
                protocol.data_received(transport, data)?;
                Ok(data.len())
            }
            AnyProtocol::InPlace(protocol) => {
                let mut protocol = protocol.try_borrow_mut().map_err(|_| InUse)?;
                let buffer = protocol.get_buffer(data.len());
                if buffer.is_empty() {
                    return Err(EmptyBuffer.into());
                }
                let count = buffer.len().min(data.len());
                buffer[..count].copy_from_slice(&data[..count]);
                protocol.buffer_updated(transport, count)?;
                Ok(count)
            }
        }
    }

    /// Whether it cannot be called now, or the one above it: see [`InUse`].
    pub(crate) fn is_in_use(&self) -> bool {
        match self.base() {
            Ok(protocol) => {
                let above = contained(|| protocol.above()).ok().flatten();
                above.is_some_and(|above| above.is_in_use())
            }
            Err(InUse) => true,
        }
    }

    fn base(&self) -> Result<RefMut<'_, dyn BaseProtocol + 'static>, InUse> {
        match self {
            AnyProtocol::Chunks(protocol) => protocol
                .try_borrow_mut()
                .map(|protocol| RefMut::map(protocol, |protocol| protocol as &mut dyn BaseProtocol))
                .map_err(|_| InUse),
            AnyProtocol::InPlace(protocol) => protocol
                .try_borrow_mut()
                .map(|protocol| RefMut::map(protocol, |protocol| protocol as &mut dyn BaseProtocol))
                .map_err(|_| InUse),
        }
    }

    /// Who uses the protocol now has let go of it when the loop comes to this.
    fn call_soon(
        &self,
        transport: &Rc<dyn Transport>,
        call: impl FnOnce(&AnyProtocol, &Rc<dyn Transport>) + 'static,
    ) {
        let (protocol, transport) = (self.clone(), Rc::clone(transport));
        // Without a running loop, or with a closed one, there is nobody left to be told.
        if let Ok(event_loop) = running_loop() {
            let _ = event_loop.call_soon(move || call(&protocol, &transport));
        }
    }
}

/// The creator's access to a protocol that a transport has.
pub struct ProtocolRef<P> {
    shared: Rc<RefCell<P>>,
}

impl<P> ProtocolRef<P> {
    /// Lends the protocol. While this lasts it gets no callback; a water mark that is crossed
    /// meanwhile is told soon after.
    ///
    /// # Errors
    ///
    /// It is in use: this is called by one of its own callbacks, or inside another `with`.
    pub fn with<R>(&self, look: impl FnOnce(&mut P) -> R) -> Result<R, InUse> {
        let mut protocol = self.shared.try_borrow_mut().map_err(|_| InUse)?;
        Ok(look(&mut protocol))
    }
}

impl<P: ProtocolKind> ProtocolRef<P> {
    /// The same protocol, for [`set_protocol`](crate::BaseTransport::set_protocol).
    pub fn erased(&self) -> AnyProtocol {
        P::erase(Rc::clone(&self.shared))
    }
}

impl<P> Clone for ProtocolRef<P> {
    fn clone(&self) -> ProtocolRef<P> {
        ProtocolRef { shared: Rc::clone(&self.shared) }
    }
}

impl<P> fmt::Debug for ProtocolRef<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtocolRef").finish_non_exhaustive()
    }
}

impl fmt::Debug for AnyProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AnyProtocol::Chunks(_) => "Chunks",
            AnyProtocol::InPlace(_) => "InPlace",
        })
    }
}

/// A protocol cannot be entered a second time while it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InUse;

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the protocol is in use: it is called inside one of its own callbacks")
    }
}

impl Error for InUse {}

/// [`BufferedProtocol::get_buffer`] has given a buffer without room (PR-05).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmptyBuffer;

impl fmt::Display for EmptyBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("get_buffer has given an empty buffer: it must have room for a byte")
    }
}

impl Error for EmptyBuffer {}
