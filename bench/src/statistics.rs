use serde::{Deserialize, Serialize};
use std::fmt;

/// The middle of what several rounds have shown, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Half of the rounds show less, half more.
    pub median: f64,
    /// A quarter of the rounds show less than this.
    pub low: f64,
    /// A quarter of the rounds show more than this.
    pub high: f64,
}

impl Summary {
    /// Sums up `values`; `None` if there is none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Summary> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Some(Summary {
            median: quantile(&values, 0.5)?,
            low: quantile(&values, 0.25)?,
            high: quantile(&values, 0.75)?,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        let Summary { median, low, high } = self;
        write!(f, "{median:.digits$} ({low:.digits$} to {high:.digits$})")
    }
}

/// The value below which `share` (0 to 1) of the sorted values lie; between two values, the straight line between
/// them. `None` if there is no value.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_known_values() {
        let sorted = [10.0, 20.0, 30.0, 40.0];
        assert_eq!(quantile(&sorted, 0.0), Some(10.0));
        assert_eq!(quantile(&sorted, 0.5), Some(25.0));
        assert_eq!(quantile(&sorted, 1.0), Some(40.0));
        assert_eq!(quantile(&[7.0], 0.99), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn a_summary_does_not_depend_on_the_order_or_on_one_outlier() {
        let summary = Summary::of([1.04, 1.0, 99.0, 1.02, 1.01]);
        assert_eq!(summary, Some(Summary { median: 1.02, low: 1.01, high: 1.04 }));
        assert_eq!(summary.unwrap().to_string(), "1.02 (1.01 to 1.04)");
        assert_eq!(Summary::of([]), None);
    }
}
