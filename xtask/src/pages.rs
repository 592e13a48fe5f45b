//! The book's source: `SUMMARY.md` and the pages that it lists.

use std::path::Path;

use anyhow::Result;

use crate::directive::directives;
use crate::finding::Finding;
use crate::include::{Preprocessor, expand};
use crate::markdown::Outline;
use crate::near;
use crate::source::line_of;
use crate::workspace::{Workspace, files_under};

/// Languages whose blocks show what was compiled or printed, so that no hand types them.
const NEVER_TYPED: [&str; 4] = ["rust", "rs", "text", "console"];

/// One page.
pub(crate) struct Page {
    /// From the book's `src`, with `/`, as `SUMMARY.md` names it.
    pub(crate) path: String,
    /// From the workspace root.
    pub(crate) file: String,
    pub(crate) text: String,
}

impl Page {
    /// What is wrong with its source.
    fn findings(&self, workspace: &Workspace) -> Vec<Finding> {
        let outline = Outline::of(&self.text);
        let mut findings =
            expand(workspace, &self.file, &self.text, Preprocessor::Item).err().unwrap_or_default();
        let at = |offset: usize, message: String| {
            Finding::at(&self.file, line_of(&self.text, offset), message)
        };
        for (reference, offset) in &outline.undefined {
            findings.push(at(
                *offset,
                format!("`{reference}` refers to a name that is defined nowhere on the page"),
            ));
        }
        for fence in &outline.fences {
            if NEVER_TYPED.contains(&fence.language.as_str())
                && is_typed(&self.text[fence.range.clone()])
            {
                let language = &fence.language;
                findings.push(at(
                    fence.range.start,
                    format!("a block of `{language}` is typed by hand; take it from a source"),
                ));
            }
        }
        findings
    }
}

/// Whether a fenced block holds anything but includes.
fn is_typed(block: &str) -> bool {
    let inner: Vec<&str> = block.lines().skip(1).filter(|line| !is_fence(line)).collect();
    let included = directives(&inner.join("\n")).0.len();
    included == 0 || inner.iter().filter(|line| !line.trim().is_empty()).count() > included
}

fn is_fence(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && (line.trim_matches('`').is_empty() || line.trim_matches('~').is_empty())
}

/// Reads the pages that `SUMMARY.md` lists, and says what is wrong with them.
///
/// # Errors
/// If a file cannot be read; a page that does not exist is a finding instead.
pub(crate) fn read(workspace: &Workspace) -> Result<(Vec<Page>, Vec<Finding>)> {
    let folder = workspace.book().join("src");
    let files = files_under(&folder)?;
    let existing: Vec<String> = files.iter().filter_map(|file| page_path(&folder, file)).collect();
    let summary = workspace.relative(&folder.join("SUMMARY.md"));
    let text = std::fs::read_to_string(folder.join("SUMMARY.md"))?;

    let (mut pages, mut findings) = (Vec::<Page>::new(), Vec::new());
    for (path, offset) in Outline::of(&text).links {
        let path = path.trim_start_matches("./");
        let line = line_of(&text, offset);
        if path.is_empty() {
            findings.push(Finding::at(&summary, line, "a chapter without a page"));
        } else if !existing.iter().any(|known| known == path) {
            let hint = near::hint(path, existing.iter().map(String::as_str));
            findings.push(Finding::at(&summary, line, format!("no page `{path}`{hint}")));
        } else {
            let file = folder.join(path);
            let text = std::fs::read_to_string(&file)?;
            pages.push(Page { path: path.to_owned(), file: workspace.relative(&file), text });
        }
    }
    for path in existing.iter().filter(|path| !pages.iter().any(|page| page.path == **path)) {
        findings.push(Finding::about(
            workspace.relative(&folder.join(path)),
            "SUMMARY.md does not list this page",
        ));
    }
    findings.extend(pages.iter().flat_map(|page| page.findings(workspace)));
    Ok((pages, findings))
}

fn page_path(folder: &Path, file: &Path) -> Option<String> {
    let path = file.strip_prefix(folder).ok()?.to_str()?.replace('\\', "/");
    (path.ends_with(".md") && path != "SUMMARY.md").then_some(path)
}
