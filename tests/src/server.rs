use anyhow::{Context, Result};
use harness::Process;
use harness::measure;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    process: Process,
    address: SocketAddr,
    descriptors_at_start: Option<BTreeSet<u64>>,
}

impl Server {
    /// Starts a program and waits for its first line: `LISTENING` and a port, or `listening on` and
    /// an address.
    ///
    /// # Errors
    ///
    /// It does not start, says something else, or ends; the message quotes its standard error.
    pub fn start(command: &mut Command) -> Result<Server> {
        Server::start_with_stderr(command, Stdio::piped())
    }

    /// As [`start`](Server::start), with a standard error of one's own, which is not collected.
    ///
    /// # Errors
    ///
    /// As [`start`](Server::start).
    pub fn start_with_stderr(command: &mut Command, stderr: Stdio) -> Result<Server> {
        let process = Process::spawn_with_stderr(command, Stdio::null(), stderr)?;
        let address = process
            .stdout()
            .wait_for("its address", |text| text.split_once('\n').map(|(line, _)| announced(line)))
            .and_then(|address| address)
            .with_context(|| {
                format!("`{}` did not start; it said {:?}", process.name(), process.stderr().text())
            })?;
        let descriptors_at_start = measure::descriptors(process.pid());
        Ok(Server { process, address, descriptors_at_start })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The numbers of its descriptors before its first client, if the platform tells.
    pub fn descriptors_at_start(&self) -> Option<&BTreeSet<u64>> {
        self.descriptors_at_start.as_ref()
    }

    /// The program.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The program, to be ended.
    pub fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Limits the program's descriptors so that it can have `count` more of them than it had at its
    /// start.
    ///
    /// Those that it has already stay valid. Where a platform cannot set the limits of another
    /// process, `false`.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn allow_descriptors(&self, count: usize) -> Result<bool> {
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
            let at_start =
                self.descriptors_at_start.as_ref().context("its descriptors cannot be listed")?;
            // The kernel gives the lowest free number, and the limit lies above the highest.
            let limit = (0_u64..).filter(|number| !at_start.contains(number)).nth(count);
            let maximum = getrlimit(Resource::Nofile).maximum;
            prlimit(
                Some(self.process.pid()),
                Resource::Nofile,
                Rlimit { current: limit, maximum },
            )?;
            Ok(true)
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = count;
            Ok(false)
        }
    }
}

fn announced(line: &str) -> Result<SocketAddr> {
    let line = line.trim_end();
    let address = match line.strip_prefix("LISTENING ") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => line.strip_prefix("listening on ").unwrap_or_default().to_owned(),
    };
    address.parse().with_context(|| format!("no address in its first line, {line:?}"))
}
