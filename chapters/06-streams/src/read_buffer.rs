use crate::chunk::{Chunk, SPARE_SIZE_MAX, spare, spare_memory};
use std::mem;
use std::ops::Deref;

/// The bytes that have come and that nobody has read: it grows at its end and is taken from its
/// front. An empty one owns no memory.
#[derive(Debug, Default)]
pub(crate) struct ReadBuffer {
    bytes: Vec<u8>,
    /// Where the first that was not taken is.
    start: usize,
}

impl ReadBuffer {
    #[inline]
    pub(crate) fn push(&mut self, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        if self.bytes.is_empty() {
            self.bytes = spare_memory();
        } else if self.start >= self.len() {
            // What is left moves to the front once it is no more than what was taken: so no more
            // bytes are moved than taken.
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(data);
    }

    /// Takes the first `count` bytes, of which there must be as many.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Chunk {
        // Most often it is everything, and no byte is copied. But who keeps ten bytes is not to keep
        // the memory of 256 KiB that they came with.
        if count == self.bytes.len() && self.bytes.capacity() <= SPARE_SIZE_MAX.max(2 * count) {
            return Chunk::new(mem::take(&mut self.bytes));
        }
        let taken = Chunk::copy(&self[..count]);
        self.skip(count);
        taken
    }

    pub(crate) fn take_all(&mut self) -> Chunk {
        self.take(self.len())
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Drops the first `count` bytes, of which there must be as many.
    pub(crate) fn skip(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            self.start = 0;
            spare(mem::take(&mut self.bytes));
        } else if self.bytes.capacity() > SPARE_SIZE_MAX.max(8 * self.len()) {
            self.move_out();
        }
    }

    /// Moves what is left into memory of its size: a client that sent much once, and whose last line
    /// has only begun, is not to keep the memory of all that it sent.
    #[cold]
    fn move_out(&mut self) {
        let mut memory = spare_memory();
        memory.extend_from_slice(self);
        self.bytes = memory;
        self.start = 0;
    }
}

impl Deref for ReadBuffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Beside a queue of bytes, in many orders of pushing and taking.
    #[test]
    fn what_was_pushed_comes_out_in_order() {
        let (mut buffer, mut queue) = (ReadBuffer::default(), VecDeque::new());
        let mut next = 0_u8;
        for step in 0_usize..20_000 {
            let count = (step * 7919) % 61;
            if step.is_multiple_of(3) {
                let data: Vec<u8> =
                    (0..count).map(|offset| next.wrapping_add(offset as u8)).collect();
                next = next.wrapping_add(count as u8);
                buffer.push(&data);
                queue.extend(data);
            } else {
                let count = count.min(queue.len());
                let expected: Vec<u8> = queue.drain(..count).collect();
                if step.is_multiple_of(2) {
                    assert_eq!(buffer.take(count), expected);
                } else {
                    buffer.skip(count);
                }
            }
            assert_eq!(buffer.len(), queue.len());
            assert!(
                !buffer.is_empty() || buffer.bytes.capacity() == 0,
                "an empty one owns nothing"
            );
        }
    }

    /// Otherwise a client who sends much and is read in small pieces would have it grow for ever.
    #[test]
    fn what_was_taken_makes_room() {
        let mut buffer = ReadBuffer::default();
        buffer.push(&[0; 100]);
        for _ in 0..10_000 {
            buffer.push(&[0; 60]);
            buffer.take(60);
        }
        assert!(buffer.bytes.capacity() < 1000, "it has room for {}", buffer.bytes.capacity());
    }

    /// However much has come, and in whatever pieces it is read: what has gone leaves its memory.
    #[test]
    fn what_is_left_does_not_keep_the_memory_of_what_has_gone() {
        let mut buffer = ReadBuffer::default();
        for step in [1, 100, 10_000, 300_000] {
            buffer.push(&vec![0; 400_000 - buffer.len()]);
            while buffer.len() > 10 {
                buffer.take(step.min(buffer.len() - 10));
                let most = SPARE_SIZE_MAX.max(8 * buffer.len());
                let memory = buffer.bytes.capacity();
                assert!(memory <= most, "{memory} bytes for {}", buffer.len());
            }
        }
    }

    /// A line of ten bytes that is kept does not keep the 256 KiB that it came with.
    #[test]
    fn who_takes_few_bytes_does_not_get_the_memory_of_many() {
        let mut buffer = ReadBuffer::default();
        buffer.push(&[0; 100_000]);
        buffer.skip(99_990);
        buffer.push(&[1; 10]);
        assert!(buffer.take(20).capacity() <= SPARE_SIZE_MAX);
        assert!(buffer.is_empty());
        for count in [1, 1000, 100_000] {
            buffer.push(&vec![1; count]);
            let place = buffer.as_ptr();
            let taken = buffer.take(count);
            assert_eq!(taken.as_ptr(), place, "the memory itself is handed over");
        }
    }
}
