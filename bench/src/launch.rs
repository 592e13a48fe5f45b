use crate::serve::LISTENING;
use crate::server::Server;
use anyhow::{Context, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start or to end; valgrind needs some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts servers, each in a process of its own.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The program of this package: it plays every server, as `bench serve NAME`. One program for all, so that
    /// `cargo run` builds everything that it measures.
    pub program: PathBuf,
    /// The processor on which the servers stay, if there is one to spare.
    pub core: Option<usize>,
}

/// A server in a process of its own, which ends with this value.
#[derive(Debug)]
pub struct Running {
    child: Child,
    output: ChildStdout,
    /// The process of the server itself, not of the tool that watches it.
    pub pid: Pid,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Launcher {
    /// Starts a server; it listens when this returns.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn start(&self, server: Server) -> anyhow::Result<Running> {
        self.start_under(&[], server)
    }

    /// Starts a server as the last argument of `tool`, a command such as `strace -c`. Without words it is the plain
    /// server.
    ///
    /// # Errors
    ///
    /// If the tool or the server does not start.
    pub fn start_under(&self, tool: &[OsString], server: Server) -> anyhow::Result<Running> {
        let mut words = tool.iter().cloned().chain([
            self.program.clone().into(),
            "serve".into(),
            server.name().into(),
        ]);
        let mut command = Command::new(words.next().expect("the program stands behind the tool"));
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped());
        if let Some(core) = self.core {
            command.arg("--core").arg(core.to_string());
        }
        let mut child =
            command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let mut output = child.stdout.take().expect("standard output is piped");
        match first_line(&mut output).and_then(|line| parse_listening(&line)) {
            Ok((pid, address)) => Ok(Running { child, output, pid, address }),
            Err(error) => {
                end(&mut child);
                Err(error.context(format!("{} did not start", server.name())))
            }
        }
    }
}

impl Running {
    /// Asks the server to end (SIGTERM), waits for it and its tool, and gives back what it has said to the last.
    ///
    /// # Errors
    ///
    /// If it does not end in time.
    pub fn stop(mut self) -> anyhow::Result<String> {
        kill_process(self.pid, Signal::TERM)?;
        let deadline = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        while let Some(bytes) = read_some(&mut self.output, deadline)? {
            said.extend(bytes);
        }
        // Its end of the pipe is closed: it is at its end.
        self.child.wait()?;
        Ok(String::from_utf8(said)?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a process for good. It may have ended already.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn first_line(output: &mut ChildStdout) -> anyhow::Result<String> {
    let deadline = Instant::now() + PATIENCE;
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        line.extend(read_some(output, deadline)?.context("it has ended")?);
    }
    Ok(String::from_utf8(line)?)
}

/// What the process says next; `None` once it has closed its output.
fn read_some(output: &mut ChildStdout, deadline: Instant) -> anyhow::Result<Option<Vec<u8>>> {
    let timeout = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))?;
    ensure!(
        poll(&mut [PollFd::new(output, PollFlags::IN)], Some(&timeout))? > 0,
        "it says nothing for too long"
    );
    let mut bytes = vec![0; 256];
    let count = output.read(&mut bytes)?;
    bytes.truncate(count);
    Ok((count > 0).then_some(bytes))
}

/// Reads `LISTENING PORT PID`.
fn parse_listening(line: &str) -> anyhow::Result<(Pid, SocketAddr)> {
    let [LISTENING, port, pid] = line.split_whitespace().collect::<Vec<_>>()[..] else {
        bail!("it says {line:?}")
    };
    let pid = Pid::from_raw(pid.parse()?).context("a process has a positive number")?;
    Ok((pid, SocketAddr::from(([127, 0, 0, 1], port.parse()?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_server_is_understood() {
        let (pid, address) = parse_listening("LISTENING 40001 77\n").unwrap();
        assert_eq!((pid.as_raw_nonzero().get(), address.port()), (77, 40001));
        assert!(parse_listening("LISTENING 40001\n").is_err());
        assert!(parse_listening("cannot listen\n").is_err());
    }

    #[test]
    fn a_tool_that_is_missing_is_named() {
        let launcher = Launcher { program: "bench".into(), core: None };
        let error = launcher.start_under(&["no-such-tool".into()], Server::RawEpoll).unwrap_err();
        assert!(error.to_string().contains("no-such-tool"), "{error}");
    }
}
