//! The commands of whoever writes the book: `cargo x book …` and `cargo x contract`.

use std::io::{stdin, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser, ValueExt};

use crate::include::Preprocessor;
use crate::{book, contract, full_help, help, here, ownership, serve, word};

/// The commands, as the help lists them.
pub(crate) const HELP: &str = "\
cargo x book build [--dest DIR]           build the book into DIR (book/build)
cargo x book serve [--listen ADDR]        build, serve on ADDR (127.0.0.1:3000), and build anew after a change
cargo x book test [--references FILE]     build with all checks; each snapshot must be owned by a test: FILE is the list that
                                          insta wrote (INSTA_SNAPSHOT_REFERENCES_FILE), else the tests are run for it
cargo x book item|snap [supports NAME]    the book's preprocessors, for a stock mdbook
cargo x contract [--markdown]             the contract's rules with the tests that cite them; fails on a gap";

/// Their names.
pub(crate) const COMMANDS: [&str; 2] = ["book", "contract"];

/// Does what `command`, one of [`COMMANDS`], asks for.
///
/// # Errors
/// If it fails, or is not what was meant.
pub(crate) fn run(command: &str, mut arguments: Parser) -> Result<()> {
    if command == "book" {
        return book_command(arguments);
    }
    let markdown = flag(&mut arguments, "markdown")?;
    contract::run(&here()?, markdown)
}

fn book_command(mut arguments: Parser) -> Result<()> {
    match word(&mut arguments)?.as_deref() {
        Some("build") => {
            let dest: Option<PathBuf> = option(&mut arguments, "dest")?;
            let workspace = here()?;
            let dest = dest.unwrap_or_else(|| workspace.book().join("build"));
            book::build(&workspace, &dest)
        }
        Some("serve") => {
            let address: Option<SocketAddr> = option(&mut arguments, "listen")?;
            serve::serve(&here()?, address.unwrap_or(serve::ADDRESS))
        }
        Some("test") => {
            let references: Option<PathBuf> = option(&mut arguments, "references")?;
            let workspace = here()?;
            let folder = tempfile::tempdir()?;
            book::build(&workspace, &folder.path().join("book"))?;
            ownership::check(&workspace, references.as_deref())
        }
        Some("item") => preprocess(Preprocessor::Item, arguments),
        Some("snap") => preprocess(Preprocessor::Snap, arguments),
        Some(other) => bail!("no command `book {other}`\n{}", full_help()),
        None => help(),
    }
}

/// mdbook first asks `supports RENDERER`, then gives the book.
fn preprocess(preprocessor: Preprocessor, mut arguments: Parser) -> Result<()> {
    match word(&mut arguments)?.as_deref() {
        None => book::preprocess(preprocessor, stdin().lock(), &mut stdout().lock()),
        Some("supports") => match word(&mut arguments)?.as_deref() {
            Some("html") => Ok(()),
            renderer => bail!(
                "`book {}` is for html, not for {}",
                preprocessor.name(),
                renderer.unwrap_or("nothing")
            ),
        },
        Some(other) => bail!("no command `book {} {other}`\n{}", preprocessor.name(), full_help()),
    }
}

/// The value of the only option that is left, if it is given.
fn option<T>(arguments: &mut Parser, name: &str) -> Result<Option<T>>
where
    T: std::str::FromStr,
    T::Err: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut value = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long(long) if long == name => {
                value = Some(arguments.value()?.parse().with_context(|| format!("--{name}"))?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(value)
}

/// Whether the only flag that is left is given.
fn flag(arguments: &mut Parser, name: &str) -> Result<bool> {
    let mut given = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long(long) if long == name => given = true,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(given)
}
