use crate::address::Address;
use crate::any_protocol::AnyProtocol;
use crate::protocol::CallbackResult;
use crate::transport::{BaseTransport, ReadTransport, Transport, WriteError, WriteTransport};
use crate::water_marks::{LimitsError, WaterMarks};
use std::cell::RefCell;
use std::io;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::Duration;

/// A transport that stands on another one, such as that of a cipher: it changes the bytes, and
/// leaves everything else to the transport below. Whoever implements this has a [`Transport`].
///
/// Below stands the layer's own protocol. It calls the protocol above in each of its callbacks, with
/// the transport that the layer is, hands over what has come by [`deliver`], and says by
/// [`BaseProtocol::above`](crate::BaseProtocol::above) whom it calls.
pub trait Layer {
    /// The transport below.
    fn below(&self) -> &Rc<dyn Transport>;

    /// The place of the protocol above.
    fn above(&self) -> &Above;

    /// Writes pieces of the protocol above to the transport below, in whatever form, by one write: so
    /// the water marks are minded when all of it is written.
    ///
    /// # Errors
    ///
    /// Those of the transport below.
    fn pass_down(&self, pieces: &[&[u8]]) -> Result<(), WriteError>;
}

/// The place of the protocol above a [`Layer`]. Clones are the same place: one is the layer's, the
/// other its own protocol's, which empties it when the connection is lost, and when it is dropped.
/// The protocol above may keep its transport: this breaks the circle.
#[derive(Debug, Clone)]
pub struct Above {
    place: Rc<RefCell<Option<AnyProtocol>>>,
}

impl Above {
    /// A place with this protocol in it.
    pub fn new(protocol: AnyProtocol) -> Above {
        Above { place: Rc::new(RefCell::new(Some(protocol))) }
    }

    /// The protocol that is there.
    pub fn protocol(&self) -> Option<AnyProtocol> {
        self.place.borrow().clone()
    }

    /// Empties the place for good.
    pub fn take(&self) -> Option<AnyProtocol> {
        self.place.take()
    }

    fn replace(&self, protocol: AnyProtocol) {
        let is_empty = self.place.borrow().is_none();
        let old = if is_empty { Some(protocol) } else { self.place.replace(Some(protocol)) };
        // Its destructor is code of others.
        drop(old);
    }
}

/// Hands bytes that have come to the protocol above: to the one that the transport has at this
/// moment. It may take them in several rounds; if it puts another one in its place after one of
/// them, that one has the rest (TR-38). What is left when it closes is thrown away (TR-26).
///
/// # Errors
///
/// As [`AnyProtocol::data_received`].
pub fn deliver(transport: &Rc<dyn Transport>, mut data: &[u8]) -> CallbackResult {
    while !data.is_empty() && !transport.is_closing() {
        let Some(protocol) = transport.protocol() else { break };
        let count = protocol.receive_round(transport, data)?;
        data = &data[count..];
    }
    Ok(())
}

impl<L: Layer> BaseTransport for L {
    fn close(&self) {
        self.below().close();
    }

    fn close_within(&self, limit: Duration) {
        self.below().close_within(limit);
    }

    fn is_closing(&self) -> bool {
        self.below().is_closing()
    }

    fn peer_address(&self) -> &Address {
        self.below().peer_address()
    }

    fn local_address(&self) -> &Address {
        self.below().local_address()
    }

    fn with_descriptor(&self, look: &mut dyn FnMut(BorrowedFd<'_>)) -> bool {
        self.below().with_descriptor(look)
    }

    fn set_protocol(&self, protocol: AnyProtocol) {
        self.above().replace(protocol);
    }

    fn protocol(&self) -> Option<AnyProtocol> {
        self.above().protocol()
    }
}

impl<L: Layer> ReadTransport for L {
    fn pause_reading(&self) {
        self.below().pause_reading();
    }

    fn resume_reading(&self) {
        self.below().resume_reading();
    }

    fn is_reading(&self) -> bool {
        self.below().is_reading()
    }
}

impl<L: Layer> WriteTransport for L {
    fn write(&self, data: &[u8]) -> Result<(), WriteError> {
        self.pass_down(&[data])
    }

    fn writelines(&self, pieces: &[&[u8]]) -> Result<(), WriteError> {
        self.pass_down(pieces)
    }

    fn write_eof(&self) -> io::Result<()> {
        self.below().write_eof()
    }

    fn can_write_eof(&self) -> bool {
        self.below().can_write_eof()
    }

    fn abort(&self) {
        self.below().abort();
    }

    fn write_buffer_size(&self) -> usize {
        self.below().write_buffer_size()
    }

    fn unsent(&self) -> usize {
        self.below().unsent()
    }

    fn write_buffer_limits(&self) -> WaterMarks {
        self.below().write_buffer_limits()
    }

    fn set_write_buffer_limits(
        &self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), LimitsError> {
        self.below().set_write_buffer_limits(high, low)
    }
}
