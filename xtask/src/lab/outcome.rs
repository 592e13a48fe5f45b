//! How a check has ended.

use serde::Serialize;
use serde_json::Value;

/// The end of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// It came to the `todo!` of this task.
    NotWritten(String),
    Failed(Story),
}

/// Why a check has failed, as package `grading` tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Story {
    pub(crate) steps: Vec<String>,
    pub(crate) expected: String,
    pub(crate) came: String,
    pub(crate) events: Vec<String>,
    /// What the server's threads were doing: the one part that may differ from run to run.
    pub(crate) threads: Vec<String>,
    pub(crate) why: String,
}

impl Outcome {
    pub(crate) fn passed(&self) -> bool {
        *self == Self::Passed
    }

    /// The outcome that the check's process has written.
    pub(crate) fn from_answer(answer: &Value) -> Option<Self> {
        let more = &answer["more"];
        match answer["outcome"].as_str()? {
            "passed" => Some(Self::Passed),
            "not written" => Some(Self::NotWritten(more.as_str()?.to_owned())),
            "failed" => Some(Self::Failed(Story::from_json(more))),
            _ => None,
        }
    }

    /// The outcome of a check that did not end by itself, or ended too early.
    pub(crate) fn ended(came: impl Into<String>, why: &str) -> Self {
        Self::Failed(Story {
            expected: "the check comes to its end".to_owned(),
            came: came.into(),
            why: why.to_owned(),
            ..Story::default()
        })
    }
}

impl Story {
    fn from_json(story: &Value) -> Self {
        let text = |key: &str| story[key].as_str().unwrap_or_default().to_owned();
        let list = |key: &str| {
            let values = story[key].as_array().into_iter().flatten();
            values.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            steps: list("steps"),
            expected: text("expected"),
            came: text("came"),
            events: list("events"),
            threads: list("threads"),
            why: text("why"),
        }
    }
}
