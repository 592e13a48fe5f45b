//! A grade as `result.json` of Classroom 50, by its schema `classroom50/result/v1`.
//!
//! Sources: the page "Advanced Autograding" of its wiki, <https://github.com/foundation50/classroom50/wiki/Advanced-Autograding>,
//! part "The `result.json` contract", and the schema itself, `schemas/result-v1.schema.json` in the same repository, as both were in
//! August 2026. No other field than those is allowed, but for those of a test, which are kept as they are.
//!
//! Who handed in what is known to the runner of Classroom 50, which tells it by environment variables. Where they are missing, as on a
//! laptop, the fields have values that say so and satisfy the schema; the runner and the collection would refuse them.

use std::env;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::Result;
use serde_json::{Value, json};

use super::grade::TaskGrade;
use super::manifest::Assignment;
use super::reports::Graded;

const SCHEMA: &str = "classroom50/result/v1";

/// What stands where the runner would have told something.
const UNKNOWN: &str = "unknown";

/// The report, with a line break at its end.
///
/// # Errors
/// None of which we know: it is made of texts and numbers.
pub(crate) fn text(graded: &Graded<'_>) -> Result<String> {
    let environment = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let now = now();
    let committed = committed().unwrap_or_else(|| now.clone());
    let result = result(graded, &environment, &committed, &now);
    Ok(serde_json::to_string_pretty(&result)? + "\n")
}

fn result(
    graded: &Graded<'_>,
    environment: &dyn Fn(&str) -> Option<String>,
    committed: &str,
    now: &str,
) -> Value {
    let Graded { assignment, grade, .. } = *graded;
    let told = |name: &str| environment(name).unwrap_or_else(|| UNKNOWN.to_owned());
    let commit = told("COMMIT_URL");
    let tests: Vec<Value> = grade.tasks.iter().map(|task| test(assignment, task)).collect();
    json!({
        "schema": SCHEMA,
        "classroom": told("CLASSROOM"),
        "assignment": environment("ASSIGNMENT").unwrap_or_else(|| assignment.name.clone()),
        "assignment_type": environment("ASSIGNMENT_TYPE").unwrap_or_else(|| "individual".to_owned()),
        "owner": environment("OWNER").or_else(|| environment("USERNAME")).unwrap_or_else(|| UNKNOWN.to_owned()),
        "submission": environment("SUBMISSION_TAG").unwrap_or_else(|| "submit/unknown".to_owned()),
        "review": environment("REVIEW_URL").unwrap_or_else(|| commit.clone()),
        "commit": commit,
        "release": told("RELEASE_URL"),
        "datetime": committed,
        "graded_at": now,
        "score": grade.points(assignment),
        "max-score": grade.points_max(assignment),
        "tests": tests,
    })
}

/// A task is what has points, so it is a test of the schema; its checks are told in a field of ours.
fn test(assignment: &Assignment, grade: &TaskGrade) -> Value {
    let task = grade.task(assignment);
    let failed = grade.checks.iter().filter(|check| !check.outcome.passed());
    json!({
        "test-name": format!("{} {}", task.id, task.title),
        "passed": grade.passed(),
        "score": grade.points(assignment),
        "max-score": task.points,
        "failed-checks": failed.map(|check| check.name.as_str()).collect::<Vec<_>>(),
    })
}

/// When the commit that is graded was made; none outside of a repository.
fn committed() -> Option<String> {
    let output = Command::new("git")
        .args(["log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd"])
        .env("TZ", "UTC0")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let date = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !date.is_empty()).then_some(date)
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::grade::Grade;
    use super::*;

    /// The fields that the schema demands, and the one of those that it allows beside them which we write.
    const FIELDS: [&str; 14] = [
        "schema",
        "classroom",
        "assignment",
        "assignment_type",
        "owner",
        "submission",
        "commit",
        "release",
        "review",
        "datetime",
        "score",
        "max-score",
        "tests",
        "graded_at",
    ];

    fn written(environment: &dyn Fn(&str) -> Option<String>) -> Value {
        let manifest = "title = \"A\"\nchapter = \"chapter-01\"\n[[task]]\nid = \"1.1\"\ntitle = \"Lines\"\npoints = 100\n\
                        minutes = 10\nitems = [\"a\"]\nsection = \"chapter-01.md\"";
        let assignment = Assignment {
            dir: Default::default(),
            name: "01-blocking".to_owned(),
            number: "01".to_owned(),
            manifest: toml::from_str(manifest).unwrap(),
        };
        let grade = Grade {
            seed: 1,
            refusals: Vec::new(),
            errors: None,
            warnings: Vec::new(),
            tasks: vec![TaskGrade { place: 0, checks: Vec::new() }],
        };
        let graded = Graded { assignment: &assignment, grade: &grade, ignored: &[] };
        result(&graded, environment, "2026-06-01T14:32:01Z", "2026-06-01T14:33:11Z")
    }

    #[test]
    fn the_fields_are_those_of_the_schema_and_none_is_empty() {
        let result = written(&|_| None);
        let mut names: Vec<&str> = result.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = FIELDS;
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected);
        for name in FIELDS {
            assert_ne!(result[name], "", "{name}");
        }
        assert!(result["submission"].as_str().unwrap().starts_with("submit/"));
        let expected = json!([{ "test-name": "1.1 Lines", "passed": false, "score": 0, "max-score": 100,
            "failed-checks": [] }]);
        assert_eq!(result["tests"], expected);
    }

    #[test]
    fn what_the_runner_tells_is_handed_on() {
        let result = written(&|name| Some(format!("the {name}")));
        for (field, value) in [
            ("classroom", "the CLASSROOM"),
            ("assignment", "the ASSIGNMENT"),
            ("assignment_type", "the ASSIGNMENT_TYPE"),
            ("owner", "the OWNER"),
            ("submission", "the SUBMISSION_TAG"),
            ("commit", "the COMMIT_URL"),
            ("release", "the RELEASE_URL"),
            ("review", "the REVIEW_URL"),
            ("datetime", "2026-06-01T14:32:01Z"),
        ] {
            assert_eq!(result[field], value);
        }
    }

    #[test]
    fn an_instant_is_written_in_seconds() {
        let now = now();
        let form: String = now.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(form, "0000-00-00T00:00:00Z");
    }
}
