use std::error::Error;
use std::fmt;

/// The marks of a write buffer, in bytes: above `high` the protocol is told to pause, at `low` or
/// below to go on. Between them nothing is said, so that it is not told at every byte.
///
/// `low` is never above `high` (FC-02).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaterMarks {
    low: usize,
    high: usize,
}

impl WaterMarks {
    /// The high mark where none is given.
    pub const HIGH: usize = 64 * 1024;

    /// Marks. A `high` that is left out is four times `low`, or [`HIGH`](WaterMarks::HIGH) without
    /// that; a `low` that is left out is a quarter of `high` (FC-01). So zero for `high` alone makes
    /// both zero: any byte that is kept pauses (FC-07).
    ///
    /// # Errors
    ///
    /// `high` is below `low`.
    pub fn new(high: Option<usize>, low: Option<usize>) -> Result<WaterMarks, LimitsError> {
        let default_high = || low.map_or(WaterMarks::HIGH, |low| low.saturating_mul(4));
        let high = high.unwrap_or_else(default_high);
        let low = low.unwrap_or(high / 4);
        if high < low { Err(LimitsError { high, low }) } else { Ok(WaterMarks { low, high }) }
    }

    /// At so many bytes or fewer the protocol is told to go on.
    pub fn low(self) -> usize {
        self.low
    }

    /// Above so many bytes the protocol is told to pause.
    pub fn high(self) -> usize {
        self.high
    }
}

impl Default for WaterMarks {
    fn default() -> WaterMarks {
        WaterMarks { low: WaterMarks::HIGH / 4, high: WaterMarks::HIGH }
    }
}

/// The high-water mark would be below the low one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsError {
    high: usize,
    low: usize,
}

impl fmt::Display for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitsError { high, low } = self;
        write!(f, "high ({high}) must be at least low ({low}): raise the one or lower the other")
    }
}

impl Error for LimitsError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// FC-01, FC-02 and FC-07.
    #[test]
    fn what_is_left_out_follows_from_the_other() {
        let marks = |high, low| WaterMarks::new(high, low).map(|marks| (marks.low, marks.high));
        assert_eq!(marks(None, None), Ok((16_384, 65_536)));
        assert_eq!(marks(Some(1000), None), Ok((250, 1000)));
        assert_eq!(marks(None, Some(1000)), Ok((1000, 4000)));
        assert_eq!(marks(None, Some(0)), Ok((0, 0)));
        assert_eq!(marks(Some(0), None), Ok((0, 0)));
        assert_eq!(marks(Some(3), None), Ok((0, 3)));
        assert_eq!(marks(Some(7), Some(7)), Ok((7, 7)));
        assert_eq!(marks(None, Some(usize::MAX)), Ok((usize::MAX, usize::MAX)));
        let refused = marks(Some(6), Some(7)).unwrap_err();
        assert!(refused.to_string().starts_with("high (6) must be at least low (7)"));
    }
}
