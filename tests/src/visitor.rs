use anyhow::{Context, Result, ensure};
use harness::Process;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{ChildStdin, Command, Stdio};

/// A program that is the client of a server, with somebody at its keyboard.
pub(crate) struct Visitor {
    process: Process,
    /// `None` once its input has ended.
    input: Option<ChildStdin>,
    /// How many bytes of its output were looked at.
    read: usize,
}

impl Visitor {
    pub(crate) fn start(command: &mut Command, server: SocketAddr) -> Result<Visitor> {
        command.args(["--connect", &server.to_string()]);
        let mut process = Process::spawn(command, Stdio::piped())?;
        let input = process.take_stdin();
        Ok(Visitor { process, input, read: 0 })
    }

    /// The port of its own address, which ends its first line.
    pub(crate) fn port(&self) -> Result<u16> {
        let line = self.process.stdout().wait_for_line("connected")?;
        let port = line.rsplit(':').next().unwrap_or_default();
        port.parse().with_context(|| format!("no address at the end of {line:?}"))
    }

    /// Waits for its next line.
    pub(crate) fn next_line(&mut self) -> Result<String> {
        let read = self.read;
        let line = self.process.stdout().wait_for("a line", |text| {
            text[read..].split_once('\n').map(|(line, _)| line.to_owned())
        })?;
        self.read += line.len() + 1;
        Ok(line)
    }

    /// Writes to its standard input.
    pub(crate) fn give(&mut self, text: &[u8]) -> Result<()> {
        let input = self.input.as_mut().context("its input has ended")?;
        Ok(input.write_all(text)?)
    }

    pub(crate) fn end_input(&mut self) -> Result<()> {
        self.input.take().map(drop).context("its input has ended")
    }

    /// Waits until it has ended by itself, and gives the last line of its standard error. By then
    /// every other line of it must have been looked at.
    pub(crate) fn wait_for_end(&mut self, exit_code: i32) -> Result<Option<String>> {
        let status = self.process.wait()?;
        let errors = self.process.stderr().wait_for_end()?;
        ensure!(status.code() == Some(exit_code), "it ended with {status}: {errors:?}");
        let output = self.process.stdout().wait_for_end()?;
        ensure!(output.len() == self.read, "it said something else: {:?}", &output[self.read..]);
        Ok(errors.lines().last().map(str::to_owned))
    }
}
