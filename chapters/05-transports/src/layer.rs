use crate::address::Address;
use crate::any_protocol::AnyProtocol;
use crate::transport::{BaseTransport, ReadTransport, Transport, WriteError, WriteTransport};
use crate::water_marks::{LimitsError, WaterMarks};
use std::io;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::Duration;

/// A transport that stands on another one, such as that of a cipher: it changes the bytes, and
/// leaves everything else to the transport below. Whoever implements this has a [`Transport`].
pub trait Layer {
    /// The transport below.
    fn below(&self) -> &Rc<dyn Transport>;

    /// Writes bytes of the protocol above to the transport below, in whatever form.
    ///
    /// # Errors
    ///
    /// Those of the transport below.
    fn pass_down(&self, data: &[u8]) -> Result<(), WriteError>;

    /// The protocol above.
    fn above(&self) -> Option<AnyProtocol>;

    /// Puts another protocol above.
    fn set_above(&self, protocol: AnyProtocol);
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
        self.set_above(protocol);
    }

    fn protocol(&self) -> Option<AnyProtocol> {
        self.above()
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
        self.pass_down(data)
    }

    fn writelines(&self, pieces: &[&[u8]]) -> Result<(), WriteError> {
        pieces.iter().try_for_each(|piece| self.pass_down(piece))
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
