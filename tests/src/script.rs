use rustix::process::Signal;

/// What clients do to a server, and what the server is to say to it, step by step: data that
/// [`record`](crate::record) plays.
///
/// A step that makes the server say something is followed by [`server_says`](Script::server_says),
/// which waits for it. So the order of a run is the order of its script, however fast or slow the
/// machine is.
#[derive(Debug, Default)]
pub struct Script {
    steps: Vec<Step>,
    /// The client of the next act.
    client: usize,
}

#[derive(Debug)]
pub(crate) enum Step {
    Act(usize, Act),
    Says(String, Shown),
    LeavesOut(String),
    Passes(String),
    Reports(String),
    Wants(u32),
    Signal(Signal),
    Killed,
    Ends(i32),
}

/// Checks a line of the server and says how the transcript shows it.
pub(crate) type Shown = fn(&str) -> anyhow::Result<String>;

#[derive(Debug)]
pub(crate) enum Act {
    Connect,
    Send(Vec<u8>),
    SendUntilStuck,
    TalkUntil(Talk),
    Receive(Vec<u8>),
    ReceiveAnswers(&'static str),
    ReceiveWhatWasSent,
    ReceiveNothing,
    ReceiveEnd,
    Finish,
    Close,
    Reset,
    /// A client that cannot connect.
    Refused,
    /// What a program does that is a client.
    Visit(Visit),
}

/// What one client says and another one is told.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) listener: usize,
    pub(crate) prefix: &'static str,
    pub(crate) news: &'static str,
}

#[derive(Debug)]
pub(crate) enum Visit {
    Start,
    Say(String),
    Given(Vec<u8>),
    InputEnd,
    End(i32),
}

impl Script {
    /// An empty script.
    pub fn new() -> Script {
        Script::default()
    }

    /// The acts that follow are those of client `number`; clients are numbered from 1 as they
    /// connect.
    #[must_use]
    pub fn client(mut self, number: usize) -> Script {
        self.client = number;
        self
    }

    /// The client connects.
    #[must_use]
    pub fn connects(self) -> Script {
        self.act(Act::Connect)
    }

    /// The client sends `bytes` in one piece.
    #[must_use]
    pub fn sends(self, bytes: impl AsRef<[u8]>) -> Script {
        self.act(Act::Send(bytes.as_ref().to_vec()))
    }

    /// The client sends numbered lines and reads nothing, until the server takes no more.
    #[must_use]
    pub fn sends_until_stuck(self) -> Script {
        self.act(Act::SendUntilStuck)
    }

    /// The client sends numbered lines, and client `listener` is told each of them, with `prefix`
    /// before it, until that one is also told `news`. How many lines that takes depends on the
    /// machine.
    ///
    /// The listener reads as fast as the client sends: it is never more than some lines behind.
    #[must_use]
    pub fn talks_to(self, listener: usize, prefix: &'static str, news: &'static str) -> Script {
        self.act(Act::TalkUntil(Talk { listener, prefix, news }))
    }

    /// The client receives exactly `bytes`.
    #[must_use]
    pub fn receives(self, bytes: impl AsRef<[u8]>) -> Script {
        self.act(Act::Receive(bytes.as_ref().to_vec()))
    }

    /// After [`sends_until_stuck`](Script::sends_until_stuck): the client receives an answer to
    /// each of its lines, which is the line with `prefix` before it.
    #[must_use]
    pub fn receives_answers(self, prefix: &'static str) -> Script {
        self.act(Act::ReceiveAnswers(prefix))
    }

    /// After [`sends_until_stuck`](Script::sends_until_stuck): the client receives its lines as far
    /// as it has sent them, and sends nothing more.
    #[must_use]
    pub fn receives_what_was_sent(self) -> Script {
        self.act(Act::ReceiveWhatWasSent)
    }

    /// Nothing has come for the client.
    ///
    /// That is a claim about order, not about time: between the client's last message and the next
    /// thing that it sends or receives, another client must do something of which the server takes
    /// notice.
    #[must_use]
    pub fn has_received_nothing(self) -> Script {
        self.act(Act::ReceiveNothing)
    }

    /// The client receives the end of file, and nothing before it.
    #[must_use]
    pub fn receives_end(self) -> Script {
        self.act(Act::ReceiveEnd)
    }

    /// The client says that it will send no more, and can still receive.
    #[must_use]
    pub fn finishes(self) -> Script {
        self.act(Act::Finish)
    }

    /// The client closes its socket.
    #[must_use]
    pub fn closes(self) -> Script {
        self.act(Act::Close)
    }

    /// The client breaks the connection off.
    #[must_use]
    pub fn resets(self) -> Script {
        self.act(Act::Reset)
    }

    /// Nobody listens for the client any more. Only after the server has said that it accepts
    /// nobody.
    #[must_use]
    pub fn is_refused(self) -> Script {
        self.act(Act::Refused)
    }

    /// The client is a program: it starts and connects.
    #[must_use]
    pub fn starts(self) -> Script {
        self.act(Act::Visit(Visit::Start))
    }

    /// The next line of the program contains `part`.
    #[must_use]
    pub fn says(self, part: &str) -> Script {
        self.act(Act::Visit(Visit::Say(part.to_owned())))
    }

    /// Somebody types `text` for the program.
    #[must_use]
    pub fn is_given(self, text: &str) -> Script {
        self.act(Act::Visit(Visit::Given(text.as_bytes().to_vec())))
    }

    /// The standard input of the program ends.
    #[must_use]
    pub fn is_given_the_end(self) -> Script {
        self.act(Act::Visit(Visit::InputEnd))
    }

    /// The program ends by itself, and its last line on standard error is shown.
    #[must_use]
    pub fn ends(self, exit_code: i32) -> Script {
        self.act(Act::Visit(Visit::End(exit_code)))
    }

    /// The next line of the server contains `part`.
    #[must_use]
    pub fn server_says(self, part: &str) -> Script {
        self.server_says_as(part, |line| Ok(line.to_owned()))
    }

    /// As [`server_says`](Script::server_says); `shown` checks the line and gives the text for the
    /// transcript, where what differs from run to run is described in square brackets.
    #[must_use]
    pub fn server_says_as(self, part: &str, shown: fn(&str) -> anyhow::Result<String>) -> Script {
        self.step(Step::Says(part.to_owned(), shown))
    }

    /// From here on, lines of the server that contain `part` are left out, and the transcript says
    /// so.
    #[must_use]
    pub fn server_lines_left_out(self, part: &str) -> Script {
        self.step(Step::LeavesOut(part.to_owned()))
    }

    /// From here on, lines of the server that contain `part` are shown where the script waits for
    /// one, and passed over elsewhere: they depend on time.
    #[must_use]
    pub fn server_may_say(self, part: &str) -> Script {
        self.step(Step::Passes(part.to_owned()))
    }

    /// The next line of the server on its standard error contains `part`.
    #[must_use]
    pub fn server_reports(self, part: &str) -> Script {
        self.step(Step::Reports(part.to_owned()))
    }

    /// For a second in which nothing happens the server wants this share of a processor, give or
    /// take ten percent.
    #[must_use]
    pub fn server_wants(self, percent: u32) -> Script {
        self.step(Step::Wants(percent))
    }

    /// The server gets SIGINT, as by Ctrl-C.
    #[must_use]
    pub fn server_is_interrupted(self) -> Script {
        self.step(Step::Signal(Signal::INT))
    }

    /// The server gets SIGTERM, as by `kill`.
    #[must_use]
    pub fn server_is_terminated(self) -> Script {
        self.step(Step::Signal(Signal::TERM))
    }

    /// The server is killed.
    #[must_use]
    pub fn server_is_killed(self) -> Script {
        self.step(Step::Killed)
    }

    /// The server ends by itself, and its last line on standard error is shown.
    #[must_use]
    pub fn server_ends(self, exit_code: i32) -> Script {
        self.step(Step::Ends(exit_code))
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn act(self, act: Act) -> Script {
        let client = self.client;
        self.step(Step::Act(client, act))
    }

    fn step(mut self, step: Step) -> Script {
        self.steps.push(step);
        self
    }
}
