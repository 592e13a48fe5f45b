use crate::contained::contained_text;
use chapter_01::Log;
use std::fmt;
use std::net::SocketAddr;
use std::panic::Location;

/// What a loop tells its exception handler: something failed, and there is nobody to return it to.
#[doc(alias = "context")]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ErrorContext {
    /// What happened, in words that are always the same.
    pub message: &'static str,
    /// What the failure says of itself.
    pub error: Option<String>,
    /// What failed.
    pub subject: Option<Subject>,
}

/// What has failed, and where it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A callback, by the line that scheduled it.
    Callback(&'static Location<'static>),
    /// A task, by the line that spawned it.
    Task(&'static Location<'static>),
    /// A future, by the line that made it.
    Future(&'static Location<'static>),
    /// A connection, by the address of its peer.
    Connection(SocketAddr),
}

impl ErrorContext {
    /// A context that says what happened.
    pub fn new(message: &'static str) -> ErrorContext {
        ErrorContext { message, error: None, subject: None }
    }

    /// The same, with what the failure says of itself.
    #[must_use]
    pub fn with_error(self, error: impl fmt::Display) -> ErrorContext {
        ErrorContext { error: Some(contained_text(error)), ..self }
    }

    /// The same, with what has failed, if that has a name.
    #[must_use]
    pub fn about(self, subject: impl Into<Option<Subject>>) -> ErrorContext {
        ErrorContext { subject: subject.into(), ..self }
    }

    /// What a loop does without a handler of its own: writes one line to standard error (LP-25).
    #[doc(alias = "default_exception_handler")]
    pub fn log(&self) {
        Log::report(format_args!("{self}"));
    }
}

/// One line: the message, what failed, and why.
impl fmt::Display for ErrorContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)?;
        if let Some(subject) = &self.subject {
            write!(f, " ({subject})")?;
        }
        self.error.as_ref().map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Callback(place) => write!(f, "callback of {place}"),
            Subject::Task(place) => write!(f, "task of {place}"),
            Subject::Future(place) => write!(f, "future of {place}"),
            Subject::Connection(peer) => write!(f, "connection of {peer}"),
        }
    }
}
