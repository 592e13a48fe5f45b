//! The command line of a `lab` command: words, flags and options, each by its name.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser, ValueExt};

use super::ASSIGNMENT;

/// What was typed behind `cargo x lab COMMAND`.
#[derive(Debug, Default)]
pub(crate) struct Options {
    words: Vec<String>,
    flags: BTreeSet<String>,
    values: BTreeMap<String, String>,
    /// Whether the command can be told to do with one task: `--task N.K`.
    takes_task: bool,
}

/// The assignment's number in what looks like a task: `4` of `4.5`.
fn task_number(word: &str) -> Option<&str> {
    let (number, place) = word.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(number) && is_number(place)).then_some(number)
}

impl Options {
    /// Reads the rest of the command line: `flags` stand alone, each of `values` takes one.
    ///
    /// # Errors
    /// If there is an option that the command does not have, or one without its value.
    pub(crate) fn read(mut arguments: Parser, flags: &[&str], values: &[&str]) -> Result<Self> {
        let mut options = Self { takes_task: values.contains(&"task"), ..Self::default() };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Value(word) => options.words.push(word.string()?),
                Arg::Long(name) if flags.contains(&name) => {
                    options.flags.insert(name.to_owned());
                }
                Arg::Long(name) if values.contains(&name) => {
                    let name = name.to_owned();
                    let value = arguments.value()?.string()?;
                    options.values.insert(name, value);
                }
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }

    /// The only word.
    ///
    /// # Errors
    /// If there is none, or more than one; `what` says what it is: `an assignment, such as 01`.
    pub(crate) fn word(&self, what: &str) -> Result<&str> {
        match &self.words[..] {
            [word] => Ok(word),
            [] => bail!("which one? This command takes {what}"),
            [_, more, ..] => {
                let meant = match task_number(more) {
                    Some(_) if self.takes_task => format!("; did you mean `--task {more}`?"),
                    _ => String::new(),
                };
                bail!("`{more}` is one word too many: this command takes {what}{meant}")
            }
        }
    }

    /// The only word, which names an assignment.
    ///
    /// # Errors
    /// As [`Options::word`], and if it is a task.
    pub(crate) fn assignment(&self) -> Result<&str> {
        let word = self.word(ASSIGNMENT)?;
        let Some(number) = task_number(word) else { return Ok(word) };
        let meant = if self.takes_task {
            format!("{number:0>2} --task {word}")
        } else {
            format!("{number:0>2}")
        };
        bail!("`{word}` is a task: this command takes {ASSIGNMENT}; did you mean `{meant}`?")
    }

    /// The words.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.contains(flag)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The number behind `--NAME`.
    ///
    /// # Errors
    /// If it is no number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>> {
        let parse = |text: &str| {
            text.parse().with_context(|| format!("--{name} takes a number, not `{text}`"))
        };
        self.value(name).map(parse).transpose()
    }
}
