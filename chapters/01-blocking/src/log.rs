use std::fmt;
use std::io::{self, Write};

/// How many bytes an [`Excerpt`] shows.
const EXCERPT_MAX: usize = 40;

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
    /// A server does not end because nobody reads its output any more, so a failure to write is
    /// passed over (`println!` would panic).
    #[inline]
    pub fn line<T: fmt::Display>(self, text: impl FnOnce() -> T) {
        if self == Log::Stdout {
            write_line(&text());
        }
    }

    /// Writes one line about a fault to standard error, however quiet the server is.
    pub fn report(text: fmt::Arguments<'_>) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// Out of line, so that a quiet server pays for one comparison.
#[cold]
fn write_line(text: &dyn fmt::Display) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Received bytes as a line of a log shows them: their number and their beginning, escaped.
#[derive(Debug, Clone, Copy)]
pub struct Excerpt<'a>(pub &'a [u8]);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let shown = self.0[..count.min(EXCERPT_MAX)].escape_ascii();
        let more = if count > EXCERPT_MAX { "..." } else { "" };
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{count} byte{plural}: \"{shown}\"{more}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_printable() {
        assert_eq!(Excerpt(b"\r").to_string(), r#"1 byte: "\r""#);
        assert_eq!(
            Excerpt(&[b'x'; 41]).to_string(),
            format!("41 bytes: \"{}\"...", "x".repeat(40))
        );
    }
}
