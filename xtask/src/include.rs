//! Replaces the includes of a page by what they name.

use anyhow::{Result, bail};

use crate::directive::{Directive, ESCAPED, OPENING, directives};
use crate::finding::Finding;
use crate::markdown::{Fence, Outline};
use crate::workspace::Workspace;
use crate::{contract, item, lab, near, picture, snap};

/// The names of all includes but those of the assignments.
const NAMES: [&str; 5] = ["item", "measured", "picture", "rules", "snap"];

/// One of the two preprocessors: which includes it replaces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preprocessor {
    /// Pieces of source code. Runs last, so that nothing takes a piece of code for an include.
    Item,
    /// What tests, measurements, pictures, the contract and the assignments say.
    Snap,
}

impl Preprocessor {
    /// Its name in `book.toml` and on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Item => "item",
            Self::Snap => "snap",
        }
    }

    fn replaces(self, include: &str) -> bool {
        (include == "item") == (self == Self::Item)
    }
}

/// `text`, the source of the page `file`, with the includes of `preprocessor` replaced.
///
/// Every include is resolved, also those of the other preprocessor: whichever runs first reports all that is wrong, while
/// the lines that it names are still those of the author's file.
///
/// # Errors
/// A finding for each include that names nothing, and for each opening that is no include.
pub(crate) fn expand(
    workspace: &Workspace,
    file: &str,
    text: &str,
    preprocessor: Preprocessor,
) -> Result<String, Vec<Finding>> {
    let outline = Outline::of(text);
    let (directives, leftovers) = directives(text);
    let mut findings: Vec<Finding> = leftovers
        .into_iter()
        .map(|line| {
            Finding::at(
                file,
                line,
                format!("`{OPENING}` is left over: an include has its line for itself and ends with `}}}}`"),
            )
        })
        .collect();
    let mut expanded = String::new();
    let mut copied = 0;
    for directive in &directives {
        match resolve(workspace, directive, outline.fence_at(directive.range.start), text) {
            Ok(included) if preprocessor.replaces(directive.name) => {
                expanded.push_str(&text[copied..directive.range.start]);
                expanded.push_str(&indented(&included, directive.indent));
                copied = directive.range.end;
            }
            Ok(_) => {}
            Err(error) => findings.push(Finding::at(file, directive.line, format!("{error:#}"))),
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    expanded.push_str(&text[copied..]);
    Ok(if preprocessor == Preprocessor::Item {
        expanded.replace(ESCAPED, OPENING)
    } else {
        expanded
    })
}

fn resolve(
    workspace: &Workspace,
    directive: &Directive<'_>,
    fence: Option<&Fence>,
    page: &str,
) -> Result<String> {
    let Directive { name, argument, .. } = directive;
    let included = match *name {
        name if lab::INCLUDES.contains(&name) => lab::include(workspace, name, argument)?,
        "item" => item::listing(workspace, argument)?,
        "measured" => snap::measured(workspace, argument)?,
        "picture" => picture::figure(workspace, argument)?,
        "rules" => contract::table(workspace, argument)?,
        "snap" => snap::body(workspace, argument)?,
        other => bail!(
            "no include is called `{other}`{}",
            near::hint(other, NAMES.into_iter().chain(lab::INCLUDES))
        ),
    };
    if included.contains(OPENING) {
        bail!(
            "the text of `{name} {argument}` holds `{OPENING}` itself, which would be taken for a leftover"
        );
    }
    if let Some(fence) = fence {
        if *name != "snap" {
            bail!("`{name}` brings its own markup: take the fence around it away");
        }
        stays_inside(&included, &page[fence.range.clone()])?;
    }
    Ok(included)
}

/// A line of backticks in a snapshot would end the block around it.
fn stays_inside(included: &str, block: &str) -> Result<()> {
    let marker = if block.starts_with('~') { '~' } else { '`' };
    let run = |line: &str| line.trim_start().chars().take_while(|&c| c == marker).count();
    let fence = run(block);
    if included
        .lines()
        .any(|line| run(line) >= fence && line.trim().trim_matches(marker).is_empty())
    {
        bail!(
            "the snapshot has a line of {fence} or more `{marker}`: make the fence around it longer"
        );
    }
    Ok(())
}

fn indented(text: &str, indent: &str) -> String {
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("{indent}{line}") };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
