//! A protocol that wraps a protocol.

use chapter_05::{
    Above, AfterEof, AnyProtocol, BaseProtocol, Buffered, BufferedProtocol, CallbackResult,
    ConnectionError, Layer, Transport, WriteError, deliver,
};
use std::cell::Cell;
use std::mem;
use std::rc::Rc;

/// A cipher between a transport and any protocol. To the transport it is the protocol; to the
/// protocol above, which gets each callback right away, it gives a transport of its own.
///
/// It protects nothing: both directions mix in the same bytes, so whoever knows what was said in one
/// reads the other. It is here for its place.
pub(crate) struct Cipher {
    above: Above,
    /// That of the protocol above, from the first callback on.
    transport: Option<Rc<dyn Transport>>,
    key: u64,
    receiving: Keystream,
    /// Only while a receive is under way: a connection at rest keeps no memory for it.
    buffer: Vec<u8>,
}

impl Cipher {
    /// It is received in place, because it deciphers in place.
    pub(crate) fn new(key: u64, above: AnyProtocol) -> Buffered<Cipher> {
        let (above, receiving) = (Above::new(above), Keystream::new(key));
        Buffered(Cipher { above, transport: None, key, receiving, buffer: Vec::new() })
    }

    /// Whom to call, and with what.
    fn up(
        &mut self,
        below: &Rc<dyn Transport>,
    ) -> CallbackResult<(AnyProtocol, Rc<dyn Transport>)> {
        let protocol = self.above.protocol().ok_or("the connection is lost")?;
        let transport = self.transport.get_or_insert_with(|| {
            let (below, above) = (Rc::clone(below), self.above.clone());
            Rc::new(Ciphered { below, above, sending: Cell::new(Keystream::new(self.key)) })
        });
        Ok((protocol, Rc::clone(transport)))
    }
}

impl BaseProtocol for Cipher {
    fn connection_made(&mut self, below: &Rc<dyn Transport>) -> CallbackResult {
        let (protocol, transport) = self.up(below)?;
        protocol.connection_made(&transport)
    }

    fn connection_lost(&mut self, below: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        if let Ok((protocol, transport)) = self.up(below) {
            protocol.connection_lost(&transport, error);
        }
        self.above.take();
    }

    fn pause_writing(&mut self, below: &Rc<dyn Transport>) {
        if let Ok((protocol, transport)) = self.up(below) {
            protocol.pause_writing(&transport);
        }
    }

    fn resume_writing(&mut self, below: &Rc<dyn Transport>) {
        if let Ok((protocol, transport)) = self.up(below) {
            protocol.resume_writing(&transport);
        }
    }

    fn eof_received(&mut self, below: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        let (protocol, transport) = self.up(below)?;
        protocol.eof_received(&transport)
    }

    fn above(&self) -> Option<AnyProtocol> {
        self.above.protocol()
    }
}

impl BufferedProtocol for Cipher {
    /// No more is received at once than the protocol above would receive, so it can pause, or give
    /// way to another one, where it could without a cipher.
    fn get_buffer(&mut self, size_hint: usize) -> &mut [u8] {
        let room = self.above.protocol().and_then(|protocol| protocol.room(size_hint).ok());
        self.buffer = vec![0; room.unwrap_or(0)];
        &mut self.buffer
    }

    fn buffer_updated(&mut self, below: &Rc<dyn Transport>, count: usize) -> CallbackResult {
        let mut bytes = mem::take(&mut self.buffer);
        bytes.truncate(count);
        self.receiving.apply(&mut bytes);
        let (_, transport) = self.up(below)?;
        deliver(&transport, &bytes)
    }
}

/// The loop may be closed before the connection is lost.
impl Drop for Cipher {
    fn drop(&mut self) {
        self.above.take();
    }
}

/// The transport above the cipher.
struct Ciphered {
    below: Rc<dyn Transport>,
    above: Above,
    sending: Cell<Keystream>,
}

impl Layer for Ciphered {
    fn below(&self) -> &Rc<dyn Transport> {
        &self.below
    }

    fn above(&self) -> &Above {
        &self.above
    }

    fn pass_down(&self, pieces: &[&[u8]]) -> Result<(), WriteError> {
        let (mut bytes, mut sending) = (pieces.concat(), self.sending.get());
        sending.apply(&mut bytes);
        self.sending.set(sending);
        self.below.write(&bytes)
    }
}

/// The bytes to be mixed in: each depends on the key and its place in the stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keystream {
    key: u64,
    position: u64,
}

impl Keystream {
    pub(crate) fn new(key: u64) -> Keystream {
        Keystream { key, position: 0 }
    }

    /// Enciphers, or deciphers: it is the same.
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let mixed = (self.key ^ self.position).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *byte ^= mixed.to_be_bytes()[0];
            self.position += 1;
        }
    }
}
