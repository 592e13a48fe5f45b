//! What `lab grade-all` found, as CSV: a row for each submission.
//!
//! | column | |
//! |---|---|
//! | name | the submission's folder |
//! | assignment | `01-blocking`; empty if it is none |
//! | points | of all tasks; empty if it could not be graded |
//! | 1.1, 1.2, … | the points of each task; empty for the tasks of other assignments |
//! | refused | what is forbidden, with file and line |
//! | error | why it does not compile, or could not be graded |
//! | ignored | changes that do not count, such as edited tests |

use anyhow::Result;

use super::grade::Grade;
use super::manifest::{Assignment, Task};

/// One submission.
pub(crate) struct Row {
    pub(crate) name: String,
    /// Its assignment's place, if that is known.
    pub(crate) assignment: Option<usize>,
    pub(crate) ignored: Vec<String>,
    /// What came of it, or why nothing did.
    pub(crate) grade: Result<Grade, String>,
}

impl Row {
    /// What is told while others are still graded.
    pub(crate) fn line(&self, assignments: &[Assignment]) -> String {
        let Self { name, assignment, grade, .. } = self;
        // A folder may have any name, and a line is a line.
        let name: String = name
            .chars()
            .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.into() })
            .collect();
        match (grade, assignment) {
            (Ok(grade), Some(place)) => {
                let assignment = &assignments[*place];
                let (points, max) = (grade.points(assignment), grade.points_max(assignment));
                format!("{name}: {points} of {max}{}", self.remark())
            }
            (Err(error), _) => format!("{name}: not graded: {error}"),
            (Ok(_), None) => name,
        }
    }

    fn remark(&self) -> &'static str {
        match &self.grade {
            Ok(grade) if !grade.refusals.is_empty() => ", refused",
            Ok(grade) if grade.errors.is_some() => ", does not compile",
            _ => "",
        }
    }

    fn refused(&self) -> String {
        let refusals = self.grade.iter().flat_map(|grade| &grade.refusals);
        refusals.map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    /// The first line of what the compiler says, or what is wrong with the submission as a whole.
    fn error(&self) -> String {
        match &self.grade {
            Ok(grade) => {
                let errors = grade.errors.as_deref().unwrap_or_default();
                errors.lines().next().unwrap_or_default().to_owned()
            }
            Err(error) => error.clone(),
        }
    }
}

/// The list, with the tasks of all assignments that occur in it.
///
/// # Errors
/// None of which we know: it is written to memory.
pub(crate) fn csv(assignments: &[Assignment], rows: &[Row]) -> Result<Vec<u8>> {
    let tasks: Vec<(usize, usize, &Task)> = assignments
        .iter()
        .enumerate()
        .filter(|(place, _)| rows.iter().any(|row| row.assignment == Some(*place)))
        .flat_map(|(of, assignment)| {
            assignment.manifest.tasks.iter().enumerate().map(move |(place, task)| (of, place, task))
        })
        .collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let ids = tasks.iter().map(|(_, _, task)| task.id.clone());
    let mut head: Vec<String> = ["name", "assignment", "points"].map(str::to_owned).into();
    head.extend(ids);
    head.extend(["refused", "error", "ignored"].map(str::to_owned));
    writer.write_record(head)?;
    for row in rows {
        let own = row.assignment.map(|place| (place, &assignments[place]));
        let graded = own.zip(row.grade.as_ref().ok());
        let mut cells = vec![row.name.clone()];
        cells.push(own.map(|(_, assignment)| assignment.name.clone()).unwrap_or_default());
        cells.push(
            graded.map(|((_, own), grade)| grade.points(own).to_string()).unwrap_or_default(),
        );
        cells.extend(tasks.iter().map(|(of, place, _)| match graded {
            Some(((own, assignment), grade)) if own == *of => {
                let task = grade.tasks.iter().find(|task| task.place == *place);
                task.map(|task| task.points(assignment).to_string()).unwrap_or_default()
            }
            _ => String::new(),
        }));
        cells.extend([row.refused(), row.error(), row.ignored.join("; ")]);
        writer.write_record(cells.into_iter().map(inert))?;
    }
    Ok(writer.into_inner()?)
}

/// `cell` as a text that no spreadsheet takes for a formula: some of it was written by strangers.
fn inert(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(inert("=1+1".to_owned()), "'=1+1");
        assert_eq!(inert("-cmd".to_owned()), "'-cmd");
        assert_eq!(inert("a=b".to_owned()), "a=b");
    }

    #[test]
    fn a_line_is_one_line() {
        let grade = Err("why".to_owned());
        let row = Row { name: "a\n\"b\"".to_owned(), assignment: None, ignored: Vec::new(), grade };
        assert_eq!(row.line(&[]), "a\\n\"b\": not graded: why");
    }
}
