//! `assignment.toml`: what an assignment asks for.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::anchor::Section;
use crate::near;
use crate::workspace::{Package, Workspace};

/// The points of all tasks of an assignment together.
pub(crate) const POINTS: u32 = 100;

/// One assignment.
#[derive(Debug)]
pub(crate) struct Assignment {
    /// `assignments/01-blocking`, whole.
    pub(crate) dir: PathBuf,
    /// `01-blocking`: also the name of the learner's folder.
    pub(crate) name: String,
    /// `01`, as it is typed.
    pub(crate) number: String,
    pub(crate) manifest: Manifest,
}

/// The file itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) title: String,
    /// The package whose bodies the learner writes.
    pub(crate) chapter: String,
    /// Whether the chapter waits over `mio` or `polling`: then each check runs over both, unless its task says otherwise.
    #[serde(default)]
    pub(crate) selectors: bool,
    #[serde(default)]
    pub(crate) limits: Limits,
    /// How many checks a student's repository lacks, because they stay with the teacher.
    #[serde(default)]
    pub(crate) hidden: usize,
    /// What the learner may not use, beside what nobody may.
    #[serde(default)]
    pub(crate) forbidden: Vec<Forbidden>,
    #[serde(rename = "task")]
    pub(crate) tasks: Vec<Task>,
}

/// What one check may cost.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) seconds: u64,
    pub(crate) memory_mib: u64,
    pub(crate) output_kib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { seconds: 15, memory_mib: 512, output_kib: 256 }
    }
}

/// A path, a macro or an attribute that is refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forbidden {
    /// `std::thread::spawn`, `tokio`, `include!`, `#[path]`, `unsafe`.
    pub(crate) path: String,
    /// Ends the sentence "… is refused: ".
    pub(crate) reason: String,
}

/// A part of the assignment that is written, graded and paid for by itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Task {
    /// `1.2`: the assignment's number and the task's place in it.
    pub(crate) id: String,
    pub(crate) title: String,
    /// Of [`POINTS`].
    pub(crate) points: u32,
    /// How long a learner may need.
    pub(crate) minutes: u32,
    /// Paths, as `{{#item}}` takes them, of what the learner writes the bodies of.
    pub(crate) items: Vec<String>,
    /// The page of the book that teaches it, with the heading's anchor.
    pub(crate) section: String,
    /// Tasks without which this one's checks cannot pass.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    /// For this task in place of the manifest's.
    pub(crate) selectors: Option<bool>,
}

/// All assignments, in their order.
///
/// # Errors
/// If a manifest cannot be read or says something that cannot be.
pub(crate) fn all(workspace: &Workspace) -> Result<Vec<Assignment>> {
    let folder = workspace.root.join("assignments");
    let mut dirs: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|dir| dir.join("assignment.toml").is_file())
        .collect();
    dirs.sort();
    dirs.iter().map(|dir| Assignment::read(workspace, dir)).collect()
}

/// The assignment that is typed as `01`, `1` or `01-blocking`.
///
/// # Errors
/// If there is no such assignment; the error names those that there are.
pub(crate) fn named(workspace: &Workspace, name: &str) -> Result<Assignment> {
    let mut assignments = all(workspace)?;
    let is_named = |assignment: &Assignment| {
        assignment.name == name || assignment.number == format!("{name:0>2}")
    };
    match assignments.iter().position(is_named) {
        Some(place) => Ok(assignments.swap_remove(place)),
        None => bail!(
            "no assignment `{name}`{}",
            near::hint(name, assignments.iter().map(|assignment| assignment.name.as_str()))
        ),
    }
}

/// The assignment of the task `id`, such as `1.2`, and the task's place in it.
///
/// # Errors
/// If there is no such task; the error names those that there are.
pub(crate) fn with_task(workspace: &Workspace, id: &str) -> Result<(Assignment, usize)> {
    let Some((number, _)) = id.split_once('.') else {
        let task = named(workspace, id).ok().map(|mut found| found.manifest.tasks.swap_remove(0));
        let example = task.map_or("1.2".to_owned(), |task| task.id);
        bail!("`{id}` is no task: a task is typed as `{example}`");
    };
    let assignment = named(workspace, number)?;
    let place = assignment.place(id)?;
    Ok((assignment, place))
}

impl Assignment {
    fn read(workspace: &Workspace, dir: &Path) -> Result<Self> {
        let file = dir.join("assignment.toml");
        let shown = workspace.relative(&file);
        let text = fs::read_to_string(&file).with_context(|| format!("{shown} cannot be read"))?;
        let manifest: Manifest = toml::from_str(&text).with_context(|| shown.clone())?;
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = name.split('-').next().unwrap_or_default().to_owned();
        let assignment = Self { dir: dir.to_path_buf(), name, number, manifest };
        assignment.validate(workspace).context(shown)?;
        Ok(assignment)
    }

    fn validate(&self, workspace: &Workspace) -> Result<()> {
        let Manifest { tasks, .. } = &self.manifest;
        let number: u32 = self.number.parse().with_context(|| {
            format!("the folder `{}` does not begin with a number, such as 01-", self.name)
        })?;
        self.package(workspace)?;
        ensure!(!tasks.is_empty(), "there is no [[task]]");
        for (place, task) in tasks.iter().enumerate() {
            let id = format!("{number}.{}", place + 1);
            ensure!(task.id == id, "task `{}` is the one that is called {id}", task.id);
            ensure!(!task.items.is_empty(), "task {id} has no items");
            ensure!(task.points > 0 && task.minutes > 0, "task {id} has no points or no minutes");
            ensure!(
                !task.title.contains(['"', '{', '}', '\\']),
                "the title of task {id} stands in a string of Rust: no quotes, braces, backslashes"
            );
            if let Some(need) =
                task.needs.iter().find(|need| !tasks[..place].iter().any(|task| task.id == **need))
            {
                bail!("task {id} needs `{need}`, which is no task before it");
            }
            Section::of(workspace, &task.section).with_context(|| format!("task {id}"))?;
        }
        let points: u32 = tasks.iter().map(|task| task.points).sum();
        ensure!(points == POINTS, "the points of all tasks are {points}, not {POINTS}");
        Ok(())
    }

    /// The chapter's package.
    ///
    /// # Errors
    /// If there is no such package.
    pub(crate) fn package<'w>(&self, workspace: &'w Workspace) -> Result<&'w Package> {
        let name = self.manifest.chapter.replace('-', "_");
        let names = workspace.packages.iter().map(|package| package.crate_name.as_str());
        workspace.packages.iter().find(|package| package.crate_name == name).with_context(|| {
            format!("no package is called `{}`{}", self.manifest.chapter, near::hint(&name, names))
        })
    }

    /// What the learner reads, as it is a page of the book.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn brief(&self) -> Result<String> {
        fs::read_to_string(self.dir.join("brief.md"))
            .with_context(|| format!("assignment {} has no brief.md", self.number))
    }

    /// The place of the task `id`.
    ///
    /// # Errors
    /// If there is no such task; the error names those that there are.
    pub(crate) fn place(&self, id: &str) -> Result<usize> {
        let tasks = &self.manifest.tasks;
        tasks.iter().position(|task| task.id == id).with_context(|| {
            let ids = tasks.iter().map(|task| task.id.as_str());
            format!("assignment {} has no task `{id}`{}", self.number, near::hint(id, ids))
        })
    }

    /// The places of the task at `place` and of all that it needs, also by way of others.
    pub(crate) fn with_needs(&self, place: usize) -> Vec<usize> {
        let tasks = &self.manifest.tasks;
        let mut places = vec![place];
        let mut next = 0;
        while next < places.len() {
            for need in &tasks[places[next]].needs {
                let found = tasks.iter().position(|task| task.id == *need);
                places.extend(found.filter(|found| !places.contains(found)));
            }
            next += 1;
        }
        places.sort_unstable();
        places
    }

    /// What each check of `task` is run over: both selectors, or nothing to choose.
    pub(crate) fn selectors(&self, task: &Task) -> &'static [Option<&'static str>] {
        if task.selectors.unwrap_or(self.manifest.selectors) {
            &[Some("mio"), Some("polling")]
        } else {
            &[None]
        }
    }
}
