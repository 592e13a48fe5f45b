use super::{Answer, BREAK, Operation};

/// What an inbox is to say. It has the whole connection before it, knows how much of it has come, and
/// looks at all of that each time.
#[derive(Debug)]
pub(super) struct Model<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) line_max: usize,
    /// How many of the bytes have come.
    pub(super) come: usize,
    /// How many have been read, or belong to a line that was too long. These may be still to come.
    pub(super) gone: usize,
    pub(super) end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Eof,
    Broken,
}

impl<'a> Model<'a> {
    pub(super) fn new(bytes: &'a [u8], line_max: usize) -> Model<'a> {
        Model { bytes, line_max, come: 0, gone: 0, end: None }
    }

    /// What can be read.
    pub(super) fn kept(&self) -> &'a [u8] {
        if self.gone < self.come { &self.bytes[self.gone..self.come] } else { &[] }
    }

    pub(super) fn at_eof(&self) -> bool {
        self.end == Some(End::Eof) && self.kept().is_empty()
    }

    pub(super) fn answer(&mut self, operation: Operation) -> Answer<'a> {
        let kept = self.kept();
        match operation {
            Operation::Read(0) => Answer::Bytes(&[]),
            Operation::Read(max) if !kept.is_empty() => self.take(max.min(kept.len())),
            Operation::Read(_) | Operation::ReadToEnd => self.at_end(Answer::Bytes),
            Operation::ReadExactly(count) if kept.len() >= count => self.take(count),
            Operation::ReadExactly(count) => {
                self.at_end(|rest| Answer::Incomplete(rest, Some(count)))
            }
            Operation::ReadUntil(separators) => self.read_until(separators),
            Operation::ReadLine => self.read_line(),
        }
    }

    fn read_until(&mut self, separators: &[&[u8]]) -> Answer<'a> {
        let kept = self.kept();
        if let Some((start, end)) = first(separators, kept) {
            let is_far = start > self.line_max;
            let overrun = Answer::Overrun { consumed: start, found: true };
            return if is_far { overrun } else { self.take(end) };
        }
        let longest = separators.iter().map(|separator| separator.len()).max().unwrap();
        // The last bytes may begin a separator.
        let consumed = (kept.len() + 1).saturating_sub(longest);
        if consumed > self.line_max {
            return Answer::Overrun { consumed, found: false };
        }
        self.at_end(|rest| Answer::Incomplete(rest, None))
    }

    fn read_line(&mut self) -> Answer<'a> {
        let kept = self.kept();
        let newline = kept.iter().position(|byte| *byte == b'\n');
        match newline {
            Some(length) if length <= self.line_max => self.take(length + 1),
            None if kept.len() <= self.line_max => self.at_end(Answer::Bytes),
            _ => {
                let rest = &self.bytes[self.gone..];
                let newline = rest.iter().position(|byte| *byte == b'\n');
                self.gone += newline.map_or(rest.len(), |length| length + 1);
                Answer::TooLong
            }
        }
    }

    fn take(&mut self, count: usize) -> Answer<'a> {
        let taken = &self.kept()[..count];
        self.gone += count;
        Answer::Bytes(taken)
    }

    fn at_end(&mut self, answer: impl FnOnce(&'a [u8]) -> Answer<'a>) -> Answer<'a> {
        match self.end {
            None => Answer::NotYet,
            Some(End::Broken) => Answer::Lost(BREAK),
            Some(End::Eof) => {
                let rest = self.kept();
                self.gone += rest.len();
                answer(rest)
            }
        }
    }
}

/// Where the separator that ends first begins and ends; the shortest one, if several end there.
fn first(separators: &[&[u8]], bytes: &[u8]) -> Option<(usize, usize)> {
    (1..=bytes.len()).find_map(|end| {
        let ending = separators.iter().filter(|separator| bytes[..end].ends_with(separator));
        Some((end - ending.map(|separator| separator.len()).min()?, end))
    })
}
