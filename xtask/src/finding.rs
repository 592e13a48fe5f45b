//! What is wrong, and where: one line each, all of them together instead of the first alone.

use std::fmt::{self, Display, Formatter};

use anyhow::{Result, bail};

/// One thing that makes the book wrong.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, from the workspace root where it lies below it.
    file: String,
    /// Counted from 1; 0 if it is about the file as a whole.
    line: usize,
    message: String,
}

impl Finding {
    /// Something at `line` (from 1) of `file`.
    pub(crate) fn at(file: impl Into<String>, line: usize, message: impl Display) -> Self {
        Self { file: file.into(), line, message: message.to_string() }
    }

    /// Something about `file` as a whole.
    pub(crate) fn about(file: impl Into<String>, message: impl Display) -> Self {
        Self::at(file, 0, message)
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

/// Fails with all of `findings`, sorted by place, if there are any.
///
/// # Errors
/// One line for each finding.
pub(crate) fn fail_on(mut findings: Vec<Finding>) -> Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    findings.sort();
    findings.dedup();
    bail!("{}", findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n"));
}
