//! A sample: one number of one metric.
//!
//! In: a definition, label values, a number. Out: the same as one value. May touch: nothing.
//! Invariant: labels are those of the definition, in its order; their values are texts of the program itself.

use crate::{Definition, Histogram};

/// What a sample says.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// A count that is whole.
    Count(u64),
    /// Anything else.
    Real(f64),
    /// How often something took how long.
    Spread(Box<Histogram>),
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub(crate) of: &'static Definition,
    pub(crate) labels: Vec<&'static str>,
    pub(crate) number: Number,
}

impl Sample {
    /// A count.
    #[must_use]
    pub fn count(of: &'static Definition, labels: &[&'static str], count: u64) -> Sample {
        Sample::new(of, labels, Number::Count(count))
    }

    /// A number that need not be whole.
    #[must_use]
    pub fn real(of: &'static Definition, labels: &[&'static str], number: f64) -> Sample {
        Sample::new(of, labels, Number::Real(number))
    }

    /// How often something took how long.
    #[must_use]
    pub fn spread(of: &'static Definition, labels: &[&'static str], spread: Histogram) -> Sample {
        Sample::new(of, labels, Number::Spread(Box::new(spread)))
    }

    fn new(of: &'static Definition, labels: &[&'static str], number: Number) -> Sample {
        assert_eq!(labels.len(), of.labels.len(), "labels of {}", of.name);
        Sample {
            of,
            labels: labels.to_vec(),
            number,
        }
    }
}
