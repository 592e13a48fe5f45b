//! differs: Lines are found with `memchr`'s idea, a search for `\n` and a look at the byte before it; the next line is
//! split off to the front of a queue of whole lines by `push`.

mod line_buffer {
    use std::collections::VecDeque;

    pub struct LineBuffer {
        bytes: Vec<u8>,
        /// Lengths of the whole lines at the front of `bytes`, behind `given`.
        whole: VecDeque<usize>,
        given: usize,
        line_max: usize,
    }

    impl LineBuffer {
        pub fn new(line_max: usize) -> LineBuffer {
            LineBuffer { bytes: Vec::new(), whole: VecDeque::new(), given: 0, line_max }
        }

        pub fn push(&mut self, received: &[u8]) {
            self.bytes.drain(..self.given);
            self.given = 0;
            let mut last = self.whole.iter().sum::<usize>();
            for &byte in received {
                let ends = byte == b'\n' && self.bytes.len() > last && self.bytes.ends_with(b"\r");
                self.bytes.push(byte);
                if ends {
                    self.whole.push_back(self.bytes.len() - last);
                    last = self.bytes.len();
                }
            }
        }

        pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
            let length = self.whole.front().copied();
            if length.unwrap_or(self.bytes.len() - self.given) > self.line_max {
                return Err(LineTooLong { line_max: self.line_max });
            }
            let Some(length) = length else { return Ok(None) };
            self.whole.pop_front();
            self.given += length;
            Ok(Some(&self.bytes[self.given - length..self.given]))
        }

        pub fn len(&self) -> usize {
            self.bytes.len() - self.given
        }
    }
}
