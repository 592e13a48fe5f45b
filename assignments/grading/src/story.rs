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

/// The longest text of a story, in characters: what is graded may write any.
const TEXT_MAX: usize = 2000;

/// `text` as it may be shown on a terminal: not too long, and without characters that steer it.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(TEXT_MAX) {
        if c.is_control() && c != '\n' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if text.chars().nth(TEXT_MAX).is_some() {
        shown.push_str(" ...");
    }
    shown
}

impl Story {
    pub(crate) fn to_json(&self) -> Value {
        let all = |texts: &[String]| texts.iter().map(|text| printable(text)).collect::<Vec<_>>();
        json!({
            "steps": all(&self.steps),
            "expected": printable(&self.expected),
            "came": printable(&self.came),
            "events": all(&self.events),
            "threads": all(&self.threads),
            "why": printable(&self.why),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_neither_endless_nor_does_it_steer_a_terminal() {
        let came = format!("\u{1b}[2J{}", "x".repeat(TEXT_MAX));
        let events = vec!["a\0\nb".to_owned()];
        let story = Story { came, events, ..Story::default() }.to_json();
        let came = story["came"].as_str().unwrap();
        assert!(came.starts_with("\\u{1b}[2Jxxx") && came.ends_with("xxx ..."), "{came}");
        assert_eq!(story["events"][0], "a\\u{0}\nb");
    }
}
