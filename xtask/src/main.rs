//! The project's own commands, run as `cargo x …`.

mod elide;
mod item;
mod lab;
mod names;
mod near;
mod say;
mod source;
mod workspace;

// What follows is for whoever writes the course: a student's repository is made without it, see `lab::export`.
#[cfg(feature = "author")]
mod author;
#[cfg(feature = "author")]
mod book;
#[cfg(feature = "author")]
mod citations;
#[cfg(feature = "author")]
mod contract;
#[cfg(feature = "author")]
mod directive;
#[cfg(feature = "author")]
mod finding;
#[cfg(feature = "author")]
mod html;
#[cfg(feature = "author")]
mod include;
#[cfg(feature = "author")]
mod markdown;
#[cfg(feature = "author")]
mod output;
#[cfg(feature = "author")]
mod ownership;
#[cfg(feature = "author")]
mod pages;
#[cfg(feature = "author")]
mod picture;
#[cfg(feature = "author")]
mod serve;
#[cfg(feature = "author")]
mod snap;
#[cfg(feature = "author")]
mod warnings;

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::{Arg, Parser, ValueExt};

use crate::workspace::Workspace;

fn main() -> ExitCode {
    match run(Parser::from_env()) {
        Ok(code) => code,
        Err(error) => {
            say::note(&format!("{error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: Parser) -> Result<ExitCode> {
    match word(&mut arguments)?.as_deref() {
        Some("lab") => {
            let command = word(&mut arguments)?;
            return Ok(lab::run(&here()?, command.as_deref(), arguments));
        }
        #[cfg(feature = "author")]
        Some(command) if author::COMMANDS.contains(&command) => author::run(command, arguments)?,
        Some(other) => bail!("no command `{other}`\n{}", full_help()),
        None => help()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn here() -> Result<Workspace> {
    Workspace::around(&std::env::current_dir()?)
}

fn help() -> Result<()> {
    say::print(format!("{}\n", full_help()))?;
    Ok(())
}

#[cfg(feature = "author")]
fn full_help() -> String {
    format!("{}\n{}", author::HELP, lab::help())
}

#[cfg(not(feature = "author"))]
fn full_help() -> String {
    lab::help()
}

/// The next word that is no option; none at the end and for `--help`.
fn word(arguments: &mut Parser) -> Result<Option<String>> {
    match arguments.next()? {
        Some(Arg::Value(word)) => Ok(Some(word.string()?)),
        Some(Arg::Long("help") | Arg::Short('h')) | None => Ok(None),
        Some(other) => Err(other.unexpected().into()),
    }
}
