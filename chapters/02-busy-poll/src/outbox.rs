use crate::try_io::TryIo;
use std::io;
use std::task::Poll;

/// From how many waiting bytes on an outbox is full.
pub const OUTBOX_MAX: usize = 64 * 1024;

/// The bytes for one client that the kernel has not taken yet, in order.
///
/// Whoever fills it asks [`is_full`](Outbox::is_full) first and reads no more from the client until
/// it is not: then at most [`OUTBOX_MAX`] bytes and the reply to one read wait. The client that
/// does not read is thus made to wait by its own full send buffer, and costs the server no more
/// than that.
///
/// An empty outbox owns no memory.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Empty as soon as all of them are sent.
    bytes: Vec<u8>,
    /// How many of `bytes`, from the front, are sent.
    sent: usize,
}

impl Outbox {
    /// Sends `bytes` behind those that wait, at once as far as the kernel takes them, and keeps the
    /// rest.
    ///
    /// # Errors
    ///
    /// Those of [`TryIo::try_send`].
    #[inline]
    pub fn send(&mut self, socket: &impl TryIo, bytes: &[u8]) -> io::Result<()> {
        let taken = if self.is_empty() && !bytes.is_empty() {
            socket.try_send(bytes)?
        } else {
            Poll::Pending
        };
        match taken {
            Poll::Ready(count) if count == bytes.len() => {}
            Poll::Ready(count) => self.bytes.extend_from_slice(&bytes[count..]),
            Poll::Pending => self.bytes.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// Offers the kernel what waits, once. "Not yet" means that some of it still waits.
    ///
    /// # Errors
    ///
    /// Those of [`TryIo::try_send`].
    pub fn flush(&mut self, socket: &impl TryIo) -> io::Result<Poll<()>> {
        if self.is_empty() {
            return Ok(Poll::Ready(()));
        }
        if let Poll::Ready(count) = socket.try_send(&self.bytes[self.sent..])? {
            // A byte counts as sent only now that the kernel has it.
            self.sent += count;
        }
        if self.sent < self.bytes.len() {
            // A client that is always a little behind never lets this end. To move what waits is
            // then no more work than it was to send what goes.
            if self.sent >= self.len() {
                self.bytes.drain(..self.sent);
                self.sent = 0;
            }
            return Ok(Poll::Pending);
        }
        *self = Outbox::default();
        Ok(Poll::Ready(()))
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether so much waits that no more should be added.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len() >= OUTBOX_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeSocket;

    /// SK-06: a partial send is finished later, in order.
    #[test]
    fn what_the_kernel_does_not_take_is_sent_later_in_order() {
        let socket = FakeSocket::new().takes([Some(3), None, Some(1)]);
        let mut outbox = Outbox::default();
        outbox.send(&socket, b"hello ").unwrap();
        outbox.send(&socket, b"world").unwrap();
        assert_eq!((socket.sent(), outbox.len()), (b"hel".to_vec(), 8));
        assert_eq!(outbox.flush(&socket).unwrap(), Poll::Pending);
        assert_eq!((socket.sent(), outbox.len()), (b"hel".to_vec(), 8));
        assert_eq!(outbox.flush(&socket).unwrap(), Poll::Pending);
        assert_eq!(outbox.flush(&socket).unwrap(), Poll::Ready(()));
        assert_eq!((socket.sent(), outbox.len()), (b"hello world".to_vec(), 0));
        assert_eq!(outbox.bytes.capacity(), 0, "an empty outbox owns no memory");
    }

    /// A client that reads, but is always a little behind, does not make the outbox grow.
    #[test]
    fn what_is_sent_does_not_stay() {
        let piece = vec![b'x'; OUTBOX_MAX];
        let takes = std::iter::once(1).chain(std::iter::repeat_n(OUTBOX_MAX, 100));
        let socket = FakeSocket::new().takes(takes.map(Some));
        let mut outbox = Outbox::default();
        outbox.send(&socket, &piece).unwrap();
        for _ in 0..100 {
            outbox.send(&socket, &piece).unwrap();
            assert_eq!(outbox.flush(&socket).unwrap(), Poll::Pending);
            assert!(outbox.bytes.len() <= 2 * outbox.len());
        }
        assert!(outbox.bytes.capacity() <= 8 * OUTBOX_MAX);
    }
}
