//! `{{#name argument}}`: how a page asks for text that is not typed by hand.

use std::ops::Range;

/// What opens an include.
pub(crate) const OPENING: &str = "{{#";

/// What shows [`OPENING`] in a page without meaning it.
pub(crate) const ESCAPED: &str = "\\{{#";

/// One include; it has its line for itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Directive<'p> {
    /// Counted from 1.
    pub(crate) line: usize,
    /// The line's bytes in the page, without its line break.
    pub(crate) range: Range<usize>,
    /// The blanks before it, which its text gets on every line: an include may stand in a list.
    pub(crate) indent: &'p str,
    pub(crate) name: &'p str,
    pub(crate) argument: &'p str,
}

/// The includes of a page, and the lines (from 1) with an opening that is none and is not escaped.
pub(crate) fn directives(page: &str) -> (Vec<Directive<'_>>, Vec<usize>) {
    let (mut found, mut leftovers) = (Vec::new(), Vec::new());
    let mut start = 0;
    for (index, line) in page.split('\n').enumerate() {
        if line.replace(ESCAPED, "").contains(OPENING) {
            match parse(line, start, index + 1) {
                Some(directive) => found.push(directive),
                None => leftovers.push(index + 1),
            }
        }
        start += line.len() + 1;
    }
    (found, leftovers)
}

fn parse(line: &str, start: usize, number: usize) -> Option<Directive<'_>> {
    let trimmed = line.trim();
    let inner = trimmed.strip_prefix(OPENING)?.strip_suffix("}}")?;
    if inner.contains(OPENING) || inner.contains("}}") {
        return None;
    }
    let (name, argument) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    let indent = &line[..line.len() - line.trim_start().len()];
    Some(Directive {
        line: number,
        range: start..start + line.len(),
        indent,
        name,
        argument: argument.trim(),
    })
}
