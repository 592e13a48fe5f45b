//! The reports that `lab grade` writes beside its text: `--json FILE`, `--junit FILE`, `--result FILE`.

use std::fs;

use anyhow::{Context, Result, bail};

use super::grade::Grade;
use super::manifest::Assignment;
use super::options::Options;
use super::{classroom, json, junit};
use crate::say;

/// The options, each of which takes the file to write.
pub(crate) const NAMES: [&str; 3] = ["json", "junit", "result"];

/// What stands for the standard output.
const STDOUT: &str = "-";

/// What a writer makes a report of.
pub(crate) struct Graded<'g> {
    pub(crate) assignment: &'g Assignment,
    pub(crate) grade: &'g Grade,
    /// Changes that do not count, as lines.
    pub(crate) ignored: &'g [String],
}

/// Which reports are asked for, and where they go.
pub(crate) struct Reports {
    wanted: Vec<(&'static str, String)>,
}

impl Reports {
    /// Those of a command line.
    ///
    /// # Errors
    /// If two of them are to be written to the same place.
    pub(crate) fn of(options: &Options) -> Result<Self> {
        let value = |name| Some((name, options.value(name)?.to_owned()));
        let wanted: Vec<(&'static str, String)> = NAMES.into_iter().filter_map(value).collect();
        for (place, (name, file)) in wanted.iter().enumerate() {
            if let Some((other, _)) = wanted[..place].iter().find(|(_, known)| known == file) {
                let file = if file == STDOUT { "the standard output" } else { file };
                bail!("--{other} and --{name} would both write {file}");
            }
        }
        Ok(Self { wanted })
    }

    /// Whether one of them takes the standard output, so that nothing else may be written there.
    pub(crate) fn take_stdout(&self) -> bool {
        self.wanted.iter().any(|(_, file)| file == STDOUT)
    }

    /// Writes them.
    ///
    /// # Errors
    /// If one cannot be written; the error names the file.
    pub(crate) fn write(&self, graded: &Graded<'_>) -> Result<()> {
        for (name, file) in &self.wanted {
            let text = match *name {
                "json" => json::text(graded)?,
                "junit" => junit::text(graded)?,
                _ => classroom::text(graded)?,
            };
            if file == STDOUT {
                say::print(&text)?;
            } else {
                fs::write(file, text)
                    .with_context(|| format!("--{name}: {file} cannot be written"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::super::grade::{CheckGrade, TaskGrade};
    use super::super::outcome::{Outcome, Story};
    use super::*;

    fn assignment() -> Assignment {
        let manifest = toml::from_str(
            r#"
            title = "Bytes & lines"
            chapter = "chapter-01"
            [[task]]
            id = "1.1"
            title = "Lines"
            points = 60
            minutes = 10
            items = ["a"]
            section = "chapter-01.md#lines"
            [[task]]
            id = "1.2"
            title = "Answers"
            points = 40
            minutes = 10
            items = ["b"]
            section = "chapter-01.md#answers"
            "#,
        )
        .unwrap();
        let (name, number) = ("01-blocking".to_owned(), "01".to_owned());
        Assignment { dir: PathBuf::new(), name, number, manifest }
    }

    fn grade() -> Grade {
        let check =
            |name: &str, selector, outcome| CheckGrade { name: name.to_owned(), selector, outcome };
        let story = Story {
            steps: vec!["sent \"\u{1b}<a>\"".to_owned()],
            expected: "an answer".to_owned(),
            came: "nothing".to_owned(),
            why: "It waits.".to_owned(),
            ..Story::default()
        };
        let first = vec![check("a_line_comes", None, Outcome::Passed)];
        let second = vec![
            check("an_answer_comes", Some("mio"), Outcome::Failed(story)),
            check("no_answer_is_lost", None, Outcome::NotWritten("1.2".to_owned())),
        ];
        Grade {
            seed: 7,
            refusals: Vec::new(),
            errors: None,
            warnings: Vec::new(),
            tasks: vec![
                TaskGrade { place: 0, checks: first },
                TaskGrade { place: 1, checks: second },
            ],
        }
    }

    #[test]
    fn the_json_says_all_that_the_text_says() {
        let (assignment, grade) = (assignment(), grade());
        let ignored = ["src/lib.rs: left out".to_owned()];
        let graded = Graded { assignment: &assignment, grade: &grade, ignored: &ignored };
        let report: Value = serde_json::from_str(&json::text(&graded).unwrap()).unwrap();
        let story = json!({ "steps": ["sent \"\u{1b}<a>\""], "expected": "an answer", "came": "nothing", "events": [],
            "threads": [], "why": "It waits." });
        let expected = json!({
            "schema": "sockets-to-streams/grade/v1",
            "assignment": "01-blocking",
            "title": "Bytes & lines",
            "seed": 7,
            "points": 60,
            "points_max": 100,
            "ignored": ["src/lib.rs: left out"],
            "refusals": [],
            "compile_errors": null,
            "tasks": [
                { "id": "1.1", "title": "Lines", "points": 60, "points_max": 60, "section": "chapter-01.md#lines",
                  "checks": [{ "name": "a_line_comes", "selector": null, "outcome": "passed" }] },
                { "id": "1.2", "title": "Answers", "points": 0, "points_max": 40, "section": "chapter-01.md#answers",
                  "checks": [
                      { "name": "an_answer_comes", "selector": "mio", "outcome": "failed", "story": story },
                      { "name": "no_answer_is_lost", "selector": null, "outcome": "not written", "task": "1.2" },
                  ] },
            ],
        });
        assert_eq!(report, expected);
    }

    #[test]
    fn the_xml_has_a_suite_for_each_task_and_can_be_read_again() {
        let (assignment, mut grade) = (assignment(), grade());
        let graded = Graded { assignment: &assignment, grade: &grade, ignored: &[] };
        let text = junit::text(&graded).unwrap();
        for part in [
            "<testsuites name=\"01-blocking Bytes &amp; lines\">",
            "<testsuite name=\"1.1 Lines\" tests=\"1\" failures=\"0\" errors=\"0\">",
            "<testsuite name=\"1.2 Answers\" tests=\"2\" failures=\"2\" errors=\"0\">",
            "<testcase classname=\"01-blocking.task 1.2\" name=\"an answer comes (over mio)\">",
            "<failure type=\"story\" message=\"nothing\">",
            "sent &quot;\u{FFFD}&lt;a&gt;&quot;\n",
            "<failure type=\"todo\" message=\"task 1.2 is not written\">",
        ] {
            assert!(text.contains(part), "no {part}\nin {text}");
        }
        assert!(!text.contains("name=\"build\""), "{text}");
        assert_eq!(depth_at_end(&text), 0, "{text}");

        grade.errors = Some("error[E0308]: mismatched types: `Vec<u8>`".to_owned());
        grade.tasks.iter_mut().for_each(|task| task.checks.clear());
        let graded = Graded { assignment: &assignment, grade: &grade, ignored: &[] };
        let text = junit::text(&graded).unwrap();
        assert!(
            text.contains("<testsuite name=\"build\" tests=\"1\" failures=\"0\" errors=\"1\">"),
            "{text}"
        );
        assert!(text.contains("mismatched types: `Vec&lt;u8&gt;`"), "{text}");
        assert_eq!(depth_at_end(&text), 0, "{text}");
    }

    /// Reads `xml` to its end: how many elements are still open there.
    fn depth_at_end(xml: &str) -> usize {
        use quick_xml::events::Event;
        let mut reader = quick_xml::Reader::from_str(xml);
        let mut depth = 0;
        loop {
            match reader.read_event().unwrap() {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                Event::Eof => return depth,
                _ => {}
            }
        }
    }
}
