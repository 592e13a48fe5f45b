//! Checks the finished pages: every link leads somewhere, and nothing is loaded from elsewhere.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, Result};
use percent_encoding::percent_decode_str;
use regex::Regex;

use crate::directive::{ESCAPED, OPENING};
use crate::finding::Finding;
use crate::html::{self, css_references};
use crate::markdown::Outline;
use crate::pages::Page;
use crate::source::line_of;
use crate::workspace::files_under;

/// Pages that mdbook makes out of the others: their own parts are checked there.
const DERIVED: [&str; 2] = ["404.html", "print.html"];

/// What is wrong with the book in `dest`, which was built from `pages`.
///
/// # Errors
/// If a file cannot be read.
pub(crate) fn findings(dest: &Path, pages: &[Page]) -> Result<Vec<Finding>> {
    let output = Output::read(dest, pages)?;
    let mut findings = Vec::new();
    for (path, page) in &output.pages {
        output.check_page(path, page, &mut findings);
    }
    for (path, css) in &output.style_sheets {
        for target in css_references(css) {
            if let Err(fault) = output.check_loaded(path, target) {
                findings.push(Finding::about(path, fault));
            }
        }
    }
    Ok(findings)
}

/// All that was built, by path from the destination.
struct Output<'b> {
    files: HashSet<String>,
    pages: BTreeMap<String, html::Page>,
    style_sheets: BTreeMap<String, String>,
    sources: BTreeMap<String, &'b Page>,
}

impl<'b> Output<'b> {
    fn read(dest: &Path, sources: &'b [Page]) -> Result<Self> {
        let mut output = Self {
            files: HashSet::new(),
            pages: BTreeMap::new(),
            style_sheets: BTreeMap::new(),
            sources: BTreeMap::new(),
        };
        for file in files_under(dest)? {
            let path =
                file.strip_prefix(dest).unwrap_or(&file).display().to_string().replace('\\', "/");
            let read = || {
                std::fs::read_to_string(&file)
                    .with_context(|| format!("{} cannot be read", file.display()))
            };
            if path.ends_with(".html") {
                output.pages.insert(path.clone(), html::Page::parse(&read()?));
            } else if path.ends_with(".css") {
                output.style_sheets.insert(path.clone(), read()?);
            }
            output.files.insert(path);
        }
        // mdbook shows the first page as index.html once more.
        output.sources.extend(sources.first().map(|first| ("index.html".to_owned(), first)));
        output.sources.extend(sources.iter().map(|page| (rendered(&page.path), page)));
        Ok(output)
    }

    fn check_page(&self, path: &str, page: &html::Page, findings: &mut Vec<Finding>) {
        let derived = DERIVED.contains(&path);
        for element in &page.elements {
            for target in element.references() {
                let checked = match (element.loads(), derived) {
                    (true, false) => self.check_loaded(path, target),
                    (false, false) => self.check_link(path, target),
                    // `404.html` names the site's root as its base, which loads nothing.
                    (true, true) if element.name != "base" => local(target),
                    (_, true) => Ok(()),
                };
                findings.extend(checked.err().map(|fault| self.finding(path, target, fault)));
            }
            for target in element.style_references() {
                findings.extend(
                    self.check_loaded(path, target).err().map(|fault| Finding::about(path, fault)),
                );
            }
            if element
                .attribute("class")
                .is_some_and(|class| class.split_whitespace().any(|name| name == "playground"))
            {
                findings.push(Finding::about(
                    path,
                    "a block asks play.rust-lang.org; book.toml must say `runnable = false`",
                ));
            }
        }
        if !derived {
            self.check_ids(path, page, findings);
            self.check_leftovers(path, page, findings);
        }
    }

    fn check_ids(&self, path: &str, page: &html::Page, findings: &mut Vec<Finding>) {
        let mut seen = HashSet::new();
        for id in page.ids() {
            if !seen.insert(id) {
                findings
                    .push(Finding::about(path, format!("the id `{id}` stands twice on the page")));
            }
        }
    }

    /// What an author escaped is shown; anything beyond that is an include that nobody replaced.
    fn check_leftovers(&self, path: &str, page: &html::Page, findings: &mut Vec<Finding>) {
        let Some(source) = self.sources.get(path) else { return };
        let shown: usize =
            page.elements.iter().map(|element| element.text.matches(OPENING).count()).sum();
        if shown > source.text.matches(ESCAPED).count() {
            findings.push(Finding::about(
                &source.file,
                format!("`{OPENING}` is left in the rendered page {path}"),
            ));
        }
    }

    /// Something that a browser fetches to show the page.
    fn check_loaded(&self, page: &str, target: &str) -> Result<(), String> {
        local(target)?;
        if target.starts_with("data:") { Ok(()) } else { self.check_target(page, target) }
    }

    /// Something that the reader may follow.
    fn check_link(&self, page: &str, target: &str) -> Result<(), String> {
        static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(
                r"^(https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:\d+)?([/?#]\S*)?|mailto:\S+@\S+)$",
            )
            .expect("the pattern is constant and was tried")
        });
        if ADDRESS.is_match(target) {
            return Ok(());
        }
        match local(target) {
            Ok(()) => self.check_target(page, target),
            Err(_) => Err(format!("`{target}` is no valid address")),
        }
    }

    fn check_target(&self, page: &str, target: &str) -> Result<(), String> {
        let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
        let path = path.split('?').next().unwrap_or_default();
        let file = if path.is_empty() {
            Some(page.to_owned())
        } else {
            join(page, path).map(|file| {
                if self.files.contains(&file) { file } else { format!("{file}/index.html") }
            })
        };
        let Some(file) = file.filter(|file| self.files.contains(file)) else {
            return Err(format!("`{target}` leads to no page or file"));
        };
        match self.pages.get(&file) {
            Some(page)
                if !fragment.is_empty() && !page.ids().any(|id| *id == *decoded(fragment)) =>
            {
                Err(format!("`{target}` leads to no heading or id of {file}"))
            }
            _ => Ok(()),
        }
    }

    /// Names the line of the source, if the link is written there.
    fn finding(&self, path: &str, target: &str, fault: String) -> Finding {
        let Some(source) = self.sources.get(path) else { return Finding::about(path, fault) };
        let links = Outline::of(&source.text).links;
        match links.iter().find(|(written, _)| rendered(written) == target) {
            Some((_, offset)) => Finding::at(&source.file, line_of(&source.text, *offset), fault),
            None => Finding::about(&source.file, fault),
        }
    }
}

/// What mdbook makes of a link to a page, or of a page's path.
fn rendered(link: &str) -> String {
    let (path, fragment) =
        link.split_once('#').map_or((link, None), |(path, fragment)| (path, Some(fragment)));
    let path = match path.strip_suffix(".md") {
        Some(page) if page == "README" || page.ends_with("/README") => {
            format!("{}index.html", page.trim_end_matches("README"))
        }
        Some(page) => format!("{page}.html"),
        None => path.to_owned(),
    };
    fragment.map_or(path.clone(), |fragment| format!("{path}#{fragment}"))
}

/// Fails for a target with a scheme or a host; `data:` holds what it names.
fn local(target: &str) -> Result<(), String> {
    let scheme = target.split(['/', '#', '?']).next().unwrap_or_default().contains(':');
    let elsewhere = target.starts_with('/') || scheme && !target.starts_with("data:");
    if elsewhere {
        Err(format!("`{target}` would be loaded from outside of the book"))
    } else {
        Ok(())
    }
}

/// The path, from the destination, of `link` on `page`; none if it leaves the book.
fn join(page: &str, link: &str) -> Option<String> {
    let mut path = PathBuf::from(page);
    path.pop();
    for part in Path::new(&*decoded(link)).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir if path.pop() => {}
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(path.display().to_string().replace('\\', "/"))
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}
