use std::fmt;
use std::io::{self, Write};

/// Where a server tells what happens: standard output, or nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// One line for each thing that happens.
    Stdout,
    /// Silence.
    Quiet,
}

impl Log {
    /// Writes one line.
    ///
    /// A server does not end because nobody reads its output any more, so a failure to write is passed over
    /// (`println!` would panic).
    #[inline]
    pub fn line(self, text: fmt::Arguments<'_>) {
        if self == Log::Stdout {
            let _ = writeln!(io::stdout().lock(), "{text}");
        }
    }
}
