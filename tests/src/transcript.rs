use crate::client::Client;
use crate::measure;
use crate::numbered_lines::NumberedLines;
use crate::page::{quoted, without_number, wrap};
use crate::script::{Act, Script, Shown, Step};
use crate::server::Server;
use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use std::process::Command;
use std::time::Duration;

/// How long a server is observed at rest.
const IDLE: Duration = Duration::from_secs(1);

/// Plays a script against a server and gives the transcript: what each client does, and between
/// these acts what the server says.
///
/// `command` starts the server; it must print where it listens. Each line of the transcript goes to
/// `tell` as soon as it is known. Clients are called client-1, client-2 and so on, the server's
/// address 127.0.0.1:8000. What we observe of the server, rather than read from it, stands in
/// parentheses; what depends on the machine is described in square brackets.
///
/// # Errors
///
/// The first step that does not come out, and what came instead; and a line of the server that no
/// step waits for.
pub fn record(command: &mut Command, script: &Script, tell: impl FnMut(&str)) -> Result<String> {
    let mut run = Run::start(command, tell)?;
    for step in script.steps() {
        run.play(step).with_context(|| format!("after this:\n{}at the step {step:?}", run.text))?;
    }
    run.finish()
}

/// A server, its clients, and what was written down of them so far.
struct Run<T> {
    server: Server,
    peers: Vec<Peer>,
    /// How many bytes of the server's output were looked at.
    read: usize,
    /// Lines with one of these in them may come at any time.
    passed_over: Vec<String>,
    /// Counts the acts of all clients, for their order.
    acts: usize,
    /// The server has ended by itself, and its standard error was looked at.
    ended: bool,
    text: String,
    tell: T,
}

struct Peer {
    /// The number behind the colon of its address.
    port: u16,
    /// `None` once the client has closed.
    client: Option<Client>,
    /// When it has connected or sent, in acts.
    acted: usize,
    /// What it was sent back since it has sent.
    answered: bool,
    /// It is said to have received nothing, which has to be proved.
    waits: bool,
    /// The proof: another client has come later and was noticed.
    overtaken: bool,
    lines: Option<NumberedLines>,
}

impl<T: FnMut(&str)> Run<T> {
    fn start(command: &mut Command, tell: T) -> Result<Run<T>> {
        let server = Server::start(command)?;
        let (peers, passed_over) = (Vec::new(), Vec::new());
        let mut run = Run {
            server,
            peers,
            read: 0,
            passed_over,
            acts: 0,
            ended: false,
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
            Step::Wants(percent) => self.wants(*percent),
            Step::Interrupted => {
                self.write("server", "(gets Ctrl-C)");
                self.server.process().signal(Signal::INT)
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
        let more = [&output[self.read..], if self.ended { "" } else { &errors }].concat();
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
        self.ended = true;
        let errors = self.server.process().stderr().wait_for_end()?;
        if let Some(last) = errors.lines().last() {
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

    fn act(&mut self, number: usize, act: &Act) -> Result<()> {
        self.pass_over()?;
        self.acts += 1;
        if matches!(act, Act::Connect) {
            return self.connect(number);
        }
        if !matches!(act, Act::ReceiveNothing) {
            self.settle(number)?;
        }
        let acts = self.acts;
        let peer = number
            .checked_sub(1)
            .and_then(|place| self.peers.get_mut(place))
            .context("who is that?")?;
        let client = peer.client.as_mut().context("that client has closed")?;
        let what = match act {
            Act::Connect => bail!("a client connects once"),
            Act::Send(bytes) => {
                client.send(bytes)?;
                (peer.acted, peer.answered, peer.overtaken) = (acts, false, false);
                format!("sends {}", quoted(bytes))
            }
            Act::SendUntilStuck => {
                peer.lines = Some(NumberedLines::send_until_stuck(client)?);
                (peer.acted, peer.answered, peer.overtaken) = (acts, false, false);
                "sends lines and reads nothing, until the server takes no more".to_owned()
            }
            Act::Receive(bytes) => {
                let received = client
                    .receive(bytes.len())
                    .with_context(|| format!("expected {}", quoted(bytes)))?;
                ensure!(received == *bytes, "{} received {}", name(number), quoted(&received));
                peer.answered = true;
                self.noticed(number);
                format!("receives {}", quoted(bytes))
            }
            Act::ReceiveAnswers => {
                peer.lines.take().context("that client is not stuck")?.receive_answers(client)?;
                peer.answered = true;
                self.noticed(number);
                "reads, and receives an answer to each line, in order".to_owned()
            }
            Act::ReceiveNothing => {
                ensure!(client.is_silent()?, "{} has received something", name(number));
                peer.waits = true;
                format!("has received nothing{}", if peer.answered { " more" } else { "" })
            }
            Act::ReceiveEnd => {
                let received = client.receive_to_end()?;
                ensure!(
                    received.is_empty(),
                    "{} received {} before the end",
                    name(number),
                    quoted(&received)
                );
                "receives the end of file".to_owned()
            }
            Act::Finish => {
                client.finish()?;
                "says that it will send no more (half-close)".to_owned()
            }
            Act::Close => {
                peer.client = None;
                "closes".to_owned()
            }
            Act::Reset => {
                peer.client.take().context("that client has closed")?.reset()?;
                "breaks off (reset)".to_owned()
            }
        };
        self.write(&name(number), &what);
        Ok(())
    }

    fn connect(&mut self, number: usize) -> Result<()> {
        ensure!(
            number == self.peers.len() + 1,
            "the next client to connect is {}",
            name(self.peers.len() + 1)
        );
        let client = Client::connect(name(number), self.server.address())?;
        let port = client.address()?.port();
        // A port may have been another client's, if that one has closed long ago.
        self.peers.iter_mut().filter(|peer| peer.port == port).for_each(|peer| peer.port = 0);
        self.peers.push(Peer {
            port,
            client: Some(client),
            acted: self.acts,
            answered: false,
            waits: false,
            overtaken: false,
            lines: None,
        });
        self.write(&name(number), "connects");
        Ok(())
    }

    /// The server has taken notice of what a client has done last.
    fn noticed(&mut self, number: usize) {
        let acted = self.peers[number - 1].acted;
        for (_, peer) in self.peers.iter_mut().enumerate().filter(|(place, _)| place + 1 != number)
        {
            peer.overtaken |= peer.acted < acted;
        }
    }

    /// That the client had received nothing must be proved by now.
    fn settle(&mut self, number: usize) -> Result<()> {
        let Some(peer) = self.peers.get_mut(number.saturating_sub(1)) else { return Ok(()) };
        let proved = !std::mem::take(&mut peer.waits) || peer.overtaken;
        ensure!(
            proved,
            "that {} has received nothing is not proved: nobody has overtaken it",
            name(number)
        );
        Ok(())
    }
}

fn name(number: usize) -> String {
    format!("client-{number}")
}

fn is_among(parts: &[String], line: &str) -> bool {
    parts.iter().any(|part| line.contains(part))
}
