use crate::chunk::Chunk;
use crate::connection_lost::ConnectionLost;
use crate::read_buffer::ReadBuffer;
use crate::read_error::ReadError;
use crate::search::Search;
use crate::stream_limits::StreamLimits;

/// What has come on a connection, and what every read makes of it: the whole of a reader but the
/// waiting.
///
/// Each `try_…` gives what the read gives, or `None` for "not yet". It takes bytes only when it gives
/// them: a read that is tried and given up loses nothing (RD-15).
#[derive(Debug)]
pub(crate) struct Inbox {
    buffer: ReadBuffer,
    end: End,
    /// Whether what comes belongs to a line that was too long, up to its end (D-38).
    skipping: bool,
    limits: StreamLimits,
}

#[derive(Debug)]
enum End {
    /// There may be more.
    Open,
    Eof,
    Lost(ConnectionLost),
}

/// What a read gives.
pub(crate) type ReadResult = Result<Chunk, ReadError>;

impl Inbox {
    pub(crate) fn new(limits: StreamLimits) -> Inbox {
        Inbox { buffer: ReadBuffer::default(), end: End::Open, skipping: false, limits }
    }

    pub(crate) fn feed_data(&mut self, mut data: &[u8]) {
        if self.skipping {
            let Some(newline) = memchr::memchr(b'\n', data) else { return };
            self.skipping = false;
            data = &data[newline + 1..];
        }
        self.buffer.push(data);
    }

    pub(crate) fn feed_eof(&mut self) {
        if let End::Open = self.end {
            self.end = End::Eof;
        }
    }

    /// The connection is lost. Without a cause this is the end of file (ST-08), and after the end of
    /// file it is no matter of the reader's: everything has come, in order.
    pub(crate) fn feed_loss(&mut self, lost: ConnectionLost) {
        if let End::Open = self.end {
            self.end = if lost.cause().is_some() { End::Lost(lost) } else { End::Eof };
        }
    }

    pub(crate) fn limits(&self) -> StreamLimits {
        self.limits
    }

    /// How many bytes are kept.
    #[inline]
    pub(crate) fn kept(&self) -> usize {
        self.buffer.len()
    }

    pub(crate) fn at_eof(&self) -> bool {
        matches!(self.end, End::Eof) && self.buffer.is_empty()
    }

    /// RD-01.
    #[inline]
    pub(crate) fn try_read(&mut self, max: usize) -> Option<ReadResult> {
        if max == 0 {
            return Some(Ok(Chunk::default()));
        }
        if !self.buffer.is_empty() {
            return Some(Ok(self.buffer.take(max.min(self.buffer.len()))));
        }
        self.at_end(|_| Ok(Chunk::default()))
    }

    /// RD-01.
    pub(crate) fn try_read_to_end(&mut self) -> Option<ReadResult> {
        self.at_end(|buffer| Ok(buffer.take_all()))
    }

    /// RD-02.
    pub(crate) fn try_read_exactly(&mut self, count: usize) -> Option<ReadResult> {
        if self.buffer.len() >= count {
            return Some(Ok(self.buffer.take(count)));
        }
        let incomplete = |partial| ReadError::Incomplete { partial, expected: Some(count) };
        self.at_end(|buffer| Err(incomplete(buffer.take_all().into_vec())))
    }

    /// RD-04, RD-05 and RD-06.
    pub(crate) fn try_read_until(&mut self, search: &mut Search<'_>) -> Option<ReadResult> {
        let found = search.find(&self.buffer);
        let consumed = found.map_or(search.looked(), |found| found.start);
        if consumed > self.limits.line_max() {
            return Some(Err(ReadError::LimitOverrun { consumed, found: found.is_some() }));
        }
        if let Some(found) = found {
            return Some(Ok(self.buffer.take(found.end)));
        }
        let incomplete = |partial| ReadError::Incomplete { partial, expected: None };
        self.at_end(|buffer| Err(incomplete(buffer.take_all().into_vec())))
    }

    /// RD-03 and RD-07.
    pub(crate) fn try_readline(&mut self, newline: &mut Search<'_>) -> Option<ReadResult> {
        Some(match self.try_read_until(newline)? {
            Err(ReadError::Incomplete { partial, .. }) => Ok(Chunk::new(partial)),
            Err(ReadError::LimitOverrun { consumed, found }) => {
                let gone = if found { consumed + 1 } else { self.buffer.len() };
                self.buffer.skip(gone);
                self.skipping = !found;
                Err(ReadError::LineTooLong { line_max: self.limits.line_max() })
            }
            other => other,
        })
    }

    /// What there is to say when the bytes that are there are not enough: at the end of file, what
    /// `eof` makes of them; after a loss, the loss, and they stay (D-20).
    fn at_end(&mut self, eof: impl FnOnce(&mut ReadBuffer) -> ReadResult) -> Option<ReadResult> {
        match &self.end {
            End::Open => None,
            End::Eof => Some(eof(&mut self.buffer)),
            End::Lost(lost) => Some(Err(ReadError::Lost(lost.clone()))),
        }
    }
}

#[cfg(test)]
mod tests;
