//! What a read is asked for, and what it says.

use crate::scene::Task;
use chapter_06::{Chunk, ReadError, StreamReader};
use grading::{Trial, Verdict, shown};
use std::fmt;
use std::io::ErrorKind;

/// A read.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Read(usize),
    ReadToEnd,
    ReadExactly(usize),
    ReadUntil(Vec<Vec<u8>>),
}

impl Ask {
    pub(crate) fn until(separator: &[u8]) -> Ask {
        Ask::ReadUntil(vec![separator.to_vec()])
    }

    pub(crate) async fn of(self, reader: &mut StreamReader) -> Result<Chunk, ReadError> {
        match self {
            Ask::Read(max) => reader.read(max).await,
            Ask::ReadToEnd => reader.read_to_end().await,
            Ask::ReadExactly(count) => reader.readexactly(count).await,
            Ask::ReadUntil(separators) => match &separators[..] {
                [one] => reader.readuntil(one).await,
                several => {
                    let several: Vec<&[u8]> = several.iter().map(Vec::as_slice).collect();
                    reader.readuntil_any(&several).await
                }
            },
        }
    }
}

/// As a call of it is written.
impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| format!("\"{}\"", bytes.escape_ascii());
        match self {
            Ask::Read(max) => write!(f, "read({max})"),
            Ask::ReadToEnd => f.write_str("read_to_end()"),
            Ask::ReadExactly(count) => write!(f, "readexactly({count})"),
            Ask::ReadUntil(separators) => match &separators[..] {
                [one] => write!(f, "readuntil({})", text(one)),
                several => {
                    let several: Vec<String> = several.iter().map(|bytes| text(bytes)).collect();
                    write!(f, "readuntil_any({})", several.join(", "))
                }
            },
        }
    }
}

/// What a read has said so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// It waits.
    NotYet,
    Bytes(Vec<u8>),
    Incomplete(Vec<u8>, Option<usize>),
    Overrun {
        consumed: usize,
        found: bool,
    },
    EmptySeparator,
    Lost(ErrorKind),
    Other(String),
}

impl Said {
    pub(crate) fn bytes(bytes: impl AsRef<[u8]>) -> Said {
        Said::Bytes(bytes.as_ref().to_vec())
    }

    fn of(read: Result<Chunk, ReadError>) -> Said {
        match read {
            Ok(bytes) => Said::Bytes(bytes.into_vec()),
            Err(ReadError::Incomplete { partial, expected }) => Said::Incomplete(partial, expected),
            Err(ReadError::LimitOverrun { consumed, found }) => Said::Overrun { consumed, found },
            Err(ReadError::EmptySeparator) => Said::EmptySeparator,
            Err(ReadError::Lost(lost)) => {
                Said::Lost(lost.cause().map_or(ErrorKind::Other, std::io::Error::kind))
            }
            Err(other) => Said::Other(other.to_string()),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Said::NotYet => f.write_str("it waits"),
            Said::Bytes(bytes) => f.write_str(&shown(bytes)),
            Said::Incomplete(partial, None) => write!(f, "Incomplete with {}", shown(partial)),
            Said::Incomplete(partial, Some(expected)) => {
                write!(f, "Incomplete with {} of {expected}", shown(partial))
            }
            Said::Overrun { consumed, found } => {
                write!(f, "LimitOverrun {{ consumed: {consumed}, found: {found} }}")
            }
            Said::EmptySeparator => f.write_str("EmptySeparator"),
            Said::Lost(kind) => write!(f, "Lost, for the cause {kind:?}"),
            Said::Other(error) => write!(f, "the error \"{error}\""),
        }
    }
}

/// A task that reads.
pub(crate) struct Reading {
    pub(crate) ask: Ask,
    pub(crate) task: Task<Result<Chunk, ReadError>>,
}

impl Reading {
    /// What it says, once; before that, and after, it waits.
    pub(crate) fn said(&self) -> Said {
        self.task.outcome().map_or(Said::NotYet, Said::of)
    }

    /// It says `expected` by now.
    pub(crate) fn says(&self, trial: &Trial, expected: &Said, why: &str) -> Verdict {
        let came = self.said();
        let ask = &self.ask;
        if let (Said::Bytes(expected), Said::Bytes(came)) = (expected, &came) {
            trial.expect_bytes(&format!("{ask} gives"), expected, came, why)?;
        } else {
            trial.ensure(came == *expected, format!("{ask}: {expected}"), &came, why)?;
        }
        trial.did(match expected {
            Said::NotYet => format!("{ask} waits"),
            Said::Bytes(bytes) => format!("{ask} gives {}", shown(bytes)),
            error => format!("{ask} fails: {error}"),
        });
        Ok(())
    }

    /// Drops the future where it waits.
    pub(crate) fn is_given_up(self, trial: &Trial) {
        trial.did(format!("{} is given up", self.ask));
        self.task.handle.cancel_now();
    }
}
