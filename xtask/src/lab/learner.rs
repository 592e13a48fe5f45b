//! A learner's folder, `lab/01-blocking`: the sources, what has been asked for and what was reached.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::cut::{own_files, starter};
use super::files::{self, Files};
use super::manifest::Assignment;
use super::start;
use crate::workspace::Workspace;

/// Where the record stands in a learner's folder.
const RECORD: &str = ".lab.json";

/// An assignment that a learner has started.
pub(crate) struct Learner {
    pub(crate) dir: PathBuf,
    pub(crate) record: Record,
}

/// What has happened so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    /// Whether it stands on the learner's own earlier chapters.
    pub(crate) carry: bool,
    /// How many hints of each task were shown before it was first passed.
    pub(crate) hints: BTreeMap<String, usize>,
    /// How many more of them were shown since.
    pub(crate) hints_after: BTreeMap<String, usize>,
    /// The tasks that the last full grade, or one of the task alone, has passed, since the folder was made.
    pub(crate) passed: BTreeSet<String>,
    /// The tasks that were passed at any time.
    pub(crate) once_passed: BTreeSet<String>,
    /// How often it was graded.
    pub(crate) grades: u32,
    /// The tasks whose solution was shown before they were passed.
    pub(crate) given_up: BTreeSet<String>,
}

/// What a learner hands in, after what is not theirs to change was put back.
pub(crate) struct Submission {
    pub(crate) sources: Files,
    /// Changes that do not count, as lines for the report.
    pub(crate) ignored: Vec<String>,
}

impl Record {
    /// Whether the task was passed at any time.
    pub(crate) fn has_passed(&self, id: &str) -> bool {
        // A record may be older than `once_passed`.
        self.once_passed.contains(id) || self.passed.contains(id)
    }

    /// Whether all tasks of `assignment` are passed now.
    pub(crate) fn is_complete(&self, assignment: &Assignment) -> bool {
        assignment.manifest.tasks.iter().all(|task| self.passed.contains(&task.id))
    }

    /// Writes down what came of one task.
    pub(crate) fn graded(&mut self, id: &str, has_passed: bool) {
        if has_passed {
            self.passed.insert(id.to_owned());
            self.once_passed.insert(id.to_owned());
        } else if self.passed.remove(id) {
            self.once_passed.insert(id.to_owned());
        }
    }

    /// Begins with a new folder: nothing is passed there.
    pub(crate) fn begin_anew(&mut self) {
        self.once_passed.append(&mut self.passed);
    }

    /// Writes down that one more hint is shown, of at most `max`, and gives how many are shown by now.
    pub(crate) fn hint(&mut self, id: &str, max: usize) -> usize {
        let of = |hints: &BTreeMap<String, usize>| hints.get(id).copied().unwrap_or_default();
        let shown = of(&self.hints) + of(&self.hints_after);
        if shown >= max {
            return max;
        }
        let hints = if self.has_passed(id) { &mut self.hints_after } else { &mut self.hints };
        *hints.entry(id.to_owned()).or_default() += 1;
        shown + 1
    }
}

impl Learner {
    /// Where the folder of `assignment` is, or would be.
    pub(crate) fn dir(workspace: &Workspace, assignment: &Assignment) -> PathBuf {
        workspace.lab.join(&assignment.name)
    }

    /// The started assignment; none if it is not started.
    ///
    /// # Errors
    /// If its record cannot be read.
    pub(crate) fn find(workspace: &Workspace, assignment: &Assignment) -> Result<Option<Self>> {
        let dir = Self::dir(workspace, assignment);
        if !dir.is_dir() {
            return Ok(None);
        }
        let file = dir.join(RECORD);
        let record = match fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text).with_context(|| {
                format!(
                    "{} is no record any more; delete it to begin a new one",
                    workspace.relative(&file)
                )
            })?,
            Err(_) => Record::default(),
        };
        Ok(Some(Self { dir, record }))
    }

    /// The started assignment.
    ///
    /// # Errors
    /// If it is not started; the error says how to.
    pub(crate) fn of(workspace: &Workspace, assignment: &Assignment) -> Result<Self> {
        match Self::find(workspace, assignment)? {
            Some(learner) => Ok(learner),
            None => {
                bail!("assignment {0} is not started: `cargo x lab start {0}`", assignment.number)
            }
        }
    }

    /// Keeps the record.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn save(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.record)? + "\n";
        files::replace(&self.dir.join(RECORD), text.as_bytes())
            .context("the learner's record cannot be written")
    }

    /// What is in the folder, laid over the pristine chapter.
    ///
    /// # Errors
    /// If a file that the learner writes in is gone, or is no text.
    pub(crate) fn submission(
        &self,
        workspace: &Workspace,
        assignment: &Assignment,
    ) -> Result<Submission> {
        let mut submission = submission(workspace, assignment, &self.dir, &Files::default())?;
        let manifest = start::manifest(workspace, assignment, self.record.carry)?;
        if fs::read_to_string(self.dir.join("Cargo.toml")).is_ok_and(|text| text != manifest) {
            submission.ignored.push("Cargo.toml: not yours to change; graded as it was".to_owned());
        }
        Ok(submission)
    }
}

/// What is handed in by the folder `dir`, laid over the pristine chapter. A file that is as `other` has it is not changed either.
///
/// # Errors
/// If a file that the learner writes in is gone, or is no text.
pub(crate) fn submission(
    workspace: &Workspace,
    assignment: &Assignment,
    dir: &Path,
    other: &Files,
) -> Result<Submission> {
    let own = own_files(workspace, assignment)?;
    let mut pristine = starter(workspace, assignment, 0..assignment.manifest.tasks.len())?;
    let mut original = pristine.clone();
    original.extend(Files::under(&assignment.dir, "graded")?);
    let mut handed = Files::handed_in(dir, "src")?;
    handed.extend(Files::handed_in(dir, "graded")?);
    let mut ignored = Vec::new();
    for (path, text) in handed.iter().filter(|(path, _)| !own.contains(*path)) {
        match original.get(path) {
            Some(old) if old == text || other.get(path) == Some(text) => {}
            Some(old) => {
                let line = 1 + old.lines().zip(text.lines()).take_while(|(a, b)| a == b).count();
                ignored.push(format!("{path}:{line}: not yours to change; graded as it was"));
            }
            None => ignored.push(format!("{path}: not a file of the assignment; left out")),
        }
    }
    for path in own {
        let Some(text) = handed.get(&path) else {
            bail!(
                "{} is gone: `cargo x lab diff {1}` shows what has changed, `cargo x lab reset {1}` begins anew",
                dir.join(&path).display(),
                assignment.number
            );
        };
        pristine.set(path, text);
    }
    Ok(Submission { sources: pristine, ignored })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_passed_once_stays_so_and_hints_after_it_do_not_count() {
        let mut record: Record =
            serde_json::from_str(r#"{"passed": ["1.1"], "best": 100}"#).unwrap();
        assert!(record.has_passed("1.1"));
        record.graded("1.1", false);
        assert!(record.has_passed("1.1") && !record.passed.contains("1.1"));
        record.graded("1.2", true);
        record.begin_anew();
        assert!(record.has_passed("1.2") && record.passed.is_empty());
        assert!(!record.has_passed("1.3"));

        assert_eq!([record.hint("1.1", 3), record.hint("1.1", 3)], [1, 2]);
        assert!(record.hints.is_empty());
        assert_eq!([(); 4].map(|()| record.hint("1.3", 3)), [1, 2, 3, 3]);
        assert_eq!(record.hints["1.3"], 3);
    }
}
