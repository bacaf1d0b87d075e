//! Several runs of one measure as one figure.
//!
//! In: values. Out: median, extremes, spread. May touch: nothing.
//! Invariant: a figure lies between its extremes and never hides them.

use serde::Serialize;

/// What several runs gave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Figure {
    /// The middle value; of an even number of runs the mean of the middle two.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
    /// `(max - min) / median`: how far the runs lie apart.
    pub(crate) spread: f64,
}

impl Figure {
    /// The figure of these values; `None` of none. Values that are no numbers are left out.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Figure> {
        let mut values: Vec<f64> = values
            .into_iter()
            .filter(|value| value.is_finite())
            .collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let half = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[half]
        } else {
            f64::midpoint(values[half - 1], values[half])
        };
        let spread = if median == 0.0 {
            0.0
        } else {
            (max - min) / median.abs()
        };
        Some(Figure {
            median,
            min,
            max,
            spread,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], expected: Option<(f64, f64, f64, f64)>) {
        let figure = Figure::of(values.iter().copied());
        let parts = figure.map(|figure| (figure.median, figure.min, figure.max, figure.spread));
        assert_eq!(parts, expected, "{values:?}");
    }

    #[test]
    fn the_median_is_the_middle_and_the_spread_is_relative_to_it() {
        check(
            &[1_088.0, 800.0, 1_000.0],
            Some((1_000.0, 800.0, 1_088.0, 0.288)),
        );
        check(&[4.0, 2.0], Some((3.0, 2.0, 4.0, 2.0 / 3.0)));
        check(&[7.0], Some((7.0, 7.0, 7.0, 0.0)));
        check(&[0.0, 0.0], Some((0.0, 0.0, 0.0, 0.0)));
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        check(&[], None);
        check(&[f64::NAN], None);
        check(&[f64::INFINITY, 2.0], Some((2.0, 2.0, 2.0, 0.0)));
    }
}
