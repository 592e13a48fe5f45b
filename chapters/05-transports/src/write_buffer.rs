use crate::stream::{PIECES_MAX, Stream};
use chapter_03::Readiness;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::Poll;

/// How many bytes are kept in one piece of memory, which goes back when they are sent.
const CHUNK: usize = 64 * 1024;

/// The bytes that were written and that the kernel has not taken, in order.
///
/// Its length is counted and not summed up (D-14), and a byte leaves it only after the kernel has
/// it (D-08). Small writes share a chunk. The protocol bounds it: see the water marks.
#[derive(Debug, Default)]
pub(crate) struct WriteBuffer {
    chunks: VecDeque<Vec<u8>>,
    /// Of the first chunk.
    sent: usize,
    /// Of what is not sent, in bytes.
    len: usize,
}

impl WriteBuffer {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        self.len += bytes.len();
        while !bytes.is_empty() {
            let room = self.chunks.back().map_or(0, |last| CHUNK.saturating_sub(last.len()));
            if room == 0 {
                self.chunks.push_back(Vec::with_capacity(bytes.len().min(CHUNK)));
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(room));
            let last = self.chunks.back_mut().expect("it has room");
            last.extend_from_slice(now);
            bytes = later;
        }
    }

    /// Offers the kernel what it takes in one call. An empty buffer owns no memory.
    pub(crate) fn send(
        &mut self,
        socket: &impl Stream,
        readiness: &mut Readiness,
    ) -> io::Result<()> {
        let (pieces, offered) = self.pieces();
        let sent = match pieces.as_slice() {
            [one] => socket.try_send(one)?,
            several => socket.try_send_vectored(several)?,
        };
        let count = match sent {
            Poll::Ready(count) => count,
            Poll::Pending => 0,
        };
        if count < offered {
            readiness.after_partial_send();
        }
        self.consume(count);
        Ok(())
    }

    /// What one call can send, and how many bytes that is.
    fn pieces(&self) -> (Vec<IoSlice<'_>>, usize) {
        let chunks = self.chunks.iter().take(PIECES_MAX);
        let mut pieces: Vec<_> = chunks.map(|chunk| IoSlice::new(chunk)).collect();
        if let Some(first) = pieces.first_mut() {
            first.advance(self.sent);
        }
        let offered = pieces.iter().map(|piece| piece.len()).sum();
        (pieces, offered)
    }

    fn consume(&mut self, count: usize) {
        self.len -= count;
        if self.len == 0 {
            return *self = WriteBuffer::default();
        }
        self.sent += count;
        while let Some(first) = self.chunks.front()
            && self.sent >= first.len()
        {
            self.sent -= first.len();
            self.chunks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D-14 (FC-12): a buffer that says seven bytes and has no chunk. Whoever sums up finds none.
    #[test]
    fn d_14_the_length_is_read_and_not_summed_up() {
        let buffer = WriteBuffer { len: 7, ..WriteBuffer::default() };
        assert_eq!((buffer.len(), buffer.is_empty()), (7, false));
    }

    /// FC-12: what is read is the sum all the same, after every push and every send of a part.
    #[test]
    fn the_length_is_that_of_what_is_kept() {
        let mut buffer = WriteBuffer::default();
        for count in [1, 3, CHUNK - 5, CHUNK, CHUNK + 1, 10, 3 * CHUNK, 0] {
            buffer.push(&vec![b'x'; count]);
            assert_eq!(buffer.len(), buffer.pieces().1);
            buffer.consume(count / 3);
            assert_eq!(buffer.len(), buffer.pieces().1);
        }
        buffer.consume(buffer.len());
        assert_eq!((buffer.len(), buffer.chunks.capacity()), (0, 0));
    }
}
