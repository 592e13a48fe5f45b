//! Runs one check in a process of its own, within its limits.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use serde_json::{Value, json};

use super::manifest::Limits;
use super::outcome::Outcome;

/// The longest answer, in bytes.
const ANSWER_MAX: u64 = 1 << 20;

/// How long is waited for the rest of what an ended process has written. Something that it has started might hold its pipe.
const REST_MAX: Duration = Duration::from_secs(2);

/// One check of a program of graded tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The id of its task.
    pub(crate) task: String,
    pub(crate) name: String,
}

/// The checks of `program`, in their order.
///
/// # Errors
/// If it cannot be run.
pub(crate) fn list(program: &Path) -> Result<Vec<Listed>> {
    let output =
        Command::new(program).arg("--list").output().context("the graded tests cannot be run")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let listed = text.lines().filter_map(|line| line.split_once(' '));
    Ok(listed.map(|(task, name)| Listed { task: task.to_owned(), name: name.to_owned() }).collect())
}

/// Runs the check `name` of `program`.
///
/// # Errors
/// If a process cannot be started or limited.
pub(crate) fn check(
    program: &Path,
    name: &str,
    seed: u64,
    selector: Option<&str>,
    limits: Limits,
) -> Result<Outcome> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut child = Command::new(program)
        .arg("--order")
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("RUST_BACKTRACE", "0")
        // Whatever it starts ends with it.
        .process_group(0)
        .spawn()
        .context("the graded tests cannot be run")?;
    let group = Pid::from_child(&child);
    // The check begins with our order, so the limits are there before it.
    limit(group, limits)?;
    let room = Arc::new(AtomicU64::new(limits.output_kib * 1024));
    collect(child.stdout.take(), Arc::clone(&room), group);
    let stderr = collect(child.stderr.take(), Arc::clone(&room), group);
    let word = word()?;
    let order = json!({ "check": name, "seed": seed, "selector": selector, "word": word });
    let answer = converse(&ours, &order, Duration::from_secs(limits.seconds));
    // It may have ended already.
    let _ = kill_process_group(group, Signal::KILL);
    let status = child.wait()?;
    let said = stderr.recv_timeout(REST_MAX).unwrap_or_default();
    if room.load(Ordering::Relaxed) == 0 {
        return Ok(Outcome::ended(
            format!("more than {} KiB of output", limits.output_kib),
            "What a program writes is read by somebody, or by nobody.",
        ));
    }
    match answer {
        Answer::Said(answer) if answer["word"] == word.as_str() => {
            match Outcome::from_answer(&answer) {
                Some(outcome) => Ok(outcome),
                None => bail!("the check `{name}` gave no outcome: {answer}"),
            }
        }
        Answer::Said(_) => Ok(Outcome::ended(
            "the program answered the grader by itself",
            "Only the check knows how it has ended.",
        )),
        Answer::Late => Ok(Outcome::ended(
            format!("it still runs after {} seconds", limits.seconds),
            "A loop needs an end, and a wait something that ends it.",
        )),
        Answer::None => Ok(early(status, &said, limits)),
    }
}

/// What came back.
enum Answer {
    Said(Value),
    /// Nothing in time.
    Late,
    /// The process has ended.
    None,
}

fn converse(stream: &UnixStream, order: &Value, limit: Duration) -> Answer {
    let mut writer = stream;
    let deadline = Instant::now() + limit;
    if writeln!(writer, "{order}").is_err() || stream.set_read_timeout(Some(limit)).is_err() {
        return Answer::None;
    }
    let mut line = String::new();
    match BufReader::new(stream.take(ANSWER_MAX)).read_line(&mut line) {
        Ok(_) => serde_json::from_str(&line).map_or(Answer::None, Answer::Said),
        Err(error) if error.kind() == ErrorKind::WouldBlock || Instant::now() >= deadline => {
            Answer::Late
        }
        Err(_) => Answer::None,
    }
}

/// What became of a process that ended without an answer.
fn early(status: ExitStatus, said: &str, limits: Limits) -> Outcome {
    if said.contains("memory allocation of") {
        return Outcome::ended(
            format!("it asked for more memory than {} MiB", limits.memory_mib),
            "What a client can make grow without a bound, a client will.",
        );
    }
    if said.contains("has overflowed its stack") {
        return Outcome::ended(
            "the stack has overflowed",
            "A function that calls itself needs a case in which it does not.",
        );
    }
    let came = match (status.code(), status.signal()) {
        (Some(code), _) => format!("the program ended itself, with exit code {code}"),
        (None, Some(signal)) => format!("the program was ended by signal {signal}"),
        (None, None) => "the program ended".to_owned(),
    };
    Outcome::ended(came, "A server goes on; how it ends is not for a part of it to say.")
}

/// Time is ours to watch: with a limit of processor time, the kernel counts it by its ticks alone, and a check that measures
/// it would see none pass.
fn limit(process: Pid, limits: Limits) -> Result<()> {
    let at_most = |value| Rlimit { current: Some(value), maximum: Some(value) };
    // It writes to no file: output goes through pipes.
    for (resource, value) in [
        (Resource::Data, limits.memory_mib * 1024 * 1024),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ] {
        prlimit(Some(process), resource, at_most(value)).context("a process cannot be limited")?;
    }
    Ok(())
}

/// Reads `source` to its end, and ends the process group when there is no room left. Gives the text.
fn collect(
    source: Option<impl Read + Send + 'static>,
    room: Arc<AtomicU64>,
    group: Pid,
) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        let Some(mut source) = source else { return };
        while let Ok(count @ 1..) = source.read(&mut buffer) {
            let taken = |left: u64| Some(left.saturating_sub(count as u64));
            // The closure always gives a number, so the update does not fail.
            let _ = room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
            if room.load(Ordering::Relaxed) == 0 {
                let _ = kill_process_group(group, Signal::KILL);
                break;
            }
            text.extend_from_slice(&buffer[..count]);
        }
        // Nobody may be left who asks for it.
        let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
    });
    receiver
}

/// A word that nobody can guess.
fn word() -> Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A seed that was not used lately, of few digits, so that it can be typed.
pub(crate) fn seed() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_micros()) + 1
}
