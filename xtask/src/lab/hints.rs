//! `hints.md`: for each task a question, a pointer, and almost the code.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::manifest::Assignment;
use crate::near;

/// How many hints a task has.
pub(crate) const COUNT: usize = 3;

/// What the three are, in their order: their headings in the file.
const KINDS: [&str; COUNT] = ["A question", "A pointer", "Almost the code"];

/// The hints of the task at `place`, for a terminal: links to the book are paths from the workspace's root.
///
/// # Errors
/// If the file does not have its three; the error names the task.
pub(crate) fn of(assignment: &Assignment, place: usize) -> Result<[String; COUNT]> {
    let text = fs::read_to_string(assignment.dir.join("hints.md"))
        .with_context(|| format!("assignment {} has no hints.md", assignment.number))?
        .replace("](chapter-", "](book/src/chapter-");
    let id = &assignment.manifest.tasks[place].id;
    let tasks = sections(&text, "## ");
    let ids = tasks.iter().map(|(heading, _)| heading.as_str());
    let (_, section) = tasks.iter().find(|(heading, _)| heading == id).with_context(|| {
        format!(
            "hints.md of assignment {} has no `## {id}`{}",
            assignment.number,
            near::hint(id, ids)
        )
    })?;
    let hints = sections(section, "### ");
    let kinds: Vec<&str> = hints.iter().map(|(heading, _)| heading.as_str()).collect();
    ensure!(
        kinds == KINDS,
        "hints.md: `## {id}` has the parts {kinds:?}, and should have {KINDS:?}"
    );
    let mut texts =
        hints.into_iter().map(|(heading, text)| format!("{heading}\n\n{}\n", text.trim()));
    Ok(std::array::from_fn(|_| texts.next().unwrap_or_default()))
}

/// The parts of `text` under headings that begin with `marker`; lines in fenced code are no headings.
fn sections(text: &str, marker: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        in_code ^= line.starts_with("```");
        match line.strip_prefix(marker) {
            Some(heading) if !in_code => sections.push((heading.trim().to_owned(), String::new())),
            _ => {
                if let Some((_, text)) = sections.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_in_code_is_none() {
        let text = "intro\n## 1.1\na\n```\n## no\n```\n## 1.2\nb\n";
        let expected = [("1.1", "a\n```\n## no\n```\n"), ("1.2", "b\n")];
        let expected = expected.map(|(heading, text)| (heading.to_owned(), text.to_owned()));
        assert_eq!(sections(text, "## "), expected);
    }
}
