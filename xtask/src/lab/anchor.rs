//! `chapter-01.md#bytes-not-messages`: a heading in the book.

use std::fs;

use anyhow::{Context, Result};

use crate::near;
use crate::workspace::Workspace;

/// The heading that `section` leads to, for a reader: `One client at a time, "Bytes, not messages"`.
///
/// # Errors
/// If there is no such page, or no such heading on it.
pub(crate) fn title(workspace: &Workspace, section: &str) -> Result<String> {
    let (page, anchor) = section.split_once('#').unwrap_or((section, ""));
    let text = fs::read_to_string(workspace.book().join("src").join(page))
        .with_context(|| format!("the book has no page `{page}`"))?;
    let headings: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim())
        .collect();
    let first = headings.first().copied().unwrap_or(page);
    if anchor.is_empty() {
        return Ok(first.to_owned());
    }
    let ids: Vec<String> = headings.iter().map(|heading| id(heading)).collect();
    let place = ids.iter().position(|id| id == anchor).with_context(|| {
        format!(
            "{page} has no heading `{anchor}`{}",
            near::hint(anchor, ids.iter().map(String::as_str))
        )
    })?;
    Ok(format!("{first}, \"{}\"", headings[place]))
}

/// The anchor that mdbook gives a heading.
pub(crate) fn id(heading: &str) -> String {
    let kept = |c: char| match c {
        ' ' => Some('-'),
        '_' | '-' => Some(c),
        _ => c.is_alphanumeric().then(|| c.to_ascii_lowercase()),
    };
    heading.chars().filter_map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_what_mdbook_makes_of_a_heading() {
        assert_eq!(id("Bytes, not messages"), "bytes-not-messages");
        assert_eq!(id("`accept` and SO_REUSEADDR"), "accept-and-so_reuseaddr");
    }
}
