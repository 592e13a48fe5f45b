use crate::client::Client;
use anyhow::{Context, Result, bail};

/// The lines of a client that does not read the answers.
pub(crate) struct NumberedLines {
    /// How many bytes of the lines were taken.
    sent: usize,
}

/// Long lines, so that much is sent with few of them.
const LINE: usize = 1024;

/// More than any buffer between client and server holds, in bytes.
const STUCK_MAX: usize = 1 << 30;

impl NumberedLines {
    fn line(number: usize) -> Vec<u8> {
        format!("{number:.<width$}\r\n", width = LINE - 2).into_bytes()
    }

    /// Sends lines until the server takes no more.
    pub(crate) fn send_until_stuck(client: &mut Client) -> Result<NumberedLines> {
        const BATCH: usize = 64;
        for batch in 0..STUCK_MAX / (BATCH * LINE) {
            let lines: Vec<u8> =
                (batch * BATCH..(batch + 1) * BATCH).flat_map(NumberedLines::line).collect();
            let sent = client.send_until_stuck(&lines)?;
            if sent < lines.len() {
                return Ok(NumberedLines { sent: batch * BATCH * LINE + sent });
            }
        }
        bail!("the server took {STUCK_MAX} bytes, although none of its answers were read")
    }

    /// Receives the answer to each line, `prefix` and the line; the last line is sent to its end
    /// before.
    pub(crate) fn receive_answers(self, client: &mut Client, prefix: &str) -> Result<()> {
        let (whole, begun) = (self.sent / LINE, self.sent % LINE);
        for number in 0..whole {
            NumberedLines::receive_answer(client, prefix, number)?;
        }
        client.send(&NumberedLines::line(whole)[begun..])?;
        NumberedLines::receive_answer(client, prefix, whole)
    }

    /// Receives back what was sent, of which the last line may have no end.
    pub(crate) fn receive_sent(self, client: &mut Client) -> Result<()> {
        let (whole, begun) = (self.sent / LINE, self.sent % LINE);
        (0..whole).try_for_each(|number| NumberedLines::receive_answer(client, "", number))?;
        client.receive_back(&NumberedLines::line(whole)[..begun])
    }

    fn receive_answer(client: &mut Client, prefix: &str, number: usize) -> Result<()> {
        let answer = [prefix.as_bytes(), &*NumberedLines::line(number)].concat();
        client.receive_back(&answer).with_context(|| format!("the answer to line {number}"))
    }
}
