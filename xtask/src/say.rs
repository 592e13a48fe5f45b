//! What commands say, to whoever may have stopped listening.

use std::io::{ErrorKind, Write, stderr, stdout};

use anyhow::{Context, Result};

/// Writes `text` to the standard output, and gives whether somebody still reads it.
///
/// A reader that has closed its end, as `head` does, has what it wanted: that is no error, and what the command does beside
/// printing is done.
///
/// # Errors
/// If it cannot be written for another reason: the disk is full.
pub(crate) fn print(text: impl AsRef<[u8]>) -> Result<bool> {
    let mut stdout = stdout().lock();
    match stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("the standard output cannot be written"),
    }
}

/// Writes `text` to the standard error, if that is possible: there is no other place to say that it is not.
pub(crate) fn note(text: &str) {
    let _ = stderr().lock().write_all(text.as_bytes());
}
