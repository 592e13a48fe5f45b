//! `cargo x lab …`: assignments, their graders, and the proofs that the graders are right.

mod anchor;
mod build;
mod cargo_toml;
mod carry;
mod classroom;
mod cut;
mod diff;
mod files;
mod grade;
mod grade_command;
mod hint;
mod hints;
mod json;
mod junit;
mod lane;
mod learner;
mod manifest;
mod options;
mod outcome;
mod refusal;
mod report;
mod reports;
mod run;
mod splice;
mod start;
mod status;

// What follows needs the solutions, or makes something of them: a student's repository is made without it, see `export`.
#[cfg(feature = "author")]
mod brief;
#[cfg(feature = "author")]
mod check;
#[cfg(feature = "author")]
mod class_folder;
#[cfg(feature = "author")]
mod class_list;
#[cfg(feature = "author")]
mod export;
#[cfg(feature = "author")]
mod grade_all;
#[cfg(feature = "author")]
mod hidden;
#[cfg(feature = "author")]
mod markup;
#[cfg(feature = "author")]
mod members;
#[cfg(feature = "author")]
mod museum;
#[cfg(feature = "author")]
mod overlay;
#[cfg(feature = "author")]
mod proof;
#[cfg(feature = "author")]
mod prose;
#[cfg(feature = "author")]
mod rehearsal;
#[cfg(feature = "author")]
mod snapshot;
#[cfg(feature = "author")]
mod solution;
#[cfg(feature = "author")]
mod student;
#[cfg(feature = "author")]
mod teaching;

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::Parser;

use self::options::Options;
use crate::workspace::Workspace;
use crate::{near, say};

/// The learners' commands, as the help lists them.
const HELP: &str = "\
cargo x lab start NN [--carry]            begin assignment NN in lab/NN-name; --carry: on your own earlier chapters
cargo x lab grade NN [--task N.K] [--seed N] [--watch] [--exit-zero]
                                          grade it; --watch: again after each change
            [--json FILE] [--junit FILE] [--result FILE]
                                          and write the grade to FILE (-: standard output), for programs: all that the text says,
                                          JUnit XML, or `result.json` of Classroom 50
cargo x lab hint N.K                      the next hint for a task
cargo x lab status                        all assignments, and how far you are
cargo x lab diff NN                       what you have changed
cargo x lab reset NN                      begin anew; what was there is kept beside it";

/// The commands that need the solutions.
#[cfg(feature = "author")]
const MORE_HELP: &str = "\
cargo x lab solution N.K [--give-up]      the book's solution, once you have one, or have given up
cargo x lab export NN --out DIR [--hidden-tests]
                                          a repository for students, without the solutions; --hidden-tests: with one check for each task
cargo x lab grade-all DIR [--assignment NN] [--csv FILE] [--jobs N] [--seed N]
                                          grade each folder in DIR, and list what came of them
cargo x lab check [NN] [--only TEXT]      the proofs that the graders are right; --only: of these submissions";

const COMMANDS: [&str; 10] = [
    "check",
    "diff",
    "export",
    "grade",
    "grade-all",
    "hint",
    "reset",
    "solution",
    "start",
    "status",
];

/// Which assignment: for messages.
const ASSIGNMENT: &str = "an assignment, such as 01";

/// Which task: for messages.
const TASK: &str = "a task, such as 1.2";

/// Exit code of a command that could not do its work; 1 is for work of the learner's that is not complete.
const MISUSE: u8 = 2;

/// Does what the command line asks for.
pub(crate) fn run(workspace: &Workspace, command: Option<&str>, arguments: Parser) -> ExitCode {
    match dispatch(workspace, command, arguments) {
        Ok(code) => code,
        Err(error) => {
            say::note(&format!("{error:#}\n"));
            ExitCode::from(MISUSE)
        }
    }
}

/// The commands, as the help lists them.
#[cfg(feature = "author")]
pub(crate) fn help() -> String {
    format!("{HELP}\n{MORE_HELP}")
}

/// The commands, as the help lists them.
#[cfg(not(feature = "author"))]
pub(crate) fn help() -> String {
    HELP.to_owned()
}

/// The includes of the book that are made from the assignments.
#[cfg(feature = "author")]
pub(crate) const INCLUDES: [&str; 5] = ["brief", "mistakes", "museum", "plan", "tasks"];

/// The text of the include `name`, one of [`INCLUDES`].
///
/// # Errors
/// If there is no such assignment, or if something of it cannot be read.
#[cfg(feature = "author")]
pub(crate) fn include(workspace: &Workspace, name: &str, argument: &str) -> Result<String> {
    match name {
        "brief" => {
            let assignment = manifest::named(workspace, argument)?;
            Ok(assignment.brief()?.trim_end().to_owned())
        }
        "mistakes" => teaching::mistakes(workspace),
        "museum" => museum::page(workspace, argument),
        "plan" => teaching::plan(workspace, argument),
        _ => teaching::tasks(workspace),
    }
}

fn dispatch(workspace: &Workspace, command: Option<&str>, arguments: Parser) -> Result<ExitCode> {
    let options = |flags: &[&str], values: &[&str]| Options::read(arguments, flags, values);
    match command {
        Some("start") => start::start(workspace, &options(&["carry"], &[])?),
        Some("grade") => {
            let files = ["task", "seed"].into_iter().chain(reports::NAMES).collect::<Vec<_>>();
            grade_command::grade(workspace, &options(&["exit-zero", "watch"], &files)?)
        }
        Some("hint") => hint::hint(workspace, &options(&[], &[])?),
        Some("status") => status::status(workspace, &options(&[], &[])?),
        Some("diff") => diff::diff(workspace, &options(&[], &[])?),
        Some("reset") => start::reset(workspace, &options(&[], &[])?),
        #[cfg(feature = "author")]
        Some("solution") => solution::solution(workspace, &options(&["give-up"], &[])?),
        #[cfg(feature = "author")]
        Some("check") => check::check(workspace, &options(&[], &["only"])?),
        #[cfg(feature = "author")]
        Some("export") => export::export(workspace, &options(&["hidden-tests"], &["out"])?),
        #[cfg(feature = "author")]
        Some("grade-all") => {
            let values = ["assignment", "csv", "jobs", "seed"];
            grade_all::grade_all(workspace, &options(&[], &values)?)
        }
        Some(other) if COMMANDS.contains(&other) => {
            bail!(
                "`lab {other}` is not for this repository, which has no solutions: your teacher has them"
            )
        }
        Some(other) => bail!("no command `lab {other}`{}\n{}", near::hint(other, COMMANDS), help()),
        None => {
            say::print(format!("{}\n", help()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
