//! `chapter-01.md#bytes-not-messages`: a heading in the book.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::near;
use crate::workspace::Workspace;

/// A page of the book, or a section of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// The page's title.
    pub(crate) page: String,
    /// The heading; none for the whole page.
    pub(crate) heading: Option<String>,
    /// `chapter-01.md`
    file: String,
    anchor: String,
}

impl Section {
    /// The section that `link` leads to.
    ///
    /// # Errors
    /// If there is no such page, or no such heading on it.
    pub(crate) fn of(workspace: &Workspace, link: &str) -> Result<Self> {
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let text = fs::read_to_string(workspace.book().join("src").join(file))
            .with_context(|| format!("the book has no page `{file}`"))?;
        let headings: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| line.trim_start_matches('#').trim())
            .collect();
        let page = headings.first().copied().unwrap_or(file).to_owned();
        let ids: Vec<String> = headings.iter().map(|heading| id(heading)).collect();
        let place = ids.iter().position(|id| id == anchor);
        if place.is_none() && !anchor.is_empty() {
            let near = near::hint(anchor, ids.iter().map(String::as_str));
            bail!("{file} has no heading `{anchor}`{near}");
        }
        // The first one is the page's title.
        let heading = place.filter(|place| *place > 0).map(|place| headings[place].to_owned());
        Ok(Self { page, heading, file: file.to_owned(), anchor: anchor.to_owned() })
    }

    /// For a terminal: its name as the book shows it, and in the next line where it can be read. `indent` stands before the second.
    pub(crate) fn lines(&self, indent: &str) -> String {
        let heading = self.heading.iter().map(|heading| format!(" > {heading}"));
        let heading: String = heading.collect();
        format!("{}{heading}\n{indent}{}\n", self.page, self.address())
    }

    /// Its address where the book is served.
    #[cfg(feature = "author")]
    fn address(&self) -> String {
        let page = self.file.trim_end_matches(".md");
        let anchor = self.anchor();
        format!("http://{}/{page}.html{anchor}, by `cargo x book serve`", crate::serve::ADDRESS)
    }

    /// Its file: a student's repository has nothing but the text of the pages.
    #[cfg(not(feature = "author"))]
    fn address(&self) -> String {
        format!("book/src/{}{}", self.file, self.anchor())
    }

    fn anchor(&self) -> String {
        if self.anchor.is_empty() { String::new() } else { format!("#{}", self.anchor) }
    }
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
