//! `{{#museum}}`: what the graders say of the known-wrong submissions, as a page of the book.
//!
//! All of it is in the snapshots that `lab check` compares: who rejects whom, and each story. Nothing is built for the page.

use std::fmt::Write;

use anyhow::{Context, Result, bail};

use super::manifest::{Assignment, all, named};
use super::markup::html;
use super::overlay::{self, Overlay};
use super::report;
use crate::snap;
use crate::workspace::Workspace;

/// From how many lines on a story is folded.
const FOLDED_FROM: usize = 6;

/// The rooms of all assignments, or of the one that is named.
///
/// # Errors
/// If a snapshot is missing, or is not of the submissions that there are.
pub(crate) fn page(workspace: &Workspace, name: &str) -> Result<String> {
    let assignments = match name {
        "" => all(workspace)?,
        name => vec![named(workspace, name)?],
    };
    let rooms: Result<Vec<String>> = assignments.iter().map(room).collect();
    Ok(rooms?.join("\n"))
}

/// One assignment: its matrix, then each mistake with its story, task by task.
fn room(assignment: &Assignment) -> Result<String> {
    let matrix = Matrix::read(assignment)?;
    let wrong = overlay::all(assignment, "wrong")?;
    let mut text =
        format!("## Assignment {}: {}\n\n", assignment.number, assignment.manifest.title);
    let _ = writeln!(
        text,
        "{} submissions, {} checks. A filled mark is the check that is meant for the mistake.\n",
        wrong.len(),
        matrix.checks.len()
    );
    text.push_str(&matrix.table());
    for task in &assignment.manifest.tasks {
        let _ = writeln!(text, "### {} {}\n", task.id, task.title);
        for overlay in &wrong {
            if overlay.meant()?.0 == task.id {
                text.push_str(&exhibit(assignment, &matrix, overlay)?);
            }
        }
    }
    Ok(text)
}

/// One mistake.
fn exhibit(assignment: &Assignment, matrix: &Matrix, overlay: &Overlay) -> Result<String> {
    let name = &overlay.name;
    let mistake = overlay.header("mistake")?;
    let body = snap::body_in(&assignment.dir.join("snapshots"), name)?;
    // It begins with the mistake.
    let (_, story) = body
        .split_once("\n\n")
        .with_context(|| format!("the snapshot `{name}` tells no story: `cargo x lab check`"))?;
    let story = story.lines().map(|line| line.strip_prefix("    ").unwrap_or(line));
    let lines: Vec<&str> = story.collect();
    let others = match matrix.rejecting(name)? {
        0 | 1 => String::new(),
        2 => ", and one more check".to_owned(),
        count => format!(", and {} more checks", count - 1),
    };
    let about = format!("<code>{name}</code>{others}");
    let block = format!("~~~~text\n{}\n~~~~\n", lines.join("\n").trim_end());
    Ok(if lines.len() < FOLDED_FROM {
        format!("{mistake} *{about}*\n\n{block}\n")
    } else {
        format!(
            "<details class=\"exhibit\">\n<summary>{} <em>{about}</em></summary>\n\n{block}\n</details>\n\n",
            html(&mistake)
        )
    })
}

/// Who rejects whom, as the snapshot has it.
struct Matrix {
    /// Tasks and sentences, in the order of the columns.
    checks: Vec<String>,
    /// Names, and a mark for each check.
    rows: Vec<(String, Vec<String>)>,
}

impl Matrix {
    fn read(assignment: &Assignment) -> Result<Self> {
        let text = snap::body_in(&assignment.dir.join("snapshots"), "matrix")?;
        let mut parts = text.split("\n\n");
        let (checks, table) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        // ` 1  1.1 a line comes whole`, and below a row of numbers.
        let sentence = |line: &str| Some(line.trim_start().split_once("  ")?.1.to_owned());
        let row = |line: &str| {
            let mut words = line.split_whitespace().map(str::to_owned);
            Some((words.next()?, words.collect()))
        };
        let matrix = Self {
            checks: checks.lines().filter_map(sentence).collect(),
            rows: table.lines().skip(1).filter_map(row).collect(),
        };
        if matrix.rows.iter().any(|(_, marks)| marks.len() != matrix.checks.len()) {
            bail!("the matrix of {} is not one: `cargo x lab check`", assignment.name);
        }
        Ok(matrix)
    }

    /// How many checks reject the submission `name`.
    fn rejecting(&self, name: &str) -> Result<usize> {
        let row = self.rows.iter().find(|(known, _)| known == name);
        let (_, marks) =
            row.with_context(|| format!("`{name}` is not in the matrix: `cargo x lab check`"))?;
        Ok(marks.iter().filter(|mark| *mark != ".").count())
    }

    /// A table whose columns are numbered, and the list of what the numbers mean.
    fn table(&self) -> String {
        let mut text = String::from("<div class=\"matrix\">\n<table>\n<thead><tr><th></th>");
        for (number, check) in self.checks.iter().enumerate() {
            let _ = write!(text, "<th title=\"{}\">{}</th>", html(check), number + 1);
        }
        text.push_str("</tr></thead>\n<tbody>\n");
        for (name, marks) in &self.rows {
            let _ = write!(text, "<tr><th>{}</th>", html(&report::sentence(name)));
            for (mark, check) in marks.iter().zip(&self.checks) {
                let title = html(check);
                let _ = match mark.as_str() {
                    "X" => write!(text, "<td title=\"{title}\">&#9679;</td>"),
                    "x" => write!(text, "<td title=\"{title}\">&#9675;</td>"),
                    _ => write!(text, "<td></td>"),
                };
            }
            text.push_str("</tr>\n");
        }
        text.push_str("</tbody>\n</table>\n</div>\n\n<details>\n<summary>The checks</summary>\n\n");
        for (number, check) in self.checks.iter().enumerate() {
            let _ = writeln!(text, "{}. {check}", number + 1);
        }
        text.push_str("\n</details>\n\n");
        text
    }
}
