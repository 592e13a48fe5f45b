use crate::program::{example, program};
use crate::script::Script;
use crate::scripts;
use crate::transcript::record;
use anyhow::Result;
use std::path::Path;
use std::process::Command;

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
    arguments: &'static [&'static str],
    script: fn() -> Script,
}

impl Scene {
    /// The chapter's own server.
    const fn demo(
        chapter: &'static str,
        name: &'static str,
        title: &'static str,
        script: fn() -> Script,
    ) -> Scene {
        Scene { name, title, chapter, example: None, arguments: &[], script }
    }

    const fn example(
        (chapter, example): (&'static str, &'static str),
        name: &'static str,
        title: &'static str,
        script: fn() -> Script,
    ) -> Scene {
        Scene { name, title, chapter, example: Some(example), arguments: &[], script }
    }

    const fn with(mut self, arguments: &'static [&'static str]) -> Scene {
        self.arguments = arguments;
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
        self.record(command.args(self.arguments).args(arguments), tell)
    }

    /// Plays the scene with a Python program in the place of the Rust one.
    ///
    /// # Errors
    ///
    /// Those of [`record`].
    pub fn play_twin(&self, python: &str, twin: &Path) -> Result<String> {
        // Unbuffered, for a line that waits in the program would be waited for by the script; and
        // nothing is written beside the source.
        self.record(Command::new(python).args(["-u", "-B"]).arg(twin), |_| {})
    }

    fn record(&self, command: &mut Command, tell: impl FnMut(&str)) -> Result<String> {
        record(command.args(["--listen", "127.0.0.1:0"]), &(self.script)(), tell)
    }
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
];
