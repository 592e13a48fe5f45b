use crate::line_buffer::{LineBuffer, LineTooLong};

/// What a server answers: bytes in, bytes out, no socket in sight.
///
/// One value serves one client. The servers of chapters 01 to 03 take the same replies and differ
/// in how they wait.
pub trait Reply {
    /// Takes what the client has sent and appends to `outgoing` what it is to be sent.
    ///
    /// # Errors
    ///
    /// [`LineTooLong`]: the client is to be let go.
    fn reply(&mut self, received: &[u8], outgoing: &mut Vec<u8>) -> Result<(), LineTooLong>;

    /// How many of the bytes received have not been answered yet.
    fn unanswered(&self) -> usize {
        0
    }
}

/// Sends back each byte as it comes.
#[derive(Debug, Default, Clone, Copy)]
pub struct EchoBytes;

impl Reply for EchoBytes {
    fn reply(&mut self, received: &[u8], outgoing: &mut Vec<u8>) -> Result<(), LineTooLong> {
        outgoing.extend_from_slice(received);
        Ok(())
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
    fn reply(&mut self, received: &[u8], outgoing: &mut Vec<u8>) -> Result<(), LineTooLong> {
        self.lines.push(received);
        while let Some(line) = self.lines.next_line()? {
            outgoing.extend_from_slice(b"Buffer: ");
            outgoing.extend_from_slice(line);
        }
        Ok(())
    }

    fn unanswered(&self) -> usize {
        self.lines.len()
    }
}
