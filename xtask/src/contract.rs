//! `tests/CONTRACT.md` beside the tests that cite its rules.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::citations::{self, Citation};
use crate::finding::{Finding, fail_on};
use crate::workspace::Workspace;
use crate::{near, say};

/// Where the rules stand, from the workspace root.
const FILE: &str = "tests/CONTRACT.md";

/// All rules.
struct Contract {
    groups: Vec<Group>,
}

/// The rules about one thing.
struct Group {
    /// Two letters.
    name: String,
    title: String,
    /// The numbers of the chapters that teach it.
    chapters: Vec<String>,
    /// Whether each of its core rules must be cited.
    finished: bool,
    rules: Vec<Rule>,
}

struct Rule {
    id: String,
    text: String,
    tier: Tier,
    /// In [`FILE`], from 1.
    line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tier {
    Core,
    Extended,
    Extra,
}

/// Prints each rule with the tests that cite it, as text or as Markdown.
///
/// # Errors
/// After printing, if no test cites a core rule of a finished group, or if a test cites a rule that does not exist.
pub(crate) fn run(workspace: &Workspace, markdown: bool) -> Result<()> {
    let contract = Contract::read(workspace)?;
    let citations = citations::of(workspace)?;
    let tests = by_rule(&citations);
    for group in &contract.groups {
        let text = if markdown { group.section(&tests) } else { group.listing(&tests) };
        say::print(format!("{text}\n"))?;
    }
    fail_on(contract.findings(workspace, &citations))
}

/// The Markdown table of the group `name`.
///
/// # Errors
/// If there is no such group.
pub(crate) fn table(workspace: &Workspace, name: &str) -> Result<String> {
    let contract = Contract::read(workspace)?;
    let Some(group) = contract.groups.iter().find(|group| group.name == name) else {
        bail!(
            "no group `{name}`{}",
            near::hint(name, contract.groups.iter().map(|group| group.name.as_str()))
        );
    };
    Ok(group.table(&by_rule(&citations::of(workspace)?)))
}

type Tests<'c> = BTreeMap<&'c str, Vec<&'c str>>;

fn by_rule(citations: &[Citation]) -> Tests<'_> {
    let mut tests = Tests::new();
    for citation in citations {
        tests.entry(&citation.rule).or_default().push(&citation.test);
    }
    tests
}

impl Contract {
    fn read(workspace: &Workspace) -> Result<Self> {
        let text = std::fs::read_to_string(workspace.root.join(FILE))
            .with_context(|| format!("{FILE} cannot be read"))?;
        Self::parse(&text)
    }

    /// Reads the headings `## SK: title`, the lines `chapters:` below them, the line `finished:` above all of them, and
    /// the tables' rows.
    fn parse(text: &str) -> Result<Self> {
        let mut groups: Vec<Group> = Vec::new();
        let mut finished: Vec<&str> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            if let Some(names) = line.strip_prefix("finished:") {
                finished = names.split_whitespace().collect();
            } else if let Some(heading) = line.strip_prefix("## ") {
                groups.push(
                    Group::headed(heading)
                        .with_context(|| format!("{FILE}:{line_number}: no `## NAME: title`"))?,
                );
            } else if let Some(group) = groups.last_mut() {
                group.take(line, line_number).with_context(|| format!("{FILE}:{line_number}"))?;
            }
        }
        if let Some(unknown) =
            finished.iter().find(|name| !groups.iter().any(|group| group.name == **name))
        {
            bail!("{FILE}: the finished group `{unknown}` does not exist");
        }
        for group in &mut groups {
            group.finished = finished.contains(&group.name.as_str());
        }
        Ok(Self { groups })
    }

    fn findings(&self, workspace: &Workspace, citations: &[Citation]) -> Vec<Finding> {
        let tests = by_rule(citations);
        let rules = || self.groups.iter().flat_map(|group| &group.rules);
        let mut findings = Vec::new();
        for group in self.groups.iter().filter(|group| group.finished) {
            for chapter in group.chapters.iter().filter(|number| !is_chapter(workspace, number)) {
                findings.push(Finding::about(
                    FILE,
                    format!("{} is called finished without chapter {chapter}", group.name),
                ));
            }
            let core = group.rules.iter().filter(|rule| rule.tier == Tier::Core);
            for rule in core.filter(|rule| !tests.contains_key(rule.id.as_str())) {
                findings.push(Finding::at(
                    FILE,
                    rule.line,
                    format!("no test cites {}: {}", rule.id, rule.text),
                ));
            }
        }
        for citation in
            citations.iter().filter(|citation| !rules().any(|rule| rule.id == citation.rule))
        {
            let hint = near::hint(&citation.rule, rules().map(|rule| rule.id.as_str()));
            let message =
                format!("{} cites {}, which is no rule{hint}", citation.test, citation.rule);
            findings.push(Finding::at(&citation.file, citation.line, message));
        }
        findings
    }
}

/// Whether the package of the chapter with this number exists.
fn is_chapter(workspace: &Workspace, number: &str) -> bool {
    workspace.packages.iter().any(|package| package.crate_name == format!("chapter_{number}"))
}

impl Group {
    fn headed(heading: &str) -> Option<Self> {
        let (name, title) = heading.split_once(": ")?;
        Some(Self {
            name: name.to_owned(),
            title: title.to_owned(),
            chapters: Vec::new(),
            finished: false,
            rules: Vec::new(),
        })
    }

    fn take(&mut self, line: &str, number: usize) -> Result<()> {
        if let Some(chapters) = line.strip_prefix("chapters:") {
            self.chapters = chapters.split_whitespace().map(str::to_owned).collect();
        } else if line.starts_with(&format!("| {}-", self.name)) {
            let rule = Rule::parse(line, number)?;
            if self.rules.iter().any(|known| known.id == rule.id) {
                bail!("{} stands twice", rule.id);
            }
            self.rules.push(rule);
        } else if line.starts_with('|') && !line.starts_with("| id |") && !line.starts_with("|--") {
            bail!("a row that is no rule of {}", self.name);
        }
        Ok(())
    }

    fn listing(&self, tests: &Tests<'_>) -> String {
        let state = if self.finished { "" } else { " (not finished)" };
        let mut text =
            format!("{} {}, chapters {}{state}\n", self.name, self.title, self.chapters.join(" "));
        for rule in &self.rules {
            let cited = tests.get(rule.id.as_str()).map(Vec::as_slice).unwrap_or_default();
            if cited.is_empty() && rule.tier != Tier::Core {
                continue;
            }
            let none = if cited.is_empty() { ": no test" } else { "" };
            text.push_str(&format!("  {} {}{none}\n", rule.id, rule.tier.letter()));
            cited.iter().for_each(|test| text.push_str(&format!("      {test}\n")));
        }
        text
    }

    fn section(&self, tests: &Tests<'_>) -> String {
        format!("## {}: {}\n\n{}\n", self.name, self.title, self.table(tests))
    }

    fn table(&self, tests: &Tests<'_>) -> String {
        let mut text =
            "| rule | tier | what an observer sees | tests |\n|---|---|---|---|".to_owned();
        for rule in &self.rules {
            let cited = tests.get(rule.id.as_str()).map(Vec::as_slice).unwrap_or_default();
            let cited =
                cited.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join("<br>");
            text.push_str(&format!(
                "\n| {} | {} | {} | {cited} |",
                rule.id,
                rule.tier.letter(),
                rule.text
            ));
        }
        text
    }
}

impl Rule {
    fn parse(row: &str, line: usize) -> Result<Self> {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [id, text, tier, _evidence] = cells[..] else {
            bail!("a rule has four cells: id, rule, tier, evidence");
        };
        let tier = match tier {
            "C" => Tier::Core,
            "E" => Tier::Extended,
            "X" => Tier::Extra,
            other => bail!("`{other}` is no tier; C, E and X are"),
        };
        Ok(Self { id: id.to_owned(), text: text.to_owned(), tier, line })
    }
}

impl Tier {
    fn letter(self) -> char {
        match self {
            Self::Core => 'C',
            Self::Extended => 'E',
            Self::Extra => 'X',
        }
    }
}
