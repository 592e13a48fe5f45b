//! Scenes that need a process of their own, because a signal or a limit concerns a whole process.
//!
//! The process is the test program itself, which is told to run nothing but the test `scene` of a
//! module.

#![allow(dead_code, reason = "each test file uses a part of this")]

use rustix::process::{Pid, Signal, kill_process};
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// How long a process may be silent.
const LIMIT: Duration = Duration::from_secs(60);

/// A process that plays a scene.
pub(crate) struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
}

/// The scene that this process is to play, if it was started for one.
pub(crate) fn scene() -> Option<String> {
    env::var("SCENE").ok()
}

/// Says a line to the test that has started this process.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stderr().lock(), "{line}").unwrap();
}

/// Blocks until the signal comes that ends this process, or too much time has passed.
pub(crate) fn await_signal() {
    // Nobody sends.
    let (_sender, receiver) = mpsc::channel::<()>();
    let _ = receiver.recv_timeout(LIMIT);
}

impl Child {
    /// Starts a process that plays a scene of a module, which is given as `module_path!()`.
    pub(crate) fn play(module: &str, scene: &str) -> Child {
        // A test is called by its path in the program, whose own name is left out.
        let (_, module) = module.split_once("::").unwrap();
        let test = format!("{module}::scene");
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", &test, "--ignored", "--nocapture", "--test-threads=1"]);
        Child::start(command.env("SCENE", scene).stdout(Stdio::null()).stderr(Stdio::piped()))
    }

    /// Starts a program; its lines are those of the stream that is piped.
    pub(crate) fn start(command: &mut Command) -> Child {
        // A program that is started by a process with a handler for SIGINT does not ignore it, as
        // it would if the test was started in the background.
        let always = Arc::new(AtomicBool::new(true));
        signal_hook::flag::register_conditional_default(signal_hook::consts::SIGINT, always)
            .unwrap();
        let mut process = command.stdin(Stdio::null()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let output =
            process.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn std::io::Read + Send>);
        let errors =
            process.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn std::io::Read + Send>);
        let stream = BufReader::new(output.or(errors).unwrap());
        thread::spawn(move || {
            stream.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Child { process, lines }
    }

    /// The next line that it says.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).unwrap()
    }

    pub(crate) fn signal(&self, signal: i32) {
        let signal = Signal::from_named_raw(signal).unwrap();
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Waits for its end: what it has still said, and how it has ended.
    #[track_caller]
    pub(crate) fn end(mut self) -> (Vec<String>, ExitStatus) {
        let mut said = Vec::new();
        loop {
            match self.lines.recv_timeout(LIMIT) {
                Ok(line) => said.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    panic!("the process hangs; it said {said:?}")
                }
            }
        }
        (said, self.process.wait().unwrap())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
