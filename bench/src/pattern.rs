/// How many bytes of the pattern differ before it begins again. A prime: no message size is in step with it.
const PERIOD: usize = 65_521;

/// The most bytes that [`Pattern::at`] gives at once.
pub(crate) const PIECE_MAX: usize = 64 * 1024;

/// A stream of bytes without end in which each place can be looked up, so that a client can check what comes back
/// without having kept what it has sent.
#[derive(Debug)]
pub(crate) struct Pattern {
    bytes: Vec<u8>,
}

impl Default for Pattern {
    fn default() -> Pattern {
        // The upper byte of a multiplicative hash: neighbours and distant places look unlike.
        let byte = |place: usize| ((place as u32).wrapping_mul(0x9E37_79B1) >> 24) as u8;
        Pattern { bytes: (0..PERIOD + PIECE_MAX).map(|place| byte(place % PERIOD)).collect() }
    }
}

impl Pattern {
    /// The `count` bytes from `place` on, at most [`PIECE_MAX`].
    pub(crate) fn at(&self, place: u64, count: usize) -> &[u8] {
        let start = (place % PERIOD as u64) as usize;
        &self.bytes[start..start + count.min(PIECE_MAX)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_its_byte_across_the_seam() {
        let pattern = Pattern::default();
        let end = PERIOD as u64;
        assert_eq!(pattern.at(end - 3, 6), [pattern.at(end - 3, 3), pattern.at(0, 3)].concat());
        assert_eq!(pattern.at(7, 1000), pattern.at(3 * end + 7, 1000));
        assert_ne!(pattern.at(0, 16), pattern.at(1, 16));
        assert_eq!(pattern.at(end - 1, usize::MAX).len(), PIECE_MAX);
    }
}
