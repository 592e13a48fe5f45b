//! The command line of a `lab` command: words, flags and options, each by its name.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser, ValueExt};

/// What was typed behind `cargo x lab COMMAND`.
#[derive(Debug, Default)]
pub(crate) struct Options {
    words: Vec<String>,
    flags: BTreeSet<String>,
    values: BTreeMap<String, String>,
}

impl Options {
    /// Reads the rest of the command line: `flags` stand alone, each of `values` takes one.
    ///
    /// # Errors
    /// If there is an option that the command does not have, or one without its value.
    pub(crate) fn read(mut arguments: Parser, flags: &[&str], values: &[&str]) -> Result<Self> {
        let mut options = Self::default();
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
            [_, more, ..] => bail!("`{more}` is one word too many: this command takes {what}"),
        }
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
