//! A page of the book for a student's repository: what it says, without the listings, outputs and pictures that it shows.

use super::splice::{Splice, spliced};
use crate::directive::directives;

/// Stands under the title.
const NOTE: &str = "*The text of a page of the book. Its listings are in the sources, those that are yours to write excepted; its outputs and pictures are left out.*";

/// `page`, the source of a page, with each include replaced by the name of what it shows.
pub(crate) fn of(page: &str) -> String {
    let (directives, _) = directives(page);
    let named = |directive: &crate::directive::Directive<'_>| {
        format!("{}({}: {})", directive.indent, directive.name, directive.argument)
    };
    let mut splices: Vec<Splice> = directives
        .iter()
        .map(|directive| Splice { range: directive.range.clone(), text: named(directive) })
        .collect();
    if let Some(end) = page.starts_with("# ").then(|| page.find('\n')).flatten() {
        splices.push(Splice { range: end..end, text: format!("\n\n{NOTE}") });
    }
    spliced(page, splices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_includes_is_named() {
        let page = "# Title\n\nText.\n\n{{#item chapter_01::serve::serve nodoc}}\n";
        let expected =
            format!("# Title\n\n{NOTE}\n\nText.\n\n(item: chapter_01::serve::serve nodoc)\n");
        assert_eq!(of(page), expected);
    }
}
