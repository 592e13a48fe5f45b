//! `cargo x lab …`: assignments, their graders, and the proofs that the graders are right.

mod anchor;
mod brief;
mod cargo_toml;
mod carry;
mod check;
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
mod overlay;
mod proof;
mod refusal;
mod rehearsal;
mod report;
mod reports;
mod run;
mod snapshot;
mod solution;
mod splice;
mod start;
mod status;

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::Parser;

use self::options::Options;
use crate::near;
use crate::workspace::Workspace;

/// The commands, as the help lists them.
pub(crate) const HELP: &str = "\
cargo x lab start NN [--carry]            begin assignment NN in lab/NN-name; --carry: on your own earlier chapters
cargo x lab grade NN [--task N.K] [--seed N] [--watch] [--exit-zero]
                                          grade it; --watch: again after each change
            [--json FILE] [--junit FILE] [--result FILE]
                                          and write the grade to FILE (-: standard output), for programs: all that the text says,
                                          JUnit XML, or `result.json` of Classroom 50
cargo x lab hint N.K                      the next hint for a task
cargo x lab status                        all assignments, and how far you are
cargo x lab diff NN                       what you have changed
cargo x lab reset NN                      begin anew; what was there is kept beside it
cargo x lab solution N.K [--give-up]      the book's solution, once you have one, or have given up
cargo x lab check [NN] [--only TEXT]      the proofs that the graders are right; --only: of these submissions";

const COMMANDS: [&str; 8] =
    ["check", "diff", "grade", "hint", "reset", "solution", "start", "status"];

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
            eprintln!("{error:#}");
            ExitCode::from(MISUSE)
        }
    }
}

/// The brief of the assignment `name`, for the book.
///
/// # Errors
/// If there is no such assignment.
pub(crate) fn brief_page(workspace: &Workspace, name: &str) -> Result<String> {
    let assignment = manifest::named(workspace, name)?;
    Ok(brief::text(&assignment)?.trim_end().to_owned())
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
        Some("solution") => solution::solution(workspace, &options(&["give-up"], &[])?),
        Some("check") => check::check(workspace, &options(&[], &["only"])?),
        Some(other) => bail!("no command `lab {other}`{}\n{HELP}", near::hint(other, COMMANDS)),
        None => {
            println!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
    }
}
