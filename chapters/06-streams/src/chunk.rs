use chapter_01::Excerpt;
use chapter_04::Outcome;
use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::ops::Deref;

/// Bytes that were read.
///
/// They are the caller's. Their memory goes back to the thread when they are dropped, for the next
/// read: most are read, looked at and dropped, and to allocate for each of them would be a third of
/// what reading costs. [`into_vec`](Chunk::into_vec) is for those that are kept.
#[derive(Default, Clone, Eq)]
pub struct Chunk {
    bytes: Vec<u8>,
}

/// How large memory may be to be kept for later, in bytes. For more, the system is asked: beside
/// filling it, that costs little.
pub(crate) const SPARE_SIZE_MAX: usize = 4 * 1024;

/// How many of them a thread keeps, so not more than a MiB.
const SPARES_MAX: usize = 256;

thread_local! {
    /// Memory of this thread's chunks that nobody uses. Each is empty.
    static SPARES: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

impl Chunk {
    pub(crate) fn new(bytes: Vec<u8>) -> Chunk {
        Chunk { bytes }
    }

    /// A copy of some bytes.
    pub(crate) fn copy(bytes: &[u8]) -> Chunk {
        let mut memory = spare_memory();
        memory.extend_from_slice(bytes);
        Chunk::new(memory)
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The bytes as a vector that has no more room than it needs.
    pub fn into_vec(mut self) -> Vec<u8> {
        let mut bytes = mem::take(&mut self.bytes);
        bytes.shrink_to_fit();
        bytes
    }
}

/// An empty vector, with memory if there is some to spare.
#[inline]
pub(crate) fn spare_memory() -> Vec<u8> {
    // While the thread ends there is none.
    let spare = SPARES.try_with(|spares| spares.borrow_mut().pop());
    spare.ok().flatten().unwrap_or_default()
}

/// Keeps memory for later, if it is worth it.
#[inline]
pub(crate) fn spare(mut memory: Vec<u8>) {
    if memory.capacity() == 0 || memory.capacity() > SPARE_SIZE_MAX {
        return;
    }
    memory.clear();
    let _ = SPARES.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        if spares.len() < SPARES_MAX {
            spares.push(memory);
        }
    });
}

/// A task may end with what it has read.
impl Outcome for Chunk {}

impl Drop for Chunk {
    #[inline]
    fn drop(&mut self) {
        spare(mem::take(&mut self.bytes));
    }
}

impl Deref for Chunk {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Chunk> for Vec<u8> {
    fn from(chunk: Chunk) -> Vec<u8> {
        chunk.into_vec()
    }
}

impl<B: AsRef<[u8]> + ?Sized> PartialEq<B> for Chunk {
    fn eq(&self, other: &B) -> bool {
        **self == *other.as_ref()
    }
}

/// Its beginning, as text.
impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({})", Excerpt(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spares() -> usize {
        SPARES.with_borrow(Vec::len)
    }

    #[test]
    fn the_memory_of_a_chunk_is_that_of_a_later_one() {
        let first = Chunk::copy(b"some bytes");
        let place = first.as_ptr();
        drop(first);
        let second = Chunk::copy(b"others");
        assert_eq!((second.as_ptr(), &*second), (place, &b"others"[..]));
        assert_eq!(spares(), 0);
        let vec = second.into_vec();
        assert_eq!((vec.capacity(), spares()), (6, 0));
    }

    #[test]
    fn what_a_thread_keeps_is_bounded() {
        let many: Vec<_> = (0..2 * SPARES_MAX).map(|_| Chunk::copy(&[0; 1000])).collect();
        drop(many);
        assert_eq!(spares(), SPARES_MAX);
        SPARES.take();
        drop(Chunk::copy(&vec![0; SPARE_SIZE_MAX + 1]));
        assert_eq!(spares(), 0);
    }
}
