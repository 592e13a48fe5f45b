use serde_json::{Value, json};

/// How a check ends: it is content, or it has something to tell.
pub type Verdict = Result<(), Box<Story>>;

/// Why a check is not content, in the words of the matter: never an assertion, never a back-trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// What was done, in its order; the oldest steps of a long story are left out.
    pub steps: Vec<String>,
    /// What should have come of the last of them.
    pub expected: String,
    /// What came instead.
    pub came: String,
    /// The last things that the server or the loop has done, where the check observes them.
    pub events: Vec<String>,
    /// What the server's threads were doing at the end. It is measured, and the one part of a story
    /// that may differ from run to run.
    pub threads: Vec<String>,
    /// Why it matters: the fact of the matter that was overlooked.
    pub why: String,
}

impl Story {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "steps": self.steps,
            "expected": self.expected,
            "came": self.came,
            "events": self.events,
            "threads": self.threads,
            "why": self.why,
        })
    }
}
