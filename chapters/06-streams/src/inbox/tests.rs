mod beside_model;
mod model;
mod random;
mod rules;

use super::{Inbox, ReadResult};
use crate::connection_lost::ConnectionLost;
use crate::read_error::ReadError;
use crate::search::Search;
use crate::stream_limits::StreamLimits;
use chapter_05::ConnectionError;
use std::io::ErrorKind;

/// Something to read for.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Read(usize),
    ReadToEnd,
    ReadExactly(usize),
    ReadUntil(&'static [&'static [u8]]),
    ReadLine,
}

/// An operation that is tried again and again.
struct Attempt {
    operation: Operation,
    search: Search<'static>,
}

impl Attempt {
    fn new(operation: Operation) -> Attempt {
        let separators: &[&[u8]] = match operation {
            Operation::ReadUntil(separators) => separators,
            _ => &[b"\n"],
        };
        Attempt { operation, search: Search::new(separators).unwrap() }
    }

    fn once_more(&mut self, inbox: &mut Inbox) -> Option<ReadResult> {
        match self.operation {
            Operation::Read(max) => inbox.try_read(max),
            Operation::ReadToEnd => inbox.try_read_to_end(),
            Operation::ReadExactly(count) => inbox.try_read_exactly(count),
            Operation::ReadUntil(_) => inbox.try_read_until(&mut self.search),
            Operation::ReadLine => inbox.try_readline(&mut self.search),
        }
    }
}

/// What a read gives, in a form that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer<'a> {
    NotYet,
    Bytes(&'a [u8]),
    Incomplete(&'a [u8], Option<usize>),
    Overrun { consumed: usize, found: bool },
    TooLong,
    Lost(ErrorKind),
}

fn answer(read: &Option<ReadResult>) -> Answer<'_> {
    match read {
        None => Answer::NotYet,
        Some(Ok(bytes)) => Answer::Bytes(bytes),
        Some(Err(ReadError::Incomplete { partial, expected })) => {
            Answer::Incomplete(partial, *expected)
        }
        Some(Err(ReadError::LimitOverrun { consumed, found })) => {
            Answer::Overrun { consumed: *consumed, found: *found }
        }
        Some(Err(ReadError::LineTooLong { .. })) => Answer::TooLong,
        Some(Err(ReadError::Lost(lost))) => Answer::Lost(lost.kind()),
        Some(Err(ReadError::EmptySeparator)) => panic!("no separator here is empty"),
    }
}

/// How the connections of these tests break.
const BREAK: ErrorKind = ErrorKind::ConnectionReset;

fn broken() -> ConnectionLost {
    ConnectionLost::new(Some(ConnectionError::Io(BREAK.into())), 0)
}

fn limits(line_max: usize) -> StreamLimits {
    StreamLimits::new(line_max).unwrap()
}
