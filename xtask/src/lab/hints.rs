//! `hints.md`: for each task a question, a pointer, and almost the code.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::anchor::Section;
use super::manifest::Assignment;
use crate::near;
use crate::workspace::Workspace;

/// How many hints a task has.
pub(crate) const COUNT: usize = 3;

/// Stands before the second line of a section's name.
const INDENT: &str = "        ";

/// What the three are, in their order: their headings in the file.
const KINDS: [&str; COUNT] = ["A question", "A pointer", "Almost the code"];

/// The hints of the task at `place`, for a terminal: under each stand the sections of the book that it leads to.
///
/// # Errors
/// If the file does not have its three, or leads to a section that is not there; the error names the task.
pub(crate) fn of(
    workspace: &Workspace,
    assignment: &Assignment,
    place: usize,
) -> Result<[String; COUNT]> {
    let text = fs::read_to_string(assignment.dir.join("hints.md"))
        .with_context(|| format!("assignment {} has no hints.md", assignment.number))?;
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
    let mut texts = Vec::new();
    for (heading, text) in hints {
        let (text, links) = without_links(text.trim());
        let mut text = format!("{heading}\n\n{text}\n");
        for (number, link) in links.iter().enumerate() {
            let section =
                Section::of(workspace, link).with_context(|| format!("hints.md: {id}"))?;
            let blank = if number == 0 { "\n" } else { "" };
            text.push_str(&format!("{blank}  read  {}", section.lines(INDENT)));
        }
        texts.push(text);
    }
    let mut texts = texts.into_iter();
    Ok(std::array::from_fn(|_| texts.next().unwrap_or_default()))
}

/// `text` with `words` in the place of each `[words](chapter-01.md#section)`, and where these lead.
fn without_links(text: &str) -> (String, Vec<String>) {
    const MIDDLE: &str = "](chapter-";
    let (mut plain, mut links) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(middle) = rest.find(MIDDLE) {
        let (before, behind) = rest.split_at(middle);
        let (Some(start), Some(end)) = (before.rfind('['), behind.find(')')) else { break };
        plain.push_str(&before[..start]);
        plain.push_str(&before[start + 1..]);
        let link = behind["](".len()..end].to_owned();
        if !links.contains(&link) {
            links.push(link);
        }
        rest = &behind[end + 1..];
    }
    (plain + rest, links)
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
    fn links_become_their_words() {
        let text = "See [A \"b\"](chapter-01.md#a-b) and\n[c\nd](chapter-02.md), or [A](chapter-01.md#a-b): `x[0]`.";
        let (plain, links) = without_links(text);
        assert_eq!(plain, "See A \"b\" and\nc\nd, or A: `x[0]`.");
        assert_eq!(links, ["chapter-01.md#a-b", "chapter-02.md"]);
    }

    #[test]
    fn a_heading_in_code_is_none() {
        let text = "intro\n## 1.1\na\n```\n## no\n```\n## 1.2\nb\n";
        let expected = [("1.1", "a\n```\n## no\n```\n"), ("1.2", "b\n")];
        let expected = expected.map(|(heading, text)| (heading.to_owned(), text.to_owned()));
        assert_eq!(sections(text, "## "), expected);
    }
}
