use std::error::Error;
use std::fmt;

/// How much a [`StreamReader`](crate::StreamReader) keeps for its connection, in bytes.
///
/// asyncio has one `limit` for three things: the longest line, half of what may be kept before the
/// transport is paused, and the size of a step of a read to the end (D-38). Here they are two, and
/// the third does not exist.
///
/// ```
/// use chapter_06::StreamLimits;
///
/// let default = StreamLimits::default();
/// assert_eq!((default.line_max(), default.kept_max()), (65_536, 131_072));
/// let short_lines = default.with_line_max(80)?;
/// assert_eq!((short_lines.line_max(), short_lines.kept_max()), (80, 131_072));
/// # Ok::<(), chapter_06::ZeroLimit>(())
/// ```
#[doc(alias = "limit")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    line_max: usize,
    kept_max: usize,
}

impl StreamLimits {
    /// The limit where none is given (RD-10).
    pub const DEFAULT: usize = 64 * 1024;

    /// What asyncio makes of one limit: a line has at most so many bytes before its separator, and
    /// reading pauses when more than twice as many are kept.
    ///
    /// # Errors
    ///
    /// It is zero (RD-10).
    pub fn new(limit: usize) -> Result<StreamLimits, ZeroLimit> {
        StreamLimits { line_max: limit, kept_max: limit.saturating_mul(2) }.check()
    }

    /// The same, with another length of the longest line.
    ///
    /// # Errors
    ///
    /// It is zero.
    pub fn with_line_max(self, line_max: usize) -> Result<StreamLimits, ZeroLimit> {
        StreamLimits { line_max, ..self }.check()
    }

    /// The same, with another bound of what is kept. A read that needs more at once gets it all the
    /// same (RD-12).
    ///
    /// # Errors
    ///
    /// It is zero.
    pub fn with_kept_max(self, kept_max: usize) -> Result<StreamLimits, ZeroLimit> {
        StreamLimits { kept_max, ..self }.check()
    }

    /// How many bytes may stand before a separator (RD-06).
    pub fn line_max(self) -> usize {
        self.line_max
    }

    /// Above so many bytes the transport is paused; at half of them or fewer it goes on (RD-11).
    /// The receive that crosses it may bring [`TURN_MAX`](chapter_04::TURN_MAX) bytes more (RD-13).
    pub fn kept_max(self) -> usize {
        self.kept_max
    }

    fn check(self) -> Result<StreamLimits, ZeroLimit> {
        if self.line_max == 0 || self.kept_max == 0 { Err(ZeroLimit) } else { Ok(self) }
    }
}

impl Default for StreamLimits {
    fn default() -> StreamLimits {
        StreamLimits { line_max: StreamLimits::DEFAULT, kept_max: 2 * StreamLimits::DEFAULT }
    }
}

/// A limit of a stream would be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZeroLimit;

impl fmt::Display for ZeroLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the limit of a stream cannot be zero: allow one byte or more")
    }
}

impl Error for ZeroLimit {}
