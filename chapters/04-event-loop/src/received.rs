use chapter_02::RECEIVE_MAX;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::task::Poll;

/// How many buffers a loop keeps for later.
const FREE_MAX: usize = 16;

/// Bytes that were received, in a buffer that belongs to the loop and goes back when this is
/// dropped.
///
/// A connection that waits to receive has no buffer; one that waits to send back what it received
/// keeps it. So there are only as many buffers as are in use at the same time.
pub struct Received<'a> {
    buffer: Box<[u8]>,
    count: usize,
    home: &'a Buffers,
}

/// The receive buffers of a loop that are not in use.
#[derive(Default)]
pub(crate) struct Buffers {
    free: RefCell<Vec<Box<[u8]>>>,
}

impl Buffers {
    /// Has `receive` fill a buffer of at most `max` bytes, and keeps the buffer if nothing came.
    #[inline]
    pub(crate) fn fill(
        &self,
        max: usize,
        receive: impl FnOnce(&mut [u8]) -> io::Result<Poll<usize>>,
    ) -> io::Result<Poll<Received<'_>>> {
        let mut received = Received { buffer: self.take(), count: 0, home: self };
        let outcome = receive(&mut received.buffer[..max.min(RECEIVE_MAX)])?;
        Ok(outcome.map(|count| {
            received.count = count;
            received
        }))
    }

    #[inline]
    fn take(&self) -> Box<[u8]> {
        let free = self.free.borrow_mut().pop();
        free.unwrap_or_else(|| vec![0; RECEIVE_MAX].into_boxed_slice())
    }
}

impl Deref for Received<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.buffer[..self.count]
    }
}

impl AsRef<[u8]> for Received<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Received<'_> {
    fn drop(&mut self) {
        let mut free = self.home.free.borrow_mut();
        if free.len() < FREE_MAX {
            free.push(std::mem::take(&mut self.buffer));
        }
    }
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({})", chapter_01::Excerpt(self))
    }
}
