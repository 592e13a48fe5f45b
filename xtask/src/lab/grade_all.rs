//! `lab grade-all`: a folder of submissions, each graded as if it were alone.
//!
//! A submission is a student's repository, as `lab export` makes it, or a learner's folder. Whatever is in it, only the files that the
//! assignment lets change are taken, and they are graded with the checks of this workspace, all of them, on the book's chapters. One
//! that cannot be graded costs its own row and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::class_list::{Row, csv};
use super::files::Files;
use super::grade::{Wanted, compile, grade};
use super::lane::Lane;
use super::learner::submission;
use super::manifest::{Assignment, all, named};
use super::options::Options;
use super::{class_folder, hidden, run};
use crate::say;
use crate::workspace::Workspace;

/// How many submissions are graded at once, where nothing else is asked for: each builds, and runs eight checks at a time.
const JOBS: usize = 4;
const JOBS_MAX: u64 = 64;

/// The stack of a thread that parses what a stranger has written: deep enough for the longest file that is taken, if all of it were
/// one nested expression.
const STACK_BYTES: usize = 1 << 30;

/// Grades each folder in the one that is named: exit code 1 if some could not be graded.
///
/// # Errors
/// If there is nothing to grade, or if the list cannot be written; the error names the file.
pub(crate) fn grade_all(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let dir = PathBuf::from(options.word("a folder of submissions")?);
    let assignments = all(workspace)?;
    let named = match options.value("assignment") {
        Some(name) => {
            let name = named(workspace, name)?.name;
            assignments.iter().position(|assignment| assignment.name == name)
        }
        None => None,
    };
    let jobs = match options.number("jobs")? {
        Some(jobs) if (1..=JOBS_MAX).contains(&jobs) => jobs as usize,
        Some(jobs) => bail!("--jobs takes a number from 1 to {JOBS_MAX}, not {jobs}"),
        None => thread::available_parallelism().map_or(1, usize::from).min(JOBS),
    };
    let seed = options.number("seed")?.unwrap_or_else(run::seed);
    let class = Class { dirs: class_folder::submissions(&dir)?, assignments, named, seed };
    say::note(&format!("{} submissions, seed {seed}\n", class.dirs.len()));
    let rows = class.graded(workspace, jobs)?;
    let list = csv(&class.assignments, &rows)?;
    match options.value("csv") {
        None | Some("-") => {
            say::print(&list)?;
        }
        Some(file) => fs::write(file, list).with_context(|| format!("{file} cannot be written"))?,
    }
    let broken: Vec<&str> =
        rows.iter().filter(|row| row.grade.is_err()).map(|row| row.name.as_str()).collect();
    if broken.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    say::note(&format!("not graded: {}\n", broken.join(", ")));
    Ok(ExitCode::FAILURE)
}

/// What is to be graded.
struct Class {
    dirs: Vec<PathBuf>,
    assignments: Vec<Assignment>,
    /// The place of the assignment of all of them, if it was named.
    named: Option<usize>,
    /// All have the same numbers: it would be unfair otherwise.
    seed: u64,
}

impl Class {
    /// Grades all, `jobs` at once.
    fn graded(&self, workspace: &Workspace, jobs: usize) -> Result<Vec<Row>> {
        let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let progress = Progress::new(self.dirs.len());
        thread::scope(|scope| -> Result<()> {
            let work = |number| {
                // A workspace remembers what it has parsed, for one thread.
                let (root, next, rows, progress) =
                    (workspace.root.as_path(), &next, &rows, &progress);
                let work = move || -> Result<()> {
                    let mut desk = Desk::new(Workspace::around(root)?, number);
                    while let Some(dir) = self.dirs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let row = desk.row(self, dir);
                        progress.done(&row.line(&self.assignments));
                        rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
                    }
                    Ok(())
                };
                thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work)
            };
            let desks =
                (0..jobs.min(self.dirs.len())).map(work).collect::<std::io::Result<Vec<_>>>()?;
            desks.into_iter().try_for_each(|desk| desk.join().expect("a desk does not panic"))
        })?;
        progress.bar.finish_and_clear();
        let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        rows.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(rows)
    }
}

/// Where one submission after the other is graded.
struct Desk {
    workspace: Workspace,
    number: usize,
    /// By the assignments' places.
    lanes: BTreeMap<usize, Lane>,
}

impl Desk {
    fn new(workspace: Workspace, number: usize) -> Self {
        Self { workspace, number, lanes: BTreeMap::new() }
    }

    fn row(&mut self, class: &Class, dir: &Path) -> Row {
        let mut row = Row {
            name: class_folder::name(dir),
            assignment: None,
            ignored: Vec::new(),
            grade: Err(String::new()),
        };
        // What a stranger has written may also show a fault of ours, or of a parser's.
        let graded = catch_unwind(AssertUnwindSafe(|| self.grade(class, dir, &mut row)));
        row.grade = match graded {
            Ok(grade) => grade.map_err(|error| format!("{error:#}")),
            Err(_) => Err("the grader itself has failed at it; its panic is above".to_owned()),
        };
        row
    }

    /// Grades the submission in `dir`, and notes in `row` what is known before it is graded.
    fn grade(&mut self, class: &Class, dir: &Path, row: &mut Row) -> Result<super::grade::Grade> {
        let (place, sources) = class_folder::find(&class.assignments, class.named, dir)?;
        row.assignment = Some(place);
        let assignment = &class.assignments[place];
        // A repository with hidden checks has other lists of them.
        let (public, _) = hidden::public(&Files::under(&assignment.dir, "graded")?)?;
        let submission = submission(&self.workspace, assignment, &sources, &public)?;
        row.ignored = submission.ignored;
        if !self.lanes.contains_key(&place) {
            self.lanes.insert(place, Lane::open(&self.workspace, assignment, self.number)?);
        }
        let lane = self.lanes.get_mut(&place).expect("it was just opened");
        let compiled = compile(&self.workspace, assignment, lane, &submission.sources, true)?;
        grade(assignment, &compiled, &Wanted::all(assignment, class.seed))
    }
}

/// A bar on a terminal; elsewhere a line for each submission.
struct Progress {
    bar: ProgressBar,
    is_shown: bool,
}

impl Progress {
    fn new(count: usize) -> Self {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len}, {eta} left")
            .expect("the template is constant and was tried");
        Self {
            bar: ProgressBar::new(count as u64).with_style(style),
            is_shown: stderr().is_terminal(),
        }
    }

    fn done(&self, line: &str) {
        if self.is_shown {
            self.bar.println(line);
        } else {
            say::note(&format!("{line}\n"));
        }
        self.bar.inc(1);
    }
}
