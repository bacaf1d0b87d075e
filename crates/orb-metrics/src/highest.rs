//! Counters that never go down.
//!
//! In: samples, one scrape after the other. Out: the same, counters at the highest that was told. May touch: nothing.
//! Invariant: who scrapes takes a counter that falls for a program that began anew, and counts all of it once more.

use std::collections::BTreeMap;

use crate::{Kind, Number, Sample};

/// The highest value told of each counter: estimates are corrected, and a commit that fails undoes what was counted.
#[derive(Debug, Default)]
pub struct Highest(BTreeMap<(&'static str, Vec<&'static str>), Number>);

impl Highest {
    /// Raises counters that fell to what was told before. Memory: one number a counter and its labels.
    pub fn raise(&mut self, samples: &mut [Sample]) {
        for sample in samples
            .iter_mut()
            .filter(|one| one.of.kind == Kind::Counter)
        {
            let key = (sample.of.name, sample.labels.clone());
            match self.0.get(&key) {
                Some(told) if is_below(&sample.number, told) => sample.number = told.clone(),
                _ => drop(self.0.insert(key, sample.number.clone())),
            }
        }
    }
}

fn is_below(number: &Number, told: &Number) -> bool {
    match (number, told) {
        (Number::Count(now), Number::Count(told)) => now < told,
        (Number::Real(now), Number::Real(told)) => now < told,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Highest;
    use crate::{CPU, Number, PAGES, SITES, Sample};

    #[test]
    fn counters_stay_where_they_were_and_gauges_follow() {
        let mut highest = Highest::default();
        let mut scrape = |pages, cpu, sites| {
            let mut samples = [
                Sample::count(&PAGES, &[], pages),
                Sample::real(&CPU, &["scan"], cpu),
                Sample::count(&SITES, &["known"], sites),
            ];
            highest.raise(&mut samples);
            samples.map(|sample| match sample.number {
                Number::Count(count) => count as f64,
                Number::Real(number) => number,
                Number::Spread(_) => f64::NAN,
            })
        };
        assert_eq!(scrape(50, 1.5, 9), [50.0, 1.5, 9.0]);
        assert_eq!(scrape(48, 1.25, 7), [50.0, 1.5, 7.0]);
        assert_eq!(scrape(51, 1.75, 8), [51.0, 1.75, 8.0]);
    }
}
