//! Pieces of the book's pages.

use super::anchor;
use super::manifest::{Assignment, Task};

/// `text` for HTML: escaped, and what stands between backticks as code.
pub(crate) fn html(text: &str) -> String {
    let escaped =
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let parts = escaped.split('`').enumerate();
    let part = |(place, part): (usize, &str)| {
        if place % 2 == 0 { part.to_owned() } else { format!("<code>{part}</code>") }
    };
    parts.map(part).collect()
}

/// The task's number and title, leading to its place in the brief.
pub(crate) fn anchored(assignment: &Assignment, task: &Task) -> String {
    let heading = format!("{} {}", task.id, task.title);
    format!("[{heading}](assignment-{}.md#{})", assignment.number, anchor::id(&heading))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_become_code_and_the_rest_is_escaped() {
        assert_eq!(html("a `\\r` < b"), "a <code>\\r</code> &lt; b");
        assert_eq!(html("`Vec<u8>`"), "<code>Vec&lt;u8&gt;</code>");
    }
}
