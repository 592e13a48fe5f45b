//! What a teacher plans with, made from the manifests and the known-wrong submissions: `{{#tasks}}`, `{{#mistakes}}` and
//! `{{#plan 01, 02, 03a, 03b}}`.

use std::fmt::Write;

use anyhow::{Result, bail};

use super::anchor::Section;
use super::manifest::{Assignment, Task, all};
use super::markup::anchored;
use super::overlay;
use crate::workspace::Workspace;

/// A table of all tasks, with what they teach, their points and their minutes.
///
/// # Errors
/// If a manifest cannot be read.
pub(crate) fn tasks(workspace: &Workspace) -> Result<String> {
    let mut text =
        String::from("| task | teaches | points | minutes | needs |\n|---|---|--:|--:|---|\n");
    for assignment in all(workspace)? {
        let _ = writeln!(
            text,
            "| **[Assignment {0}](assignment-{0}.md)** | **{1}** | | **{2}** | |",
            assignment.number,
            assignment.manifest.title,
            minutes(&assignment.manifest.tasks)
        );
        for task in &assignment.manifest.tasks {
            // The chapter's title stands in the line above.
            let section = Section::of(workspace, &task.section)?;
            let teaches = section.heading.unwrap_or(section.page);
            let _ = writeln!(
                text,
                "| {} | [{teaches}]({}) | {} | {} | {} |",
                anchored(&assignment, task),
                task.section,
                task.points,
                task.minutes,
                task.needs.join(", ")
            );
        }
    }
    Ok(text)
}

fn minutes(tasks: &[Task]) -> u32 {
    tasks.iter().map(|task| task.minutes).sum()
}

/// For each task the mistakes that its checks have been shown to find.
///
/// # Errors
/// If the header of a submission lacks something.
pub(crate) fn mistakes(workspace: &Workspace) -> Result<String> {
    let mut text = String::new();
    for assignment in all(workspace)? {
        let wrong = overlay::all(&assignment, "wrong")?;
        let _ = writeln!(
            text,
            "<details>\n<summary>Assignment {}: {}</summary>\n",
            assignment.number, assignment.manifest.title
        );
        for task in &assignment.manifest.tasks {
            let _ = writeln!(text, "- {}", anchored(&assignment, task));
            for overlay in &wrong {
                if overlay.meant()?.0 == task.id {
                    let _ = writeln!(text, "  - {}", overlay.header("mistake")?);
                }
            }
        }
        text.push_str("\n</details>\n\n");
    }
    Ok(text)
}

/// A table of sessions: `01, 02 03, 04a` are three, of which the second has two assignments and the third the first half of one.
///
/// # Errors
/// If a session has what is no assignment.
pub(crate) fn plan(workspace: &Workspace, sessions: &str) -> Result<String> {
    let assignments = all(workspace)?;
    let mut text = String::from("| session | tasks | points | minutes |\n|--:|---|--:|--:|\n");
    for (number, session) in sessions.split(',').enumerate() {
        let mut tasks: Vec<(&Assignment, &Task)> = Vec::new();
        for part in session.split_whitespace() {
            let (assignment, own) = part_of(&assignments, part)?;
            tasks.extend(own.iter().map(|task| (assignment, task)));
        }
        let named: Vec<String> =
            tasks.iter().map(|(assignment, task)| anchored(assignment, task)).collect();
        let points: u32 = tasks.iter().map(|(_, task)| task.points).sum();
        let minutes: u32 = tasks.iter().map(|(_, task)| task.minutes).sum();
        let _ = writeln!(text, "| {} | {} | {points} | {minutes} |", number + 1, named.join("; "));
    }
    Ok(text)
}

/// The tasks of `03`, or of its halves `03a` and `03b`.
fn part_of<'a>(assignments: &'a [Assignment], part: &str) -> Result<(&'a Assignment, &'a [Task])> {
    let number = part.trim_end_matches(['a', 'b']);
    let Some(assignment) = assignments.iter().find(|assignment| assignment.number == number) else {
        bail!("`{part}` is no assignment: a session is written as `01 02`, a half of one as `03a`");
    };
    let tasks = &assignment.manifest.tasks[..];
    let middle = middle(&tasks.iter().map(|task| task.minutes).collect::<Vec<_>>());
    Ok(match &part[number.len()..] {
        "a" => (assignment, &tasks[..middle]),
        "b" => (assignment, &tasks[middle..]),
        "" => (assignment, tasks),
        more => bail!("`{more}` is no half: there are a and b"),
    })
}

/// Where `minutes` are cut into two parts that differ least.
fn middle(minutes: &[u32]) -> usize {
    let sum = |part: &[u32]| part.iter().sum::<u32>();
    let differ = |place: &usize| sum(&minutes[..*place]).abs_diff(sum(&minutes[*place..]));
    (0..=minutes.len()).min_by_key(differ).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_take_about_as_long() {
        assert_eq!(middle(&[60, 30, 20, 40, 40]), 2);
        assert_eq!(middle(&[10, 90]), 1);
        assert_eq!(middle(&[]), 0);
    }
}
