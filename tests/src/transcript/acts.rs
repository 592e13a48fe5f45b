use super::{Run, name};
use crate::numbered_lines::NumberedLines;
use crate::page::quoted;
use crate::script::{Act, Talk, Visit};
use crate::visitor::Visitor;
use anyhow::{Context, Result, ensure};
use harness::Client;
use harness::PATIENCE;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

/// A client, and what was written down of it so far.
pub(super) struct Peer {
    /// The number behind the colon of its address.
    pub(super) port: u16,
    /// `None` once the client has closed, and where it is a program.
    client: Option<Client>,
    visitor: Option<Visitor>,
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

impl<T: FnMut(&str)> Run<'_, T> {
    pub(super) fn act(&mut self, number: usize, act: &Act) -> Result<()> {
        self.pass_over()?;
        self.acts += 1;
        match act {
            Act::Connect => return self.connect(number),
            Act::Refused => return self.is_refused(number),
            Act::Visit(visit) => return self.visit(number, visit),
            Act::TalkUntil(talk) => return self.talk(number, talk),
            _ => {}
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
            Act::Connect | Act::Refused | Act::Visit(_) | Act::TalkUntil(_) => {
                unreachable!("it was taken before")
            }
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
            Act::ReceiveAnswers(prefix) => {
                let lines = peer.lines.take().context("that client is not stuck")?;
                lines.receive_answers(client, prefix)?;
                peer.answered = true;
                self.noticed(number);
                "reads, and receives an answer to each line, in order".to_owned()
            }
            Act::ReceiveWhatWasSent => {
                let lines = peer.lines.take().context("that client is not stuck")?;
                lines.receive_sent(client)?;
                peer.answered = true;
                self.noticed(number);
                "reads, and receives all that it has sent".to_owned()
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
        let client = Client::connect(name(number), self.server.address())?;
        let port = client.address()?.port();
        self.welcome(number, port, Some(client), None)?;
        self.write(&name(number), "connects");
        Ok(())
    }

    /// Enters a client that has connected.
    fn welcome(
        &mut self,
        number: usize,
        port: u16,
        client: Option<Client>,
        visitor: Option<Visitor>,
    ) -> Result<()> {
        let next = self.peers.len() + 1;
        ensure!(number == next, "the next client to connect is {}", name(next));
        // A port may have been another client's, if that one has closed long ago.
        self.peers.iter_mut().filter(|peer| peer.port == port).for_each(|peer| peer.port = 0);
        self.peers.push(Peer {
            port,
            client,
            visitor,
            acted: self.acts,
            answered: false,
            waits: false,
            overtaken: false,
            lines: None,
        });
        Ok(())
    }

    /// The server has said that it accepts nobody, and may take a moment to close its listener.
    fn is_refused(&mut self, number: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match TcpStream::connect_timeout(&self.server.address(), PATIENCE) {
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => break,
                Err(error) => return Err(error).context("it was to be refused"),
                Ok(_) => ensure!(Instant::now() < deadline, "{} can connect", name(number)),
            }
            thread::yield_now();
        }
        self.write(&name(number), "is refused");
        Ok(())
    }

    fn talk(&mut self, number: usize, talk: &Talk) -> Result<()> {
        let Talk { listener, prefix, news } = *talk;
        self.settle(number)?;
        self.settle(listener)?;
        let acts = self.acts;
        let both = [number.wrapping_sub(1), listener.wrapping_sub(1)];
        let [speaker, hearer] = self.peers.get_disjoint_mut(both).ok().context("who is that?")?;
        let (from, to) = (speaker.client.as_mut(), hearer.client.as_mut());
        let (from, to) = from.zip(to).context("that client has closed")?;
        NumberedLines::send_until_told(from, to, prefix, news)?;
        (speaker.acted, speaker.answered, speaker.overtaken) = (acts, false, false);
        hearer.answered = true;
        self.noticed(number);
        self.noticed(listener);
        let (to, news) = (name(listener), quoted(news.as_bytes()));
        self.write(&name(number), &format!("sends lines, and {to} receives each of them"));
        self.write(&to, &format!("receives {news} in between"));
        Ok(())
    }

    fn visit(&mut self, number: usize, visit: &Visit) -> Result<()> {
        let what = match visit {
            Visit::Start => {
                let command = self.visitor.take().context("there is no program to start")?;
                let visitor = Visitor::start(command, self.server.address())?;
                self.welcome(number, visitor.port()?, None, Some(visitor))?;
                "starts".to_owned()
            }
            Visit::Say(part) => {
                let line = self.visitor(number)?.next_line()?;
                let line = self.named(&line)?;
                ensure!(line.contains(part), "it was to say {part:?}, but said {line:?}");
                format!("says: {line}")
            }
            Visit::Given(text) => {
                self.visitor(number)?.give(text)?;
                format!("is given {}", quoted(text))
            }
            Visit::InputEnd => {
                self.visitor(number)?.end_input()?;
                "is given the end of its input".to_owned()
            }
            Visit::End(exit_code) => {
                if let Some(last) = self.visitor(number)?.wait_for_end(*exit_code)? {
                    self.write(&name(number), &last);
                }
                format!("(ends with exit code {exit_code})")
            }
        };
        self.write(&name(number), &what);
        Ok(())
    }

    fn visitor(&mut self, number: usize) -> Result<&mut Visitor> {
        let peer = number.checked_sub(1).and_then(|place| self.peers.get_mut(place));
        peer.and_then(|peer| peer.visitor.as_mut()).context("that client is no program")
    }

    /// The server has taken notice of what a client has done last.
    pub(super) fn noticed(&mut self, number: usize) {
        let acted = self.peers[number - 1].acted;
        for (_, peer) in self.peers.iter_mut().enumerate().filter(|(place, _)| place + 1 != number)
        {
            peer.overtaken |= peer.acted < acted;
        }
    }

    /// That the client had received nothing must be proved by now.
    pub(super) fn settle(&mut self, number: usize) -> Result<()> {
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
