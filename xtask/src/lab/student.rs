//! What is in a student's repository.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use regex::Regex;

use super::carry::earlier_chapter;
use super::cut::{self, starter};
use super::files::Files;
use super::manifest::Assignment;
use super::{hidden, members, prose};
use crate::workspace::Workspace;

/// Texts for students, each with the place that it has in the repository.
const TEXTS: [(&str, &str); 5] = [
    ("README.md", include_str!("student/README.md")),
    ("AGENTS.md", include_str!("student/AGENTS.md")),
    (".gitignore", include_str!("student/gitignore")),
    (".github/workflows/grade.yml", include_str!("student/grade.yml")),
    (".cargo/config.toml", include_str!("student/cargo_config.toml")),
];

/// Files that are the same there, as far as they are here.
const SAME: [&str; 5] =
    ["Cargo.lock", "LICENSE-APACHE", "LICENSE-MIT", "clippy.toml", "rustfmt.toml"];

/// A repository before it is written.
pub(crate) struct Repository {
    pub(crate) files: Files,
    /// How many checks are not in it.
    pub(crate) hidden: usize,
}

/// The repository of `assignment`; with `hide`, each task has one check in it.
///
/// # Errors
/// If a source cannot be read, or if a solution would be in it.
pub(crate) fn repository(
    workspace: &Workspace,
    assignment: &Assignment,
    hide: bool,
) -> Result<Repository> {
    let mut files = Files::default();
    let mut packages = BTreeSet::new();
    for package in &workspace.packages {
        if earlier_chapter(package, assignment).is_some() {
            let path = workspace.relative(&package.dir);
            files.extend(Files::sources(&package.dir)?.below(&path));
            packages.insert(path);
        }
    }
    let chapter = workspace.relative(&assignment.package(workspace)?.dir);
    let tasks = 0..assignment.manifest.tasks.len();
    files.extend(starter(workspace, assignment, tasks)?.below(&chapter));
    packages.insert(chapter);
    for package in ["tests/harness", "assignments/grading"] {
        files.extend(Files::sources(&workspace.root.join(package))?.below(package));
        packages.insert(package.to_owned());
    }
    files.extend(members::grader(&workspace.root.join("xtask"))?.below(members::GRADER));
    packages.insert(members::GRADER.to_owned());
    files.extend(members::manifests(&workspace.root, &packages)?);

    let (graded, hidden) = match Files::under(&assignment.dir, "graded")? {
        all if hide => hidden::public(&all)?,
        all => (all, 0),
    };
    let folder = workspace.relative(&assignment.dir);
    files.extend(graded.below(&folder));
    for name in ["assignment.toml", "brief.md", "hints.md"] {
        let text = read(&assignment.dir.join(name))?;
        // The first line is that of the title: a key behind a table would belong to the table.
        let text = if hidden > 0 && name == "assignment.toml" {
            format!("hidden = {hidden}\n{text}")
        } else {
            text
        };
        files.set(format!("{folder}/{name}"), text);
    }
    for page in pages(assignment)? {
        let text = read(&workspace.book().join("src").join(&page))?;
        files.set(format!("book/src/{page}"), prose::of(&text));
    }
    for name in SAME {
        if let Ok(text) = read(&workspace.root.join(name)) {
            files.set(name, text);
        }
    }
    for (path, text) in TEXTS {
        files.set(path, filled(text, assignment));
    }
    if let Some(leak) = leak(&files, &cut::solutions(workspace, assignment)?) {
        bail!("{leak} would be in the students' repository");
    }
    Ok(Repository { files, hidden })
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// `text` with the assignment's names in their places.
fn filled(text: &str, assignment: &Assignment) -> String {
    let minutes: u32 = assignment.manifest.tasks.iter().map(|task| task.minutes).sum();
    [
        ("{number}", assignment.number.as_str()),
        ("{name}", &assignment.name),
        ("{title}", &assignment.manifest.title),
        ("{first task}", &assignment.manifest.tasks[0].id),
        ("{hours}", &format!("{:.1}", f64::from(minutes) / 60.0)),
    ]
    .iter()
    .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// The pages of the book that tasks, brief and hints lead to.
fn pages(assignment: &Assignment) -> Result<BTreeSet<String>> {
    static LINK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\]\((chapter-[\w-]+\.md)").expect("the pattern is constant and was tried")
    });
    let page = |section: &str| section.split('#').next().unwrap_or_default().to_owned();
    let mut pages: BTreeSet<String> =
        assignment.manifest.tasks.iter().map(|task| page(&task.section)).collect();
    for text in [assignment.brief()?, read(&assignment.dir.join("hints.md"))?] {
        pages.extend(LINK.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    Ok(pages)
}

/// How long a body is, without blanks, that is told from another one of the same words.
const BODY_MIN: usize = 40;

/// What of `files` the learner should not see, if there is any: something of ours, or what the learner is to write.
///
/// A body counts as the text between its braces, without blanks; one of fewer than [`BODY_MIN`] characters, such as
/// `self.lines.len()`, may stand elsewhere by chance.
fn leak(files: &Files, solutions: &[(String, String)]) -> Option<String> {
    let without_blanks = |text: &str| -> String { text.split_whitespace().collect() };
    let bodies: Vec<(&str, String)> = solutions
        .iter()
        .map(|(item, body)| (item.as_str(), without_blanks(body)))
        .filter(|(_, body)| body.len() >= BODY_MIN)
        .collect();
    for (path, text) in files.iter() {
        if ["/wrong/", "/right/", "/snapshots/"].iter().any(|part| path.contains(part)) {
            return Some(path.to_owned());
        }
        let text = without_blanks(text);
        if let Some((item, _)) = bodies.iter().find(|(_, body)| text.contains(body)) {
            return Some(format!("a body of {item}, in {path},"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_is_found_wherever_it_is_and_however_it_is_set() {
        let long = "let count = self.lines.len();\n    self.total += count;\n    count";
        let solutions = [
            ("src/a.rs, task 1.1".to_owned(), long.to_owned()),
            ("src/b.rs, task 1.2".to_owned(), "self.lines.len()".to_owned()),
        ];
        let found = |path: &str, text: &str| {
            let mut files = Files::default();
            files.set("src/other.rs", "fn f() { self.lines.len() }");
            files.set(path, text);
            leak(&files, &solutions)
        };
        assert_eq!(found("src/a.rs", "fn g() { todo!(\"1.1 Lines\") }"), None);
        assert_eq!(
            found("book/src/p.md", &format!("text\n{}\n", long.replace("    ", "\t"))).unwrap(),
            "a body of src/a.rs, task 1.1, in book/src/p.md,"
        );
        assert_eq!(found("assignments/01/wrong/w.rs", "").unwrap(), "assignments/01/wrong/w.rs");
    }
}
