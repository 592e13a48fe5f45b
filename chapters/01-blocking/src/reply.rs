use crate::line_buffer::{LineBuffer, LineTooLong};

/// What a server answers: bytes in, bytes out, no socket in sight.
///
/// One value serves one client. The servers of chapters 01 to 03 take the same replies and differ
/// in how they wait.
pub trait Reply {
    /// Takes what the client has sent and gives what it is to be sent: a part of `received` as it
    /// is, or something new, for which there is `space`. `space` is empty at the call.
    ///
    /// # Errors
    ///
    /// [`LineTooLong`]: the client is to be let go. What it is still to be sent is in `space`.
    fn reply<'a>(
        &mut self,
        received: &'a [u8],
        space: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], LineTooLong>;

    /// How many of the bytes received have not been answered yet.
    fn unanswered(&self) -> usize {
        0
    }
}

/// Sends back each byte as it comes.
#[derive(Debug, Default, Clone, Copy)]
pub struct EchoBytes;

impl Reply for EchoBytes {
    #[inline]
    fn reply<'a>(
        &mut self,
        received: &'a [u8],
        _: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], LineTooLong> {
        Ok(received)
    }
}

/// The longest line that [`EchoLines::default`] takes, in bytes, `\r\n` included.
pub const LINE_MAX: usize = 64 * 1024;

/// Answers each line with `Buffer: ` and the line.
#[derive(Debug)]
pub struct EchoLines {
    lines: LineBuffer,
}

impl Default for EchoLines {
    fn default() -> EchoLines {
        EchoLines { lines: LineBuffer::new(LINE_MAX) }
    }
}

impl Reply for EchoLines {
    fn reply<'a>(
        &mut self,
        received: &'a [u8],
        space: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], LineTooLong> {
        self.lines.push(received);
        while let Some(line) = self.lines.next_line()? {
            space.extend_from_slice(b"Buffer: ");
            space.extend_from_slice(line);
        }
        Ok(space)
    }

    fn unanswered(&self) -> usize {
        self.lines.len()
    }
}
