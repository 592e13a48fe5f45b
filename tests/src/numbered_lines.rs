use anyhow::{Context, Result, bail, ensure};
use harness::Client;

/// The lines of a client that does not read the answers.
pub(crate) struct NumberedLines {
    /// How many bytes of the lines were taken.
    sent: usize,
}

/// Long lines, so that much is sent with few of them.
const LINE: usize = 1024;

/// More than any buffer between client and server holds, in bytes.
const STUCK_MAX: usize = 1 << 30;

/// How many of them are sent at a time.
const BATCH: usize = 16;

impl NumberedLines {
    fn line(number: usize) -> Vec<u8> {
        format!("{number:.<width$}\r\n", width = LINE - 2).into_bytes()
    }

    /// Sends lines until the server takes no more.
    pub(crate) fn send_until_stuck(client: &mut Client) -> Result<NumberedLines> {
        for start in (0..STUCK_MAX / LINE).step_by(BATCH) {
            let lines = NumberedLines::batch(start);
            let sent = client.send_until_stuck(&lines)?;
            if sent < lines.len() {
                return Ok(NumberedLines { sent: start * LINE + sent });
            }
        }
        bail!("the server took {STUCK_MAX} bytes, although none of its answers were read")
    }

    /// Sends lines, of which `listener` is told each with `prefix` before it and a bare `\n` behind
    /// it, until it was told `news` in between.
    pub(crate) fn send_until_told(
        client: &mut Client,
        listener: &mut Client,
        prefix: &str,
        news: &str,
    ) -> Result<()> {
        let mut is_told = false;
        for start in (0..STUCK_MAX / LINE).step_by(BATCH) {
            client.send(&NumberedLines::batch(start))?;
            for number in start..start + BATCH {
                let line = NumberedLines::line(number);
                let line = [prefix.as_bytes(), line.trim_ascii_end(), b"\n"].concat();
                let mut received = listener.receive(line.len())?;
                if received.starts_with(news.as_bytes()) {
                    is_told = true;
                    received.drain(..news.len());
                    received.extend(listener.receive(news.len())?);
                }
                ensure!(received == line, "in the place of line {number} came another one");
            }
            if is_told {
                return Ok(());
            }
        }
        bail!("after {STUCK_MAX} bytes it is not told {news:?}")
    }

    fn batch(start: usize) -> Vec<u8> {
        (start..start + BATCH).flat_map(NumberedLines::line).collect()
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
