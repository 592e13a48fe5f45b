use std::fmt;

/// Collects bytes until they make a line, which ends with `\r\n`.
///
/// TCP hands over bytes, not messages: a line may come in many pieces, and one piece may hold many
/// lines or end between `\r` and `\n` (SK-04). The buffer belongs to one client and outlives each
/// single read.
///
/// It holds at most the longest line allowed plus the last piece.
///
/// ```
/// let mut buffer = chapter_01::LineBuffer::new(80);
/// buffer.push(b"hello\r");
/// assert_eq!(buffer.next_line(), Ok(None));
/// buffer.push(b"\nwor");
/// assert_eq!(buffer.next_line(), Ok(Some(&b"hello\r\n"[..])));
/// assert_eq!(buffer.next_line(), Ok(None));
/// assert_eq!(buffer.len(), 3);
/// ```
#[derive(Debug)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// Where the first byte not yet given out stands in `bytes`.
    start: usize,
    /// No line ends before this place in `bytes`: what was searched once is not searched again.
    searched: usize,
    line_max: usize,
}

impl LineBuffer {
    /// An empty buffer for lines of at most `line_max` bytes, `\r\n` included.
    pub fn new(line_max: usize) -> LineBuffer {
        LineBuffer { bytes: Vec::new(), start: 0, searched: 0, line_max }
    }

    /// Adds what one read has brought.
    pub fn push(&mut self, received: &[u8]) {
        // Lines given out are removed here, all at once, and not one by one: a piece of a thousand
        // lines would otherwise be moved a thousand times.
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(received);
    }

    /// Takes the next whole line, with its `\r\n`, or `None` if it has not arrived yet.
    ///
    /// # Errors
    ///
    /// [`LineTooLong`] if the line is, or is bound to be, longer than allowed. Its bytes stay.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
        let found = self.bytes[self.searched..].windows(2).position(|pair| pair == b"\r\n");
        let end = found.map(|offset| self.searched + offset + 2);
        if end.unwrap_or(self.bytes.len()) - self.start > self.line_max {
            return Err(LineTooLong { line_max: self.line_max });
        }
        let Some(end) = end else {
            // The last byte may be the `\r` of a `\n` that is still to come.
            self.searched = self.bytes.len().saturating_sub(1).max(self.start);
            return Ok(None);
        };
        let line = &self.bytes[self.start..end];
        (self.start, self.searched) = (end, end);
        Ok(Some(line))
    }

    /// How many bytes wait for the rest of their line.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Whether no byte waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A client has sent more than a line may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTooLong {
    /// The longest line allowed, in bytes.
    pub line_max: usize,
}

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a line of more than {} bytes", self.line_max)
    }
}

impl std::error::Error for LineTooLong {}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(pieces: impl Iterator<Item = Vec<u8>>) -> (Vec<Vec<u8>>, usize) {
        let mut buffer = LineBuffer::new(100);
        let mut lines = Vec::new();
        for piece in pieces {
            buffer.push(&piece);
            while let Some(line) = buffer.next_line().unwrap() {
                lines.push(line.to_vec());
            }
        }
        (lines, buffer.len())
    }

    /// SK-04: the lines are the same however the bytes are cut.
    #[test]
    fn every_way_to_cut_a_text_gives_the_same_lines() {
        let text = b"a\r\n\r\nb\rc\n\r\r\nrest";
        let expected = ([&b"a\r\n"[..], b"\r\n", b"b\rc\n\r\r\n"].map(<[u8]>::to_vec).to_vec(), 4);
        // Each bit of `cuts` says whether there is a cut behind the byte at its place.
        for cuts in 0..1_u32 << (text.len() - 1) {
            let mut pieces = vec![Vec::new()];
            for (place, &byte) in text.iter().enumerate() {
                pieces.last_mut().unwrap().push(byte);
                if cuts >> place & 1 == 1 {
                    pieces.push(Vec::new());
                }
            }
            assert_eq!(lines_of(pieces.into_iter()), expected, "cuts {cuts:b}");
        }
    }

    #[test]
    fn a_line_of_the_longest_length_passes_and_one_more_byte_does_not() {
        let mut buffer = LineBuffer::new(4);
        buffer.push(b"ab\r\nabc\r\n");
        assert_eq!(buffer.next_line(), Ok(Some(&b"ab\r\n"[..])));
        assert_eq!(buffer.next_line(), Err(LineTooLong { line_max: 4 }));
        assert_eq!(buffer.next_line(), Err(LineTooLong { line_max: 4 }));
    }

    #[test]
    fn an_endless_line_is_refused_before_its_end() {
        let mut buffer = LineBuffer::new(4);
        buffer.push(b"abcd");
        assert_eq!(buffer.next_line(), Ok(None));
        buffer.push(b"e");
        assert_eq!(buffer.next_line(), Err(LineTooLong { line_max: 4 }));
    }

    #[test]
    fn lines_that_were_given_out_take_no_room() {
        let mut buffer = LineBuffer::new(100);
        for _ in 0..1000 {
            buffer.push(b"0123456789\r\n");
            assert!(buffer.next_line().unwrap().is_some());
        }
        assert!(buffer.is_empty() && buffer.bytes.capacity() < 100);
    }
}
