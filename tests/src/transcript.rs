mod acts;

use crate::page::{without_number, wrap};
use crate::script::{Script, Shown, Step};
use crate::server::Server;
use acts::Peer;
use anyhow::{Context, Result, bail, ensure};
use harness::measure;
use rustix::process::Signal;
use std::process::Command;
use std::time::Duration;

/// How long a server is observed at rest.
const IDLE: Duration = Duration::from_secs(1);

/// Plays a script against a server and gives the transcript: what each client does, and between
/// these acts what the server says.
///
/// `command` starts the server; it must print where it listens. `visitor` starts a program that is
/// one of its clients; that one is given `--connect ADDRESS`, and its first line must end with its
/// own address. Each line of the transcript goes to `tell` as soon as it is known. Clients are
/// called client-1, client-2 and so on, the server's address 127.0.0.1:8000. What we observe of the
/// server, rather than read from it, stands in parentheses; what depends on the machine is
/// described in square brackets.
///
/// # Errors
///
/// The first step that does not come out, and what came instead; and a line of the server that no
/// step waits for.
pub fn record(
    command: &mut Command,
    visitor: Option<&mut Command>,
    script: &Script,
    tell: impl FnMut(&str),
) -> Result<String> {
    let mut run = Run::start(command, visitor, tell)?;
    for step in script.steps() {
        run.play(step).with_context(|| format!("after this:\n{}at the step {step:?}", run.text))?;
    }
    run.finish()
}

/// A server, its clients, and what was written down of them so far.
struct Run<'a, T> {
    server: Server,
    /// Starts a client that is a program.
    visitor: Option<&'a mut Command>,
    peers: Vec<Peer>,
    /// How many bytes of the server's output were looked at.
    read: usize,
    /// And of its standard error.
    reports_read: usize,
    /// Lines with one of these in them may come at any time.
    passed_over: Vec<String>,
    /// Counts the acts of all clients, for their order.
    acts: usize,
    text: String,
    tell: T,
}

impl<'a, T: FnMut(&str)> Run<'a, T> {
    fn start(
        command: &mut Command,
        visitor: Option<&'a mut Command>,
        tell: T,
    ) -> Result<Run<'a, T>> {
        let server = Server::start(command)?;
        let (peers, passed_over) = (Vec::new(), Vec::new());
        let mut run = Run {
            server,
            visitor,
            peers,
            read: 0,
            reports_read: 0,
            passed_over,
            acts: 0,
            text: String::new(),
            tell,
        };
        run.says("listening on", |line| Ok(line.to_owned()))?;
        Ok(run)
    }

    fn play(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Act(client, act) => self.act(*client, act),
            Step::Says(part, shown) => self.says(part, *shown),
            Step::LeavesOut(part) => {
                self.passed_over.push(part.clone());
                self.write("server", &format!("(the lines \"{part} ...\" are left out)"));
                Ok(())
            }
            Step::Passes(part) => {
                self.passed_over.push(part.clone());
                Ok(())
            }
            Step::Reports(part) => self.reports(part),
            Step::Wants(percent) => self.wants(*percent),
            Step::Signal(signal) => {
                let what = if *signal == Signal::INT { "Ctrl-C" } else { "SIGTERM" };
                self.write("server", &format!("(gets {what})"));
                self.server.process().signal(*signal)
            }
            Step::Killed => {
                self.server.process_mut().kill()?;
                self.write("server", "(is killed)");
                Ok(())
            }
            Step::Ends(exit_code) => self.ends(*exit_code),
        }
    }

    /// Ends the server; it must not have said anything that is not in the transcript.
    fn finish(mut self) -> Result<String> {
        for number in 1..=self.peers.len() {
            self.settle(number)?;
        }
        self.server.process_mut().kill()?;
        let _ = self.server.process().stdout().wait_for_end()?;
        self.pass_over()?;
        let (output, errors) =
            (self.server.process().stdout().text(), self.server.process().stderr().wait_for_end()?);
        let more = [&output[self.read..], &errors[self.reports_read..]].concat();
        ensure!(
            more.is_empty(),
            "after this:\n{}the server said something else: {more:?}",
            self.text
        );
        Ok(self.text)
    }

    fn write(&mut self, who: &str, what: &str) {
        let lines = wrap(&format!("{who:<8} | {what}"), "         |    ");
        (self.tell)(&lines);
        self.text += &lines;
        self.text.push('\n');
    }

    /// Waits for the next line of the server that is not passed over.
    fn says(&mut self, part: &str, shown: Shown) -> Result<()> {
        let (line, end) = self.next_line(part)?;
        self.read = end;
        let line = self.named(&line)?;
        ensure!(line.contains(part), "the server was to say {part:?}, but said {line:?}");
        self.write("server", &shown(&line)?);
        for number in 1..=self.peers.len() {
            if line.contains(&name(number)) {
                self.noticed(number);
            }
        }
        Ok(())
    }

    fn next_line(&self, part: &str) -> Result<(String, usize)> {
        let mut read = self.read;
        self.server.process().stdout().wait_for(&format!("the server to say {part:?}"), |text| {
            loop {
                let line = text[read..]
                    .split_inclusive('\n')
                    .next()
                    .filter(|line| line.ends_with('\n'))?;
                read += line.len();
                let named = self.named(line).unwrap_or_default();
                if named.contains(part) || !is_among(&self.passed_over, &named) {
                    return Some((line.trim_end().to_owned(), read));
                }
            }
        })
    }

    /// Passes over what a script need not wait for, so that it is not taken for an effect of what
    /// comes now.
    fn pass_over(&mut self) -> Result<()> {
        let output = self.server.process().stdout().text();
        for line in output[self.read..].split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            if !is_among(&self.passed_over, &self.named(line)?) {
                break;
            }
            self.read += line.len();
        }
        Ok(())
    }

    /// Waits for the next line of the server's standard error.
    fn reports(&mut self, part: &str) -> Result<()> {
        let read = self.reports_read;
        let errors = self.server.process().stderr();
        let line = errors.wait_for(&format!("the server to report {part:?}"), |text| {
            text[read..].split_once('\n').map(|(line, _)| line.to_owned())
        })?;
        self.reports_read += line.len() + 1;
        let line = self.named(&line)?;
        ensure!(line.contains(part), "the server was to report {part:?}, but reported {line:?}");
        self.write("server", &line);
        Ok(())
    }

    fn wants(&mut self, percent: u32) -> Result<()> {
        let share = measure::processor_share(self.server.process().pid(), IDLE)
            .context("this platform does not tell how much processor time a process wants")?;
        let off = (share * 100.0 - f64::from(percent)).abs();
        ensure!(
            off <= 10.0,
            "the server wants {:.0} % of a processor instead of {percent} %",
            share * 100.0
        );
        self.write("server", &format!("(wants a processor for {percent} % of an idle second)"));
        Ok(())
    }

    fn ends(&mut self, exit_code: i32) -> Result<()> {
        let status = self.server.process_mut().wait()?;
        let errors = self.server.process().stderr().wait_for_end()?;
        let unread = errors[std::mem::replace(&mut self.reports_read, errors.len())..].to_owned();
        if let Some(last) = unread.lines().last() {
            let last = self.named(last)?;
            self.write("server", &last);
        }
        ensure!(
            status.code() == Some(exit_code),
            "the server was to end with exit code {exit_code}, not by {status}"
        );
        self.write("server", &format!("(ends with exit code {exit_code})"));
        Ok(())
    }

    /// The line with names in place of addresses, and without the numbers of errors, which each
    /// system has its own of.
    fn named(&self, line: &str) -> Result<String> {
        let line = without_number(&without_number(line.trim_end(), "(os error "), "[Errno ");
        let mut pieces = line.split("127.0.0.1:");
        let mut named = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let rest = piece.trim_start_matches(|letter: char| letter.is_ascii_digit());
            let port = piece[..piece.len() - rest.len()]
                .parse::<u16>()
                .with_context(|| format!("a port in {line:?}"))?;
            named += &match self.peers.iter().position(|peer| peer.port == port) {
                Some(place) => name(place + 1),
                None if port == self.server.address().port() => "127.0.0.1:8000".to_owned(),
                None => bail!("the server names somebody who is not in the script: {line:?}"),
            };
            named += rest;
        }
        Ok(named)
    }
}

fn name(number: usize) -> String {
    format!("client-{number}")
}

fn is_among(parts: &[String], line: &str) -> bool {
    parts.iter().any(|part| line.contains(part))
}
