use chapter_05::ConnectionError;
use serde_json::{Value, json};
use std::io::ErrorKind;

/// What a callback of a scenario fails with.
pub(crate) const FAILURE: &str = "this callback was told to fail";

/// One thing that happened. The names are those of the traces.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    Factory,
    Made,
    /// The creator has got transport and protocol.
    Returned,
    Data(usize),
    Eof,
    Pause,
    Resume,
    Lost(&'static str),
    /// The exception handler was called.
    Reported(&'static str),
    /// A step was refused, with asyncio's exception for that.
    Refused(&'static str, &'static str),
    State {
        closing: bool,
        reading: bool,
        buffered: bool,
    },
    PeerEof,
    PeerReset,
    Mark(Value),
}

impl Event {
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Event::Factory => json!(["factory"]),
            Event::Made => json!(["made"]),
            Event::Returned => json!(["returned"]),
            Event::Data(count) => json!(["data", count]),
            Event::Eof => json!(["eof"]),
            Event::Pause => json!(["pause"]),
            Event::Resume => json!(["resume"]),
            Event::Lost(kind) => json!(["lost", kind]),
            Event::Reported(kind) => json!(["reported", kind]),
            Event::Refused(step, kind) => json!(["error", step, kind]),
            Event::State { closing, reading, buffered } => {
                let state = json!({"closing": closing, "reading": reading, "buffered": buffered});
                json!(["state", state])
            }
            Event::PeerEof => json!(["peer_eof"]),
            Event::PeerReset => json!(["peer_reset"]),
            Event::Mark(what) => json!(["mark", what]),
        }
    }
}

/// What a connection was lost with, in the words of the traces.
pub(crate) fn kind_of_loss(error: Option<&ConnectionError>) -> &'static str {
    match error {
        None => "ok",
        Some(ConnectionError::Io(error)) => match error.kind() {
            ErrorKind::ConnectionReset => "reset",
            ErrorKind::BrokenPipe => "pipe",
            _ => "other",
        },
        Some(ConnectionError::Protocol(error)) => kind_of_failure(&error.to_string()),
        Some(ConnectionError::Panicked(message)) => kind_of_failure(message),
        Some(_) => "other",
    }
}

/// What was reported, in the words of the traces.
pub(crate) fn kind_of_failure(message: &str) -> &'static str {
    if message == FAILURE { "user" } else { "other" }
}
