use crate::program::{example, program};
use crate::script::Script;
use crate::scripts;
use crate::transcript::record;
use anyhow::{Context, Result, ensure};
use harness::Process;
use std::path::Path;
use std::process::{Command, Stdio};

/// A run that the book shows: a program and a script for it.
#[derive(Debug)]
pub struct Scene {
    /// The name of its snapshot.
    pub name: &'static str,
    /// What it shows, in a sentence.
    pub title: &'static str,
    /// The package of the program.
    pub chapter: &'static str,
    /// The example of that package; the chapter's own server if `None`.
    pub example: Option<&'static str>,
    /// The example that is a client of it, if one is.
    pub visitor: Option<&'static str>,
    arguments: &'static [&'static str],
    /// What happens to a server. `None`: the program is none, and runs to its end.
    script: Option<fn() -> Script>,
}

impl Scene {
    /// The chapter's own server.
    const fn demo(
        chapter: &'static str,
        name: &'static str,
        title: &'static str,
        script: fn() -> Script,
    ) -> Scene {
        let (example, visitor, arguments, script) = (None, None, &[], Some(script));
        Scene { name, title, chapter, example, visitor, arguments, script }
    }

    const fn example(
        (chapter, example): (&'static str, &'static str),
        name: &'static str,
        title: &'static str,
        script: fn() -> Script,
    ) -> Scene {
        Scene { example: Some(example), ..Scene::demo(chapter, name, title, script) }
    }

    /// A program that runs to its end.
    const fn program(
        (chapter, example): (&'static str, &'static str),
        name: &'static str,
        title: &'static str,
    ) -> Scene {
        let (example, visitor, arguments, script) = (Some(example), None, &[], None);
        Scene { name, title, chapter, example, visitor, arguments, script }
    }

    const fn with(mut self, arguments: &'static [&'static str]) -> Scene {
        self.arguments = arguments;
        self
    }

    const fn visited_by(mut self, example: &'static str) -> Scene {
        self.visitor = Some(example);
        self
    }

    /// Plays the scene, with `arguments` for the program beside its own, and gives the transcript;
    /// `tell` gets each line of it as soon as it is known.
    ///
    /// # Errors
    ///
    /// The program cannot be built, and those of [`record`].
    pub fn play(&self, arguments: &[&str], tell: impl FnMut(&str)) -> Result<String> {
        let mut command = match self.example {
            Some(name) => example(self.chapter, name)?,
            None => program(self.chapter)?,
        };
        command.args(self.arguments).args(arguments);
        let mut visitor = self.visitor.map(|name| example(self.chapter, name)).transpose()?;
        self.record(&mut command, visitor.as_mut(), tell)
    }

    /// Plays the scene with Python programs in the place of the Rust ones: `twins` is where they
    /// are, by the names of the examples.
    ///
    /// # Errors
    ///
    /// The scene is not that of an example, and those of [`record`].
    pub fn play_twin(&self, python: &str, twins: &Path) -> Result<String> {
        // Unbuffered, for a line that waits in the program would be waited for by the script; and
        // nothing is written beside the source.
        let twin = |name: &str| {
            let mut command = Command::new(python);
            command.args(["-u", "-B"]).arg(twins.join(name).with_extension("py"));
            command
        };
        let mut command = twin(self.example.context("a chapter's server has no twin")?);
        let mut visitor = self.visitor.map(twin);
        self.record(command.args(self.arguments), visitor.as_mut(), |_| {})
    }

    fn record(
        &self,
        command: &mut Command,
        visitor: Option<&mut Command>,
        tell: impl FnMut(&str),
    ) -> Result<String> {
        match self.script {
            Some(script) => {
                record(command.args(["--listen", "127.0.0.1:0"]), visitor, &script(), tell)
            }
            None => run_to_end(command, tell),
        }
    }
}

/// What a program prints that ends by itself, without a complaint.
fn run_to_end(command: &mut Command, tell: impl FnMut(&str)) -> Result<String> {
    let mut process = Process::spawn(command, Stdio::null())?;
    let status = process.wait()?;
    let (output, errors) = (process.stdout().wait_for_end()?, process.stderr().wait_for_end()?);
    ensure!(status.success() && errors.is_empty(), "it ended with {status}: {errors}");
    output.lines().for_each(tell);
    Ok(output)
}

/// All scenes, in the order of the book.
pub const SCENES: &[Scene] = &[
    Scene::example(
        ("chapter-01", "accept_once"),
        "example-accept-once",
        "A server accepts one client, says so, and ends.",
        scripts::accept_once,
    ),
    Scene::example(
        ("chapter-01", "echo_one_client"),
        "example-echo-one-client",
        "A line is read two bytes at a time and sent back.",
        scripts::echo_one_client,
    ),
    Scene::example(
        ("chapter-01", "list_of_clients"),
        "example-list-of-clients",
        "A list of clients, where each waits for the others.",
        scripts::list_of_clients,
    ),
    Scene::demo(
        "chapter-01",
        "demo-chapter-01",
        "A client is answered line by line.",
        scripts::line_by_line,
    ),
    Scene::demo(
        "chapter-01",
        "demo-chapter-01-stall",
        "A silent client keeps the next one waiting.",
        scripts::stall,
    ),
    Scene::demo(
        "chapter-01",
        "demo-chapter-01-rude",
        "No client ends the server.",
        scripts::rude_clients,
    ),
    Scene::example(
        ("chapter-02", "dies_of_would_block"),
        "example-dies-of-would-block",
        "A server takes \"not yet\" for a failure.",
        scripts::dies_of_would_block,
    ),
    Scene::example(
        ("chapter-02", "busy_poll"),
        "example-busy-poll",
        "Every client is asked again and again.",
        scripts::busy_poll,
    ),
    Scene::demo(
        "chapter-02",
        "demo-chapter-02",
        "A silent client keeps nobody waiting.",
        scripts::no_stall,
    ),
    Scene::demo(
        "chapter-02",
        "demo-chapter-02-slow-reader",
        "A client does not read its answers.",
        scripts::slow_reader,
    ),
    Scene::demo(
        "chapter-02",
        "demo-chapter-02-cost",
        "What it costs to ask without rest.",
        scripts::cost,
    ),
    Scene::example(
        ("chapter-03", "one_second"),
        "example-one-second",
        "The selector waits for a second at a time.",
        scripts::one_second,
    ),
    Scene::example(
        ("chapter-03", "forgets_to_drain"),
        "example-forgets-to-drain-polling",
        "Four bytes are read for each report; a level-triggered selector reports again.",
        scripts::drained,
    )
    .with(&["--selector", "polling"]),
    Scene::example(
        ("chapter-03", "forgets_to_drain"),
        "example-forgets-to-drain-mio",
        "Four bytes are read for each report; an edge-triggered selector does not report again.",
        scripts::not_drained,
    )
    .with(&["--selector", "mio"]),
    Scene::example(
        ("chapter-03", "forgets_to_drain"),
        "example-forgets-to-drain-polling-flag",
        "With a readiness flag, over a level-triggered selector.",
        scripts::drained,
    )
    .with(&["--selector", "polling", "--flag", "yes"]),
    Scene::example(
        ("chapter-03", "forgets_to_drain"),
        "example-forgets-to-drain-mio-flag",
        "With a readiness flag, over an edge-triggered selector.",
        scripts::drained_by_flag,
    )
    .with(&["--selector", "mio", "--flag", "yes"]),
    Scene::demo(
        "chapter-03",
        "demo-chapter-03",
        "The kernel says who is ready.",
        scripts::selector,
    ),
    Scene::program(
        ("chapter-04", "ten_futures"),
        "example-ten-futures",
        "Callbacks set ten futures, and one of them is awaited.",
    ),
    Scene::program(
        ("chapter-04", "cancel_loses_nothing"),
        "example-cancel-loses-nothing",
        "A receive is cancelled just when bytes have come.",
    ),
    Scene::example(
        ("chapter-04", "listen_for_connections"),
        "example-listen-for-connections",
        "One task takes clients and gives each a task of its own.",
        scripts::listen_for_connections,
    ),
    Scene::example(
        ("chapter-04", "boom"),
        "example-boom",
        "A task fails, and nobody has asked for its outcome.",
        scripts::boom,
    ),
    Scene::example(
        ("chapter-04", "boom"),
        "example-boom-tracked",
        "The tasks are kept, and the failure comes out where they are awaited.",
        scripts::boom_where_awaited,
    )
    .with(&["--track", "yes"]),
    Scene::example(
        ("chapter-04", "got_message"),
        "example-got-message",
        "A server that answers, and a client with somebody at its keyboard.",
        scripts::got_message,
    )
    .visited_by("got_message_client"),
    Scene::example(
        ("chapter-04", "got_message"),
        "example-got-message-end-of-input",
        "Nothing more is typed.",
        scripts::end_of_input,
    )
    .visited_by("got_message_client"),
    Scene::example(
        ("chapter-04", "got_message"),
        "example-got-message-server-leaves",
        "The server leaves while the client waits for its keyboard.",
        scripts::server_leaves,
    )
    .visited_by("got_message_client"),
    Scene::demo(
        "chapter-04",
        "demo-chapter-04",
        "A task for each client, and the manners of chapter 03.",
        scripts::selector,
    ),
    Scene::demo(
        "chapter-04",
        "demo-chapter-04-rude",
        "No client ends the server, nor another client.",
        scripts::rude_beside_another,
    ),
    Scene::demo(
        "chapter-04",
        "demo-chapter-04-slow-reader",
        "A client does not read what is sent back.",
        scripts::slow_reader_of_bytes,
    ),
    Scene::demo(
        "chapter-04",
        "demo-chapter-04-terminated",
        "SIGTERM lets the clients come to an end.",
        scripts::terminated,
    ),
    Scene::program(
        ("chapter-05", "news"),
        "example-news",
        "Two readers are told the same, and one of them does not read.",
    ),
    Scene::program(
        ("chapter-05", "water_marks"),
        "example-water-marks",
        "A writer is told when to pause and when to go on.",
    ),
    Scene::program(
        ("chapter-05", "dead_address"),
        "example-dead-address",
        "The first address of a host does not answer.",
    ),
    Scene::example(
        ("chapter-05", "echo_protocol"),
        "example-echo-protocol",
        "A protocol that answers and closes, and one that waits for that.",
        scripts::echo_protocol,
    )
    .visited_by("echo_protocol_client"),
    Scene::program(
        ("chapter-05", "cipher"),
        "example-cipher",
        "A conversation through two ciphers, and what goes over the wire.",
    ),
    Scene::demo(
        "chapter-05",
        "demo-chapter-05",
        "A transport and a protocol for each client, and the manners of chapter 04.",
        scripts::selector,
    ),
    Scene::demo(
        "chapter-05",
        "demo-chapter-05-rude",
        "No client ends the server, nor another client.",
        scripts::rude_beside_another,
    ),
    Scene::demo(
        "chapter-05",
        "demo-chapter-05-slow-reader",
        "A client does not read what is sent back.",
        scripts::slow_reader_of_bytes,
    ),
    Scene::demo(
        "chapter-05",
        "demo-chapter-05-half-close",
        "A client has sent its last byte before it reads the first.",
        scripts::half_close,
    ),
    Scene::demo(
        "chapter-05",
        "demo-chapter-05-terminated",
        "SIGTERM lets the clients come to an end.",
        scripts::terminated,
    ),
    Scene::program(
        ("chapter-06", "three_questions"),
        "example-three-questions",
        "A conversation of three questions, by callbacks and through a stream.",
    ),
    Scene::program(
        ("chapter-06", "hard_lines"),
        "example-hard-lines",
        "A line is slow to come, and another is too long.",
    ),
    Scene::program(
        ("chapter-06", "down_the_stack"),
        "example-down-the-stack",
        "A line goes through all the layers, and the kernel says what it is asked.",
    ),
    Scene::example(
        ("chapter-06", "tcp_echo_server"),
        "example-tcp-echo",
        "A server and a client on streams: each says what it does, line after line.",
        scripts::tcp_echo,
    )
    .visited_by("tcp_echo_client"),
    Scene::example(
        ("chapter-06", "lines_on_socket"),
        "example-lines-on-socket",
        "Lines that are read straight from a socket.",
        scripts::lines_on_socket,
    ),
    Scene::example(
        ("chapter-06", "chat"),
        "example-chat",
        "Many talk to many, and nobody waits for the one who does not read.",
        scripts::chat,
    ),
    Scene::demo(
        "chapter-06",
        "demo-chapter-06",
        "A stream and a task for each client, and the manners of chapter 05.",
        scripts::selector,
    ),
    Scene::demo(
        "chapter-06",
        "demo-chapter-06-rude",
        "No client ends the server, nor another client.",
        scripts::rude_beside_another,
    ),
    Scene::demo(
        "chapter-06",
        "demo-chapter-06-slow-reader",
        "A client does not read what is sent back.",
        scripts::slow_reader_of_bytes,
    ),
    Scene::demo(
        "chapter-06",
        "demo-chapter-06-half-close",
        "A client has sent its last byte before it reads the first.",
        scripts::half_close,
    ),
    Scene::demo(
        "chapter-06",
        "demo-chapter-06-terminated",
        "SIGTERM lets the clients come to an end.",
        scripts::terminated,
    ),
    Scene::program(
        ("chapter-06", "ends"),
        "example-ends",
        "A connection ends in several ways, and everybody is asked what it was told.",
    ),
];
