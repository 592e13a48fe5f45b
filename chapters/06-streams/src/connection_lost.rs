use chapter_04::{contained, contained_text};
use chapter_05::ConnectionError;
use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// How a connection has ended, for those who still wanted something of it.
///
/// It is a value of its own for each of them, and they share the cause, which nobody changes (D-36).
#[derive(Debug, Clone)]
pub struct ConnectionLost {
    cause: Option<Arc<io::Error>>,
    unsent: usize,
}

impl ConnectionLost {
    pub(crate) fn new(error: Option<ConnectionError>, unsent: usize) -> ConnectionLost {
        let cause = error.map(|error| {
            Arc::new(match error {
                ConnectionError::Io(error) => error,
                // Of a protocol. It may be of any type, and its text and its destructor may panic.
                other => {
                    let text = contained_text(&other);
                    let _ = contained(|| drop(other));
                    io::Error::other(text)
                }
            })
        });
        ConnectionLost { cause, unsent }
    }

    /// Of a connection that nobody tells its stream of any more.
    pub(crate) fn abandoned(unsent: usize) -> ConnectionLost {
        let why = "its loop is closed, or it has another protocol";
        let cause = io::Error::new(ErrorKind::ConnectionAborted, why);
        ConnectionLost { cause: Some(Arc::new(cause)), unsent }
    }

    /// What has ended it. `None`: it was closed or aborted at this end.
    pub fn cause(&self) -> Option<&io::Error> {
        self.cause.as_deref()
    }

    /// How many bytes were written and thrown away, because they were not sent (D-21).
    pub fn unsent(&self) -> usize {
        self.unsent
    }

    /// What whoever waits for the end is told: a failure if something of what was written is
    /// certainly lost, or may be.
    pub(crate) fn into_result(self) -> Result<(), ConnectionLost> {
        if self.cause.is_some() || self.unsent > 0 { Err(self) } else { Ok(()) }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.cause().map_or(ErrorKind::ConnectionAborted, io::Error::kind)
    }
}

impl fmt::Display for ConnectionLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Some(cause) => write!(f, "the connection was lost: {cause}")?,
            None => f.write_str("the connection was closed")?,
        }
        if self.unsent > 0 {
            write!(f, "; {} bytes were not sent", self.unsent)?;
        }
        Ok(())
    }
}

impl Error for ConnectionLost {
    /// What is behind the cause, whose own text is in this one's.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause()?.source()
    }
}

impl From<ConnectionLost> for io::Error {
    fn from(lost: ConnectionLost) -> io::Error {
        io::Error::new(lost.kind(), lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a program says why it ends.
    #[test]
    fn a_chain_of_errors_in_one_line_has_the_cause_once() {
        let reset = ConnectionError::Io(io::Error::other("reset"));
        let lost = ConnectionLost::new(Some(reset), 3);
        let line = format!("{:#}", anyhow::Error::new(lost).context("it failed"));
        assert_eq!(line, "it failed: the connection was lost: reset; 3 bytes were not sent");
    }
}
