//! What the terminal and the book show of the results.

mod budgets;
mod charts;
mod tables;

pub use budgets::budgets;

use crate::results::{Results, book};
use crate::server::Server;
use crate::tool::Measured;
use std::fs;
use std::path::PathBuf;

/// A file of the book: a part of a page, in Markdown, or a chart.
#[derive(Debug)]
pub struct Page {
    /// Its name, with `.md` or `.svg`.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

impl Page {
    fn table(name: &str, text: String) -> Page {
        Page { name: format!("{name}.md"), text }
    }

    /// Where the book looks for it.
    pub fn path(&self) -> PathBuf {
        let picture = self.name.ends_with(".svg");
        book().join(if picture { "src/pictures" } else { "measured" }).join(&self.name)
    }

    /// Puts it there.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self) -> std::io::Result<()> {
        fs::write(self.path(), &self.text)
    }
}

/// Everything for the book.
pub fn pages(results: &Results) -> Vec<Page> {
    let mut pages = vec![tables::idle("chapter-02-idle", results)];
    let chapters: [(_, &[Server]); 4] = [
        ("chapter-03", &Server::CHAPTER_03),
        ("chapter-04", &Server::CHAPTER_04),
        ("chapter-05", &Server::CHAPTER_05),
        ("chapter-06", &Server::CHAPTER_06),
    ];
    for (chapter, servers) in chapters {
        pages.extend(of_servers(chapter, servers, results));
    }
    pages.extend(of_servers("costs", &Server::ALL, results));
    pages.push(tables::micro("costs-micro", results));
    pages.push(Page::table("costs-budgets", budgets(results).to_string()));
    pages.extend(
        charts::all(results)
            .iter()
            .map(|chart| Page { name: format!("{}.svg", chart.name), text: chart.svg() }),
    );
    pages
}

/// For the terminal: all servers in each table.
pub fn terminal(results: &Results) -> String {
    let pages = [tables::idle("chapter-02-idle", results)]
        .into_iter()
        .chain(of_servers("costs", &Server::ALL, results))
        .chain([tables::micro("costs-micro", results)]);
    let texts: Vec<_> = pages.map(|page| page.text).collect();
    let left_out: String = results.left_out.iter().map(|line| format!("\n{line}")).collect();
    format!("{}\n{}{left_out}", texts.join("\n"), budgets(results))
}

/// The micro-measures alone, for the terminal.
pub fn micro(micro: &crate::micro::Micro) -> String {
    tables::micro_table(micro)
}

fn of_servers(prefix: &str, servers: &[Server], results: &Results) -> [Page; 4] {
    let rows = results.of_all(servers);
    let name = |what: &str| format!("{prefix}-{what}");
    [
        tables::calls(&name("calls"), &rows, results),
        tables::pace(&name("pace"), &rows, results),
        tables::crowd(&name("crowd"), &rows, results),
        tables::cost(&name("cost"), &rows, results),
    ]
}

fn cell(measured: &Measured<f64>, digits: usize) -> String {
    measured.as_ref().map_or_else(String::clone, |value| format!("{value:.digits$}"))
}

/// A whole number with a comma after each group of three digits.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_missing_says_why() {
        assert_eq!(cell(&Ok(3.004), 2), "3.00");
        assert_eq!(
            cell(&Err("not measured: strace is missing".to_owned()), 2),
            "not measured: strace is missing"
        );
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            [7.0, 999.0, 1000.0, 1_234_567.0].map(thousands),
            ["7", "999", "1,000", "1,234,567"]
        );
    }
}
