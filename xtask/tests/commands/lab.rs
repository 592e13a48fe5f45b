//! The commands of the course as a learner runs them. What is built and graded is proved by `lab check` in the workspace
//! itself; here nothing is compiled.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::fixture::Fixture;

/// How long is waited for what must come; only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

const MANIFEST: &str = "assignments/03-selector/assignment.toml";
const OWN: &str = "lab/03-selector/src/selector.rs";

/// Runs `cargo x lab …` with its exit code, and what it has said on either output.
fn lab(fixture: &Fixture, arguments: &[&str]) -> (i32, String) {
    let arguments: Vec<&str> = ["lab"].iter().chain(arguments).copied().collect();
    let output = fixture.command(&arguments).output().unwrap();
    let text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

fn started() -> Fixture {
    let fixture = Fixture::new();
    let (code, said) = lab(&fixture, &["start", "03"]);
    assert_eq!(code, 0, "{said}");
    fixture
}

#[test]
fn the_starter_is_the_chapter_without_the_bodies_of_the_tasks() {
    let fixture = started();
    let text = fs::read_to_string(fixture.path(OWN)).unwrap();
    for part in [
        "    #[must_use]\n    fn count(&self) -> usize {\n        todo!(\"3.1 Counting\")\n    }\n",
        "    /// Forgets all of them.\n    pub fn clear(&mut self) {\n        todo!(\"3.2 Clearing\")\n    }\n",
        // The whole impl was named; its twin for Debug was not.
        "impl Display for Token {\n    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {\n        todo!(\"3.2 Clearing\")\n",
        "        Display::fmt(self, f)\n",
    ] {
        assert!(text.contains(part), "no {part}\nin {text}");
    }
    let manifest = fs::read_to_string(fixture.path("lab/03-selector/Cargo.toml")).unwrap();
    assert!(manifest.contains("path = \"../../assignments/grading\""), "{manifest}");
    assert!(manifest.contains("unused_variables = \"allow\""), "{manifest}");
}

#[test]
fn a_misuse_is_told_with_what_to_do() {
    let fixture = started();
    for (arguments, said) in [
        (&["strat"][..], "no command `lab strat`; near: start\n"),
        (&["start"], "which one? This command takes an assignment, such as 01\n"),
        (&["start", "03", "04"], "`04` is one word too many: this command takes an assignment"),
        (&["start", "04"], "no assignment `04`; there are: 03-selector\n"),
        (
            &["start", "3"],
            "lab/03-selector is there already: go on with it, or begin anew by `cargo x lab reset 03`\n",
        ),
        (&["start", "03", "--carri"], "invalid option '--carri'\n"),
        (&["grade", "03", "--task", "3.9"], "assignment 03 has no task `3.9`; near: 3.1, 3.2\n"),
        (&["grade", "03", "--seed", "x"], "--seed takes a number, not `x`: "),
        (
            &["grade", "03", "3.2"],
            "`3.2` is one word too many: this command takes an assignment, such as 01; did you mean `--task 3.2`?\n",
        ),
        (
            &["grade", "3.2"],
            "`3.2` is a task: this command takes an assignment, such as 01; did you mean `03 --task 3.2`?\n",
        ),
        (
            &["diff", "3.2"],
            "`3.2` is a task: this command takes an assignment, such as 01; did you mean `03`?\n",
        ),
        (&["hint", "3"], "`3` is no task: a task is typed as `3.1`\n"),
        (&["hint", "9"], "`9` is no task: a task is typed as `1.2`\n"),
        (&["status", "03"], "`status` takes no word"),
    ] {
        let (code, text) = lab(&fixture, arguments);
        assert_eq!(code, 2, "{arguments:?}: {text}");
        assert!(text.starts_with(said), "{arguments:?}: {text}");
    }
    let (code, text) = lab(&Fixture::new(), &["grade", "03"]);
    assert_eq!(
        (code, text.as_str()),
        (2, "assignment 03 is not started: `cargo x lab start 03`\n")
    );
    let (code, text) = lab(&Fixture::new(), &["start", "03", "--carry"]);
    assert_eq!(code, 2);
    assert!(
        text.starts_with("there is nothing to carry: no assignment before 03 is complete"),
        "{text}"
    );
}

#[test]
fn a_broken_manifest_is_refused_with_what_is_wrong() {
    for (from, to, said) in [
        ("points = 40", "pionts = 40", "unknown field `pionts`"),
        ("points = 40", "points = 41", "the points of all tasks are 101, not 100"),
        ("id = \"3.2\"", "id = \"3.3\"", "task `3.3` is the one that is called 3.2"),
        ("chapter-03", "chapter-04", "no package is called `chapter-04`; near: chapter_03"),
        ("[\"3.1\"]", "[\"3.2\"]", "task 3.2 needs `3.2`, which is no task before it"),
        ("#one-wait", "#one-wiat", "has no heading `one-wiat`; near: one-wait"),
        ("selector.md\"", "selectors.md\"", "the book has no page `selectors.md`"),
    ] {
        let fixture = Fixture::new();
        fixture.edit(MANIFEST, from, to);
        let (code, text) = lab(&fixture, &["status"]);
        assert_eq!(code, 2, "{text}");
        assert!(text.starts_with(MANIFEST) && text.contains(said), "{text}");
    }
    let fixture = Fixture::new();
    fixture.edit(MANIFEST, "Selector::count", "Selector::cuont");
    let (_, text) = lab(&fixture, &["start", "03"]);
    let said = "task 3.1: `chapter_03::selector::Selector::cuont`: chapters/03-selector/src/selector.rs has no `Selector::cuont`; near: Selector::count";
    assert!(text.starts_with(said), "{text}");
    let fixture = Fixture::new();
    fixture.edit(MANIFEST, "Selector::count", "EVENTS_MAX");
    let (_, text) = lab(&fixture, &["start", "03"]);
    assert!(
        text.contains("`chapter_03::selector::EVENTS_MAX`: has no body that could be left"),
        "{text}"
    );
}

#[test]
fn hints_come_one_by_one_and_are_counted() {
    let fixture = started();
    let (_, first) = lab(&fixture, &["hint", "3.1"]);
    assert!(first.contains("1 of 3: A question\n\nHow many?\n"), "{first}");
    assert!(!first.contains("A pointer"), "{first}");
    let (_, second) = lab(&fixture, &["hint", "3.1"]);
    assert!(
        second.contains("2 of 3: A pointer\n\n`len`.\n\n1 more: cargo x lab hint 3.1\n"),
        "{second}"
    );
    let (_, status) = lab(&fixture, &["status"]);
    assert!(status.contains("3.1 Counting (40 points, 10 min, 2 hints)"), "{status}");
    let (code, lacking) = lab(&fixture, &["hint", "3.2"]);
    assert_eq!(code, 2);
    assert!(
        lacking.contains("hints.md: `## 3.2` has the parts [\"A question\", \"A pointer\"]"),
        "{lacking}"
    );
}

#[test]
fn a_section_is_named_as_the_book_names_it_with_the_address_of_its_page() {
    let fixture = started();
    fixture.write("book/src/chapter-03.md", "# A selector\n\n## What \"not yet\" is\n");
    let hints = "assignments/03-selector/hints.md";
    fixture.edit(hints, "`len`.", "See [what it\nis](chapter-03.md#what-not-yet-is).");
    lab(&fixture, &["hint", "3.1"]);
    let (_, hint) = lab(&fixture, &["hint", "3.1"]);
    let expected = "A pointer\n\nSee what it\nis.\n\n  read  A selector > What \"not yet\" is\n        \
                    http://127.0.0.1:3000/chapter-03.html#what-not-yet-is, by `cargo x book serve`\n";
    assert!(hint.contains(expected), "{hint}");
    fixture.edit(MANIFEST, "selector.md#one-wait", "chapter-03.md#what-not-yet-is");
    let tasks = fixture.expand("snap", "{{#tasks}}").unwrap();
    assert!(tasks.contains("| [What \"not yet\" is](chapter-03.md#what-not-yet-is) |"), "{tasks}");
    fixture.edit(hints, "#what-not-yet-is", "#what-not-yet-was");
    let (code, fault) = lab(&fixture, &["hint", "3.1"]);
    assert_eq!(code, 2);
    let expected =
        "hints.md: 3.1: chapter-03.md has no heading `what-not-yet-was`; near: what-not-yet-is";
    assert!(fault.starts_with(expected), "{fault}");
}

#[test]
fn a_solution_is_shown_to_whoever_gives_up_which_is_recorded() {
    let fixture = started();
    let (code, text) = lab(&fixture, &["solution", "3.1"]);
    assert_eq!(code, 2);
    assert!(text.starts_with("task 3.1 is not passed yet"), "{text}");
    let (code, text) = lab(&fixture, &["solution", "3.1", "--give-up"]);
    assert_eq!(code, 0);
    let shown = "3.1 Counting\n\nchapters/03-selector/src/selector.rs, line 27\n\n// Counts once.\n/// How many.\n#[must_use]\nfn count(&self) -> usize {\n    self.sources.len()\n}\n";
    assert_eq!(text, shown);
    // The book has the same line, with the documentation and without it.
    for item in ["Selector::count", "Selector::count nodoc"] {
        let page = fixture.expand("item", &format!("{{{{#item chapter_03::selector::{item}}}}}"));
        assert!(page.unwrap().contains("selector.rs, line 27</p>"), "{item}");
    }
    let (_, status) = lab(&fixture, &["status"]);
    assert!(status.contains("3.1 Counting (40 points, 10 min, solution shown)"), "{status}");
}

#[test]
fn the_best_result_of_each_task_is_kept() {
    let fixture = started();
    let record = "{\"passed\": [\"3.1\"], \"hints\": {\"3.1\": 1}}";
    fixture.write("lab/03-selector/.lab.json", record);
    let (_, status) = lab(&fixture, &["status"]);
    assert!(
        status.contains(".]  40 of 100\n  ok 3.1 Counting (40 points, 10 min, 1 hint)\n"),
        "{status}"
    );
    assert_eq!(lab(&fixture, &["reset", "03"]).0, 0);
    let (_, hint) = lab(&fixture, &["hint", "3.1"]);
    assert!(hint.contains("1 more: cargo x lab hint 3.1\n"), "{hint}");
    // It is refused, and so no task is passed.
    fixture.edit(OWN, "todo!(\"3.1 Counting\")", "unsafe { 0 }");
    assert_eq!(lab(&fixture, &["grade", "03"]).0, 1);
    let (_, status) = lab(&fixture, &["status"]);
    let expected =
        ".]   0 of 100, best 40\n     3.1 Counting (40 points, 10 min, passed before, 1 hint)\n";
    assert!(status.contains(expected), "{status}");
    assert_eq!(lab(&fixture, &["solution", "3.1"]).0, 0);
    assert!(!lab(&fixture, &["status"]).1.contains("solution shown"));
    let (_, all) = lab(&fixture, &["hint", "3.1"]);
    assert!(all.ends_with("That was all. `cargo x lab solution 3.1` shows the book's.\n"), "{all}");
}

#[test]
fn what_is_changed_is_shown_and_what_was_there_is_kept() {
    let fixture = started();
    assert_eq!(lab(&fixture, &["diff", "03"]).1, "nothing is changed yet\n");
    fixture.edit(OWN, "todo!(\"3.1 Counting\")", "self.sources.len()");
    let (_, diff) = lab(&fixture, &["diff", "03"]);
    assert!(diff.contains("--- starter/src/selector.rs\n+++ yours/src/selector.rs\n"), "{diff}");
    assert!(
        diff.contains("-        todo!(\"3.1 Counting\")\n+        self.sources.len()\n"),
        "{diff}"
    );
    assert!(!diff.contains("not graded"), "{diff}");
    fixture.edit("lab/03-selector/src/lib.rs", "mod", "// mine\nmod");
    fixture.write("lab/03-selector/src/more.rs", "fn f() {}\n");
    fixture.write("lab/03-selector/graded/task_1.rs", "");
    let (_, diff) = lab(&fixture, &["diff", "03"]);
    for path in ["graded/task_1.rs", "src/lib.rs", "src/more.rs"] {
        assert!(diff.contains(&format!("not graded: {path}\n--- starter/{path}\n")), "{diff}");
    }
    assert_eq!(diff.matches("not graded: ").count(), 3, "{diff}");
    let (code, said) = lab(&fixture, &["reset", "03"]);
    assert_eq!(code, 0);
    assert!(said.starts_with("What was there is now in lab/03-selector.old-1\n"), "{said}");
    assert!(
        said.contains("`cargo x` is a command of this folder; in lab/03-selector are"),
        "{said}"
    );
    let kept = fs::read_to_string(fixture.path("lab/03-selector.old-1/src/selector.rs")).unwrap();
    assert!(kept.contains("self.sources.len()"));
    assert_eq!(lab(&fixture, &["diff", "03"]).1, "nothing is changed yet\n");
}

#[test]
fn a_reader_that_leaves_ends_a_command_quietly_with_its_own_exit_code() {
    let fixture = started();
    fixture.edit(OWN, "todo!(\"3.1 Counting\")", "unsafe { self.sources.len() }");
    for (arguments, expected) in [
        (&["diff", "03"][..], 0),
        (&["solution", "3.1", "--give-up"], 0),
        (&["hint", "3.1"], 0),
        (&["status"], 0),
        (&[], 0),
        (&["grade", "03"], 1),
        (&["grade", "03", "--json", "-"], 1),
        (&["reset", "03"], 0),
        (&["reset", "04"], 2),
    ] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = fixture.command(&[&["lab"], arguments].concat());
        let output = command.stdout(writer).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(expected), "{arguments:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("pipe"), "{arguments:?}: {said}");
        // And where nobody hears the complaints either.
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = fixture.command(&[&["lab"], arguments].concat());
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        assert_eq!(command.status().unwrap().code(), Some(expected), "{arguments:?}");
    }
}

#[test]
fn what_is_forbidden_is_refused_by_its_line_before_anything_is_built() {
    let fixture = started();
    fixture.edit(OWN, "todo!(\"3.1 Counting\")", "use std::thread as t; t::yield_now(); 0");
    fixture.edit(OWN, "todo!(\"3.2 Clearing\")", "unsafe { self.sources.set_len(0) }");
    let (code, text) = lab(&fixture, &["grade", "03"]);
    assert_eq!(code, 1);
    for part in [
        "Refused, and so not run:\n    src/selector.rs:29: `std::thread` is refused: one is enough\n",
        "src/selector.rs:34: `unsafe` is refused: ",
        "0 of 100 points.\n",
    ] {
        assert!(text.contains(part), "no {part}\nin {text}");
    }
    let (code, _) = lab(&fixture, &["grade", "03", "--exit-zero"]);
    assert_eq!(code, 0);
}

#[test]
fn a_brief_is_a_page_of_the_book() {
    let fixture = Fixture::new();
    let page = fixture.expand("snap", "{{#brief 03-selector}}").unwrap();
    assert!(page.starts_with("# Assignment 03\n"), "{page}");
    let fault = fixture.expand("snap", "{{#brief 09}}").unwrap_err();
    assert!(fault.contains("no assignment `09`; there are: 03-selector"), "{fault}");
}

#[test]
fn a_grade_is_written_for_programs_as_well() {
    let fixture = started();
    fixture.edit(OWN, "todo!(\"3.2 Clearing\")", "unsafe { self.sources.set_len(0) }");
    let (code, text) = lab(
        &fixture,
        &["grade", "03", "--json", "g.json", "--junit", "g.xml", "--result", "result.json"],
    );
    assert_eq!(code, 1, "{text}");
    let json = fs::read_to_string(fixture.path("g.json")).unwrap();
    assert!(json.contains("\"path\": \"unsafe\"") && json.contains("\"line\": 34"), "{json}");
    let xml = fs::read_to_string(fixture.path("g.xml")).unwrap();
    assert!(
        xml.contains("<error type=\"refused\" message=\"refused\">src/selector.rs:34: `unsafe`"),
        "{xml}"
    );
    let result = fs::read_to_string(fixture.path("result.json")).unwrap();
    assert!(result.contains("\"schema\": \"classroom50/result/v1\""), "{result}");

    let output =
        fixture.command(&["lab", "grade", "03", "--exit-zero", "--json", "-"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("{\n") && said.ends_with("}\n"), "{said}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("0 of 100 points.\n"));

    for (arguments, said) in [
        (&["--json", "no/g.json"][..], "--json: no/g.json cannot be written: No such file"),
        (
            &["--json", "-", "--result", "-"],
            "--json and --result would both write the standard output",
        ),
        (&["--json", "a", "--junit", "a"], "--json and --junit would both write a"),
        (&["--junit"], "missing argument for option '--junit'"),
    ] {
        let (code, text) = lab(&fixture, &[&["grade", "03"], arguments].concat());
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(said), "no {said}\nin {text}");
    }
}

#[test]
fn a_watched_folder_is_graded_again_after_each_change() {
    let fixture = started();
    fixture.edit(OWN, "todo!(\"3.1 Counting\")", "unsafe { self.sources.len() }");
    let mut watching = fixture.command(&["lab", "grade", "03", "--watch"]);
    let mut child = watching.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (send, lines) = mpsc::channel();
    thread::spawn(move || output.lines().try_for_each(|line| send.send(line.unwrap())));
    let refused = || loop {
        let line = lines.recv_timeout(PATIENCE).unwrap();
        if let Some(refusal) = line.trim().strip_suffix("everything here can be written without it")
        {
            break refusal.to_owned();
        }
    };
    assert_eq!(refused(), "src/selector.rs:29: `unsafe` is refused: ");
    fixture.edit(OWN, "unsafe {", "\n\nunsafe {");
    assert_eq!(refused(), "src/selector.rs:31: `unsafe` is refused: ");
    // A file that an editor is about to write ends nothing.
    let text = fs::read_to_string(fixture.path(OWN)).unwrap();
    fs::remove_file(fixture.path(OWN)).unwrap();
    fixture.write(OWN, &text.replace("unsafe {", "\nunsafe {"));
    assert_eq!(refused(), "src/selector.rs:32: `unsafe` is refused: ");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_brief_that_shows_what_does_not_work_is_found() {
    let fixture = Fixture::new();
    fixture.write(
        "assignments/03-selector/brief.md",
        "`cargo x lab start 03`, then `cargo x lab hnit 3.1`, or `cargo x lab hint 3.2`.",
    );
    let (code, text) = lab(&fixture, &["check", "03", "--only", "learner"]);
    assert_eq!(code, 2, "{text}");
    for part in [
        "brief.md: the brief never shows `cargo x lab grade 03`\n",
        "the brief shows `cargo x lab hnit 3.1`; `cargo x lab hnit 3.1` ends with exit status: 2, not with exit code 0:\nno command `lab hnit`",
        // Its third hint is missing in the fixture.
        "the brief shows `cargo x lab hint 3.2`; ",
    ] {
        assert!(text.contains(part), "no {part}\nin {text}");
    }
}

#[test]
fn a_learners_folder_may_be_elsewhere() {
    let fixture = Fixture::new();
    let elsewhere = fixture.path("else/where");
    let mut start = fixture.command(&["lab", "start", "03"]);
    assert!(start.env("LAB_DIR", &elsewhere).output().unwrap().status.success());
    assert!(!fixture.path("lab").exists());
    let root = fixture.path("").canonicalize().unwrap();
    let config = fs::read_to_string(elsewhere.join(".cargo/config.toml")).unwrap();
    let target = format!("target-dir = \"{}/target/lab/lane-0/target\"", root.display());
    assert!(config.contains(&target), "no {target}\nin {config}");
    let manifest = fs::read_to_string(elsewhere.join("03-selector/Cargo.toml")).unwrap();
    let grading = format!("path = \"{}/assignments/grading\"", root.display());
    assert!(manifest.contains(&grading), "no {grading}\nin {manifest}");
}

#[test]
fn an_export_needs_a_folder_that_is_empty() {
    let fixture = Fixture::new();
    for (arguments, said) in [
        (&["export", "03"][..], "where to? `cargo x lab export 03 --out DIR`\n"),
        (
            &["export", "03", "--out", "book"],
            "book is not empty: choose another --out, or empty it\n",
        ),
        (&["export", "07", "--out", "new"], "no assignment `07`; there are: 03-selector\n"),
    ] {
        let (code, text) = lab(&fixture, arguments);
        assert_eq!((code, text.as_str()), (2, said));
    }
    assert!(!fixture.path("new").exists());
}

/// A class in the folder `class`, of copies of the learner's folder with `OWN` changed as given.
fn class(fixture: &Fixture, students: &[(&str, &str)]) {
    for (name, count) in students {
        let sources = fixture.path(&format!("class/{name}/lab/03-selector/src"));
        fs::create_dir_all(&sources).unwrap();
        let text = fs::read_to_string(fixture.path(OWN)).unwrap();
        fs::write(sources.join("selector.rs"), text.replace("todo!(\"3.1 Counting\")", count))
            .unwrap();
    }
}

#[test]
fn a_class_is_graded_and_whoever_cannot_be_is_named() {
    let fixture = started();
    let deep = format!("{}true;", "!".repeat(100_000));
    class(
        &fixture,
        &[
            ("ada", "unsafe { x() }"),
            ("eve", "unsafe { y() }"),
            ("joe", ""),
            ("max", ""),
            ("sue", ""),
        ],
    );
    fs::create_dir_all(fixture.path("class/=bob")).unwrap();
    let own = |name: &str| fixture.path(&format!("class/{name}/lab/03-selector/src/selector.rs"));
    fs::remove_file(own("joe")).unwrap();
    symlink("/dev/zero", own("joe")).unwrap();
    fs::write(own("max"), format!("fn f() -> bool {{ unsafe {{}} {deep} }}")).unwrap();
    fs::write(own("sue"), "//".repeat(100_000)).unwrap();
    symlink(fixture.path("class/ada/lab"), fixture.path("class/=bob/lab")).unwrap();
    // A learner's own folder, which names its chapter.
    let copied = fixture.path("class/zoe");
    fs::create_dir_all(copied.join("src")).unwrap();
    fs::write(copied.join("Cargo.toml"), "[package]\nname = \"chapter-03\"\n").unwrap();
    fs::copy(own("eve"), copied.join("src/selector.rs")).unwrap();

    let (code, said) =
        lab(&fixture, &["grade-all", "class", "--csv", "list.csv", "--seed", "7", "--jobs", "2"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.starts_with("7 submissions, seed 7\n"), "{said}");
    assert!(said.contains("ada: 0 of 100, refused\n"), "{said}");
    assert!(said.ends_with("not graded: =bob, joe, sue\n"), "{said}");
    let unsafe_in = |line| {
        format!(
            "src/selector.rs:{line}: `unsafe` is refused: everything here can be written without it"
        )
    };
    let expected = format!(
        "name,assignment,points,3.1,3.2,refused,error,ignored\n\
         '=bob,,,,,,its src leads out of it,\n\
         ada,03-selector,0,0,0,{0},,\n\
         eve,03-selector,0,0,0,{0},,\n\
         joe,03-selector,,,,,\"src/selector.rs is a link, or something else that is no file\",\n\
         max,03-selector,0,0,0,{1},,\n\
         sue,03-selector,,,,,src/selector.rs makes it too long: 131072 bytes a file and 1048576 in all are the most,\n\
         zoe,03-selector,0,0,0,{0},,\n",
        unsafe_in(29),
        unsafe_in(1),
    );
    assert_eq!(fs::read_to_string(fixture.path("list.csv")).unwrap(), expected);

    for (arguments, said) in [
        (&["grade-all"][..], "which one? This command takes a folder of submissions\n"),
        (&["grade-all", "nowhere"], "nowhere cannot be read: No such file"),
        (
            &["grade-all", "class/zoe/src"],
            "class/zoe/src has no folder in it: each submission has one\n",
        ),
        (&["grade-all", "class", "--jobs", "0"], "--jobs takes a number from 1 to 64, not 0\n"),
        (
            &["grade-all", "class", "--assignment", "9"],
            "no assignment `9`; there are: 03-selector\n",
        ),
    ] {
        let (code, text) = lab(&fixture, arguments);
        assert_eq!(code, 2, "{text}");
        assert!(text.starts_with(said), "{text}");
    }
}

#[test]
fn the_museum_shows_each_mistake_with_its_story() {
    let fixture = Fixture::new();
    let page = fixture.expand("snap", "{{#museum}}").unwrap();
    for part in [
        "## Assignment 03: A selector\n",
        "2 submissions, 2 checks.",
        "<tr><th>one too many</th><td title=\"3.1 all are counted\">&#9679;</td><td title=\"3.2 nothing is left\">&#9675;</td></tr>\n",
        "<tr><th>some are left</th><td></td><td title=\"3.2 nothing is left\">&#9679;</td></tr>\n",
        "1. 3.1 all are counted\n2. 3.2 nothing is left\n",
        // A short story is shown, a longer one folded.
        "### 3.1 Counting\n\nThe `Selector` itself is counted as a source. *<code>one_too_many</code>, and one more check*\n\n~~~~text\nFAIL  all are counted\n",
        "### 3.2 Clearing\n\n<details class=\"exhibit\">\n<summary>Only the first source is forgotten. <em><code>some_are_left</code></em></summary>\n\n~~~~text\nFAIL  nothing is left\n",
    ] {
        assert!(page.contains(part), "no {part}\nin {page}");
    }
    fixture.edit(
        "assignments/03-selector/snapshots/matrix.snap",
        "some_are_left  .",
        "some_is_left  .",
    );
    let fault = fixture.expand("snap", "{{#museum}}").unwrap_err();
    assert!(fault.contains("`some_are_left` is not in the matrix"), "{fault}");
    fs::remove_file(fixture.path("assignments/03-selector/snapshots/one_too_many.snap")).unwrap();
    let fault = fixture.expand("snap", "{{#museum 03}}").unwrap_err();
    assert!(fault.contains("no snapshot `one_too_many`"), "{fault}");
}

#[test]
fn a_teachers_tables_are_made_of_the_manifests() {
    let fixture = Fixture::new();
    let tasks = fixture.expand("snap", "{{#tasks}}").unwrap();
    for part in [
        "| **[Assignment 03](assignment-03.md)** | **A selector** | | **30** | |\n",
        "| [3.2 Clearing](assignment-03.md#32-clearing) | ",
        "](selector.md) | 60 | 20 | 3.1 |\n",
    ] {
        assert!(tasks.contains(part), "no {part}\nin {tasks}");
    }
    let mistakes = fixture.expand("snap", "{{#mistakes}}").unwrap();
    assert!(
        mistakes.contains("- [3.2 Clearing](assignment-03.md#32-clearing)\n  - Only the first source is forgotten.\n"),
        "{mistakes}"
    );
    let plan = fixture.expand("snap", "{{#plan 03a, 03b}}").unwrap();
    for part in [
        "| 1 | [3.1 Counting](assignment-03.md#31-counting) | 40 | 10 |\n",
        "| 2 | [3.2 Clearing](assignment-03.md#32-clearing) | 60 | 20 |\n",
    ] {
        assert!(plan.contains(part), "no {part}\nin {plan}");
    }
    for missing in ["01", "03b 04"] {
        let fault = fixture.expand("snap", &format!("{{{{#plan {missing}}}}}")).unwrap_err();
        let number = &missing[missing.len() - 2..];
        assert!(fault.contains(&format!("`{number}` is no assignment")), "{fault}");
    }
}

#[test]
fn what_goes_round_the_grader_is_refused_by_its_name_and_line() {
    let fixture = started();
    let hostile = [
        // An end before the check's.
        ("std::process::exit(0)", "std::process"),
        ("std::process::abort()", "std::process"),
        ("use std::process as p; p::exit(0)", "std::process"),
        ("std::panic::set_hook(Box::new(|_| {})); 0", "std::panic::set_hook"),
        ("let _ = std::panic::take_hook(); 0", "std::panic::take_hook"),
        ("signal_hook::low_level::exit(0)", "signal_hook::low_level"),
        ("rustix::process::kill_process_group(group, signal); 0", "rustix::process"),
        // An answer in the check's place.
        ("rustix::io::write(rustix::stdio::stdin(), b\"{}\\n\"); 0", "rustix::stdio"),
        ("std::io::stdin().lines().count()", "std::io::stdin"),
        // What the check expects, out of its memory or its command.
        ("std::fs::read(\"/proc/self/mem\").unwrap().len()", "std::fs"),
        ("use std::{fs as f}; f::read(\"/proc/self/cmdline\").unwrap().len()", "std::fs"),
        ("rustix::fs::open(\"/proc/self/maps\", flags, mode); 0", "rustix::fs"),
        ("std::env::args().count()", "std::env"),
        ("include_str!(\"../graded/main.rs\").len()", "include_str!"),
        // Somebody else's work.
        ("tokio::runtime::Runtime::new(); 0", "tokio"),
        ("async_std::task::block_on(f)", "async_std"),
        ("std::thread::spawn(f); 0", "std::thread"),
        ("use std as s; s::thread::spawn(f); 0", "std::thread"),
        // What cannot be looked up.
        ("macro_rules! m { ($a:ident) => { std::$a::exit(0) } } m!(process)", "macro_rules!"),
        ("std::r#process::exit(0)", "std::process"),
        ("core::arch::global_asm!(\"\"); 0", "core::arch"),
        ("#[unsafe(no_mangle)] fn write() {} 0", "unsafe"),
        ("#[global_allocator] static A: A = A; 0", "#[global_allocator]"),
        ("#[ignore] fn f() {} 0", "#[ignore]"),
    ];
    let names: Vec<String> =
        (0..hostile.len()).map(|number| format!("student-{number:02}")).collect();
    let students: Vec<(&str, &str)> =
        names.iter().zip(hostile).map(|(name, (body, _))| (name.as_str(), body)).collect();
    class(&fixture, &students);
    let (code, said) = lab(&fixture, &["grade-all", "class", "--csv", "list.csv"]);
    assert_eq!(code, 0, "{said}");
    let list = fs::read_to_string(fixture.path("list.csv")).unwrap();
    for (name, (body, path)) in names.iter().zip(hostile) {
        let row = list.lines().find(|line| line.starts_with(name.as_str())).unwrap();
        let refusal = format!("src/selector.rs:29: `{path}` is refused: ");
        assert!(row.contains(&refusal), "{body}\n{row}");
        assert!(row.starts_with(&format!("{name},03-selector,0,0,0,")), "{row}");
    }
}

#[test]
fn changes_of_the_tests_and_of_the_manifest_are_named_and_left_out() {
    let fixture = started();
    fixture.edit(OWN, "todo!(\"3.1 Counting\")", "unsafe { 0 }");
    fixture.edit(
        "lab/03-selector/graded/task_1.rs",
        "fn nothing_is_left",
        "#[ignore]\nfn nothing_is_left",
    );
    fixture.edit("lab/03-selector/src/lib.rs", "mod", "#![allow(unused)]\nmod");
    fixture.edit("lab/03-selector/Cargo.toml", "unsafe_code = \"deny\"", "unsafe_code = \"allow\"");
    fixture.write("lab/03-selector/src/more.rs", "fn f() {}");
    let (code, said) = lab(&fixture, &["grade", "03"]);
    assert_eq!(code, 1);
    for part in [
        "graded/task_1.rs:11: not yours to change; graded as it was\n",
        "src/lib.rs:",
        "src/more.rs: not a file of the assignment; left out\n",
        "Cargo.toml: not yours to change; graded as it was\n",
    ] {
        assert!(said.contains(part), "no {part}\nin {said}");
    }
}

#[test]
fn a_submission_that_leads_elsewhere_costs_its_own_row() {
    let fixture = started();
    for name in ["ada", "joe", "zoe"] {
        fs::create_dir_all(fixture.path(&format!("class/{name}/src"))).unwrap();
    }
    fs::write(fixture.path("class/late\n.zip"), "").unwrap();
    symlink("/dev/zero", fixture.path("class/ada/Cargo.toml")).unwrap();
    fs::copy(fixture.path("lab/03-selector/Cargo.toml"), fixture.path("class/joe/Cargo.toml"))
        .unwrap();
    fs::copy(fixture.path(OWN), fixture.path("class/joe/src/selector.rs")).unwrap();
    symlink("/", fixture.path("class/joe/graded")).unwrap();
    let (code, said) = lab(&fixture, &["grade-all", "class", "--csv", "list.csv"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.starts_with("late\\n.zip: no folder, left out\n"), "{said}");
    for part in [
        "ada: not graded: there is neither lab/NN-name/src nor a chapter's Cargo.toml and src\n",
        "joe: not graded: graded is a link, or something else that is no folder\n",
    ] {
        assert!(said.contains(part), "no {part}\nin {said}");
    }
}

#[test]
fn who_has_read_enough_may_go() {
    let fixture = started();
    for arguments in [&["lab", "status"][..], &["lab", "diff", "03"]] {
        let mut command = fixture.command(arguments);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments:?}");
    }
}
