use crate::connection_lost::ConnectionLost;
use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

/// Why a read gives no bytes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReadError {
    /// The peer has ended in the middle of what was read for (RD-02, RD-04).
    #[doc(alias = "IncompleteReadError")]
    Incomplete {
        /// All that came before the end.
        partial: Vec<u8>,
        /// How many bytes were to be read. `None`: as many as there are up to a separator.
        expected: Option<usize>,
    },
    /// More bytes than [`line_max`](crate::StreamLimits::line_max) stand before the separator. All
    /// of them can still be read (RD-05).
    #[doc(alias = "LimitOverrunError")]
    LimitOverrun {
        /// How many bytes are certainly before the separator: reading these misses none.
        consumed: usize,
        /// Whether the separator is there, right behind these.
        found: bool,
    },
    /// More bytes than [`line_max`](crate::StreamLimits::line_max) stand before the end of the line.
    /// The line is thrown away, to its end: the next read begins with the next line (D-38).
    LineTooLong {
        /// How many bytes a line may have before its end.
        line_max: usize,
    },
    /// There is no separator to read to, or one of them is empty.
    EmptySeparator,
    /// The connection is lost, and not in order. What came before can still be read, by
    /// [`read`](crate::StreamReader::read) (D-20).
    Lost(ConnectionLost),
}

impl ReadError {
    fn kind(&self) -> ErrorKind {
        match self {
            ReadError::Incomplete { .. } => ErrorKind::UnexpectedEof,
            ReadError::LimitOverrun { .. } | ReadError::LineTooLong { .. } => {
                ErrorKind::InvalidData
            }
            ReadError::EmptySeparator => ErrorKind::InvalidInput,
            ReadError::Lost(lost) => lost.kind(),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Incomplete { partial, expected: Some(expected) } => {
                write!(f, "the peer has ended after {} of {expected} bytes", partial.len())
            }
            ReadError::Incomplete { partial, expected: None } => {
                write!(f, "the peer has ended after {} bytes and no separator", partial.len())
            }
            ReadError::LimitOverrun { consumed, found: true } => {
                write!(f, "the separator comes after {consumed} bytes, which is above the limit")
            }
            ReadError::LimitOverrun { consumed, found: false } => {
                write!(f, "there is no separator in {consumed} bytes, which is above the limit")
            }
            ReadError::LineTooLong { line_max } => {
                write!(f, "a line has more than {line_max} bytes: it is thrown away")
            }
            ReadError::EmptySeparator => {
                f.write_str("a separator must have a byte: it would be found everywhere")
            }
            ReadError::Lost(lost) => lost.fmt(f),
        }
    }
}

impl Error for ReadError {}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> io::Error {
        io::Error::new(error.kind(), error)
    }
}
