//! Quantities that differ from site to site: pages, length of an exchange.
//!
//! In: a mean and how unlike sites are, or the values themselves. Out: the value of each of N sites.
//! May touch: nothing. Invariant: values are positive, and those of N sites have the mean that was asked for.

use serde::{Deserialize, Serialize};

use crate::limits::KINDS_MAX;

/// How a quantity is spread over sites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Log-normal: its logarithm is normal with standard deviation `sigma`. 0 is the same everywhere; 1 lets the
    /// largest of a hundred be 13 times the median.
    LogNormal {
        /// Mean.
        mean: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// These values; sites beyond their number have them again.
    Known(Vec<f64>),
}

impl Spread {
    /// The same for every site.
    #[must_use]
    pub fn same(value: f64) -> Spread {
        Spread::LogNormal {
            mean: value,
            sigma: 0.0,
        }
    }

    /// From the tenth part with the smallest values to the tenth part with the largest.
    #[must_use]
    pub fn between(low: f64, high: f64) -> Spread {
        // The normal distribution has nine tenths below 1.2816 standard deviations.
        let sigma = (high / low).ln().max(0.0) / (2.0 * 1.281_6);
        let median = (low * high).sqrt();
        Spread::LogNormal {
            mean: median * (sigma * sigma / 2.0).exp(),
            sigma,
        }
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Spread::LogNormal { mean, .. } => *mean,
            Spread::Known(values) if values.is_empty() => 0.0,
            Spread::Known(values) => values.iter().sum::<f64>() / values.len() as f64,
        }
    }

    /// The same with nothing above `most`, as a page budget has it.
    #[must_use]
    pub fn capped(&self, most: f64) -> Spread {
        let mut values = self.values(KINDS_MAX);
        values.iter_mut().for_each(|value| *value = value.min(most));
        Spread::Known(values)
    }

    /// The values of `count` kinds of sites, smallest first; their mean is that of the spread.
    pub(crate) fn values(&self, count: usize) -> Vec<f64> {
        let quantile = |at: usize| (at as f64 + 0.5) / count as f64;
        let mut values: Vec<f64> = match self {
            Spread::LogNormal { sigma, .. } => (0..count)
                .map(|at| (sigma * normal_quantile(quantile(at))).exp())
                .collect(),
            Spread::Known(known) => {
                let mut sorted = known.clone();
                sorted.sort_by(f64::total_cmp);
                let last = sorted.len().saturating_sub(1);
                (0..count)
                    .map(|at| {
                        let place = (quantile(at) * sorted.len() as f64) as usize;
                        sorted.get(place.min(last)).copied().unwrap_or(0.0)
                    })
                    .collect()
            }
        };
        let sum: f64 = values.iter().sum();
        if sum > 0.0 {
            let scale = self.mean() * count as f64 / sum;
            values.iter_mut().for_each(|value| *value *= scale);
        }
        values
    }
}

/// The value below which a share `p` of the standard normal distribution lies, to 0.0005 (Abramowitz and Stegun,
/// Handbook of Mathematical Functions, 26.2.23).
fn normal_quantile(p: f64) -> f64 {
    let tail = p.min(1.0 - p).max(1e-12);
    let t = (-2.0 * tail.ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let distance = t - above / below;
    if p < 0.5 { -distance } else { distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_normal_distribution_are_those_of_its_table() {
        for (p, value) in [(0.5, 0.0), (0.9, 1.2816), (0.025, -1.96), (0.999, 3.0902)] {
            assert!((normal_quantile(p) - value).abs() < 0.0006, "{p}");
        }
    }

    #[test]
    fn values_keep_the_mean_that_was_asked_for() {
        let cases = [
            Spread::same(7.0),
            Spread::LogNormal {
                mean: 50.0,
                sigma: 1.5,
            },
            Spread::between(0.1, 2.0),
            Spread::Known(vec![4.0, 1.0, 1.0]),
        ];
        for spread in cases {
            for count in [1, 3, 6, 400] {
                let values = spread.values(count);
                let mean = values.iter().sum::<f64>() / count as f64;
                assert!((mean / spread.mean() - 1.0).abs() < 1e-9, "{spread:?}");
                assert!(values.is_sorted() && values[0] > 0.0, "{values:?}");
            }
        }
    }

    #[test]
    fn a_budget_cuts_the_largest_sites() {
        let sizes = Spread::LogNormal {
            mean: 100.0,
            sigma: 1.5,
        };
        let cut = sizes.capped(150.0);
        assert!(cut.mean() < 70.0, "{}", cut.mean());
        assert!(cut.values(50).iter().all(|pages| *pages <= 151.0));
    }

    #[test]
    fn known_values_are_told_as_they_are() {
        assert_eq!(Spread::Known(vec![30.0, 10.0]).values(2), [10.0, 30.0]);
        assert_eq!(
            Spread::Known(vec![30.0, 10.0]).values(4),
            [10.0, 10.0, 30.0, 30.0]
        );
    }

    #[test]
    fn a_range_runs_from_the_fast_tenth_to_the_slow_tenth() {
        let values = Spread::between(0.2, 2.0).values(1_000);
        assert!((values[100] - 0.2).abs() < 0.01, "{}", values[100]);
        assert!((values[900] - 2.0).abs() < 0.1, "{}", values[900]);
    }
}
