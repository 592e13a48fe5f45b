//! The same connection with and without a cipher.

#![allow(dead_code, reason = "each test file uses a part of this")]

#[path = "../../examples/cipher/cipher.rs"]
mod cipher;

use chapter_05::AnyProtocol;
use cipher::{Cipher, Keystream};

/// What stands between a transport and a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    Nothing,
    Cipher,
    CipherOnCipher,
}

pub(crate) const STACKS: [Stack; 3] = [Stack::Nothing, Stack::Cipher, Stack::CipherOnCipher];

impl Stack {
    /// The keys, from the wire up.
    fn keys(self) -> &'static [u64] {
        match self {
            Stack::Nothing => &[],
            Stack::Cipher => &[1],
            Stack::CipherOnCipher => &[1, 2],
        }
    }

    /// The protocol of the transport that has this one on top.
    pub(crate) fn below(self, protocol: AnyProtocol) -> AnyProtocol {
        self.keys().iter().rev().fold(protocol, |above, key| {
            let (below, _) = AnyProtocol::new(Cipher::new(*key, above));
            below
        })
    }

    /// The ciphers of somebody at the other end of the wire, for one direction.
    pub(crate) fn wire(self) -> Wire {
        Wire(self.keys().iter().map(|key| Keystream::new(*key)).collect())
    }
}

/// Enciphers or deciphers a stream, piece by piece.
pub(crate) struct Wire(Vec<Keystream>);

impl Wire {
    pub(crate) fn apply(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        self.0.iter_mut().for_each(|keystream| keystream.apply(&mut bytes));
        bytes
    }
}
