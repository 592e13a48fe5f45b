use crate::limit::PATIENCE;
use crate::output::Output;
use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::fmt::Write;
use std::io;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread;

/// The programs that run now, so that none of them outlives a test that hangs.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// A program that runs. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
    stdout: Output,
    stderr: Output,
    /// Closed when the program has ended.
    ended: Receiver<()>,
}

impl Process {
    /// Starts a program with its output collected and its standard input as given.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn spawn(command: &mut Command, stdin: Stdio) -> Result<Process> {
        Process::spawn_with_stderr(command, stdin, Stdio::piped())
    }

    /// As [`spawn`](Process::spawn); the standard error is only collected if it is
    /// [piped](Stdio::piped).
    ///
    /// # Errors
    ///
    /// As [`spawn`](Process::spawn).
    pub fn spawn_with_stderr(
        command: &mut Command,
        stdin: Stdio,
        stderr: Stdio,
    ) -> Result<Process> {
        let name = describe(command);
        static INTERRUPTIBLE: Once = Once::new();
        INTERRUPTIBLE.call_once(let_programs_be_interrupted);
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        let pid = Pid::from_child(&child);
        running.push(pid);
        let stdout = Output::collect(child.stdout.take().expect("standard output is a pipe"));
        let stderr = match child.stderr.take() {
            Some(stderr) => Output::collect(stderr),
            None => Output::collect(io::empty()),
        };
        Ok(Process { name, child, pid, stdout, stderr, ended: watch_end(pid) })
    }

    /// The command line, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process number.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Its standard output so far.
    pub fn stdout(&self) -> &Output {
        &self.stdout
    }

    /// Its standard error so far.
    pub fn stderr(&self) -> &Output {
        &self.stderr
    }

    /// Its standard input, if it is a pipe and was not taken yet.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.pid, signal).with_context(|| format!("cannot signal `{}`", self.name))
    }

    /// Halts it, and comes back when it stands still; `Signal::CONT` lets it go on.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn halt(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        waitid(WaitId::Pid(self.pid), WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT)
            .with_context(|| format!("`{}` did not halt", self.name))?;
        Ok(())
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    ///
    /// It still runs after [`PATIENCE`].
    pub fn wait(&mut self) -> Result<ExitStatus> {
        // The other end never sends: it is closed, or the time is over.
        if self.ended.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            anyhow::bail!("`{}` still runs after {PATIENCE:?}", self.name);
        }
        self.reap()
    }

    /// Kills it, and comes back when it has ended and the kernel has closed its sockets.
    ///
    /// # Errors
    ///
    /// Only if somebody else has waited for it.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.child.kill().with_context(|| format!("cannot kill `{}`", self.name))?;
        self.reap()
    }

    fn reap(&mut self) -> Result<ExitStatus> {
        // A process number that is free again must not be killed.
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|pid| *pid != self.pid);
        self.child.wait().with_context(|| format!("cannot wait for `{}`", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Lets SIGINT end the programs that this process starts, also where it was itself started to
/// ignore it, as shells do with what runs in the background.
///
/// A program inherits "ignored", but instead of a handler it gets the default action (`execve(2)`).
/// So there is a handler here, which does for this process what the default action does.
fn let_programs_be_interrupted() {
    let always = Arc::new(AtomicBool::new(true));
    // Without it SIGINT may be ignored, and the test that needs it says so.
    let _ = signal_hook::flag::register_conditional_default(Signal::INT.as_raw(), always);
}

/// Kills every program that runs.
pub(crate) fn kill_all() {
    for pid in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// A channel that is closed when the process has ended. The process is left for its owner to be
/// waited for.
fn watch_end(pid: Pid) -> Receiver<()> {
    let (end, ended) = mpsc::channel();
    thread::spawn(move || {
        let waited = || waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        while waited().is_err_and(|error| error == Errno::INTR) {}
        drop(end);
    });
    ended
}

fn describe(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        let _ = write!(name, " {}", argument.to_string_lossy());
    }
    name
}
