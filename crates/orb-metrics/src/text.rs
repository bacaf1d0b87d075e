//! The text that Prometheus reads: OpenMetrics 1.0, or the older format for whoever does not ask for it.
//!
//! In: samples. Out: text. May touch: nothing.
//! Invariant: families come in the order of their definitions, each once, whatever order samples come in.

use std::fmt::{self, Write as _};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use crate::{ALL, BOUNDS, Definition, Histogram, Kind, Number, Sample};

#[derive(Debug)]
struct Samples(Vec<Sample>);

/// OpenMetrics text of these samples.
#[must_use]
pub fn open_metrics(samples: Vec<Sample>) -> String {
    let exemplars = exemplars(&samples);
    let mut out = String::new();
    for line in encoded(samples).lines() {
        let (name, _) = line.split_once("} ").unwrap_or_default();
        let known = exemplars.iter().find(|(of, _)| of == name);
        let text = known.map_or("", |(_, text)| text);
        writeln!(out, "{line}{text}").expect("a string takes any text");
    }
    out
}

fn encoded(samples: Vec<Sample>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Samples(samples)));
    let mut out = String::new();
    text::encode(&mut out, &registry).expect("a string takes any text");
    out
}

/// Names of buckets as they are written, and their exemplars. The library makes exemplars only of histograms that it
/// keeps itself.
fn exemplars(samples: &[Sample]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for sample in samples {
        let Number::Spread(spread) = &sample.number else {
            continue;
        };
        let labels = sample.of.labels.iter().zip(&sample.labels);
        let labels: String = labels
            .map(|(label, value)| format!(",{}=\"{value}\"", label.name))
            .collect();
        let bounds = BOUNDS.iter().map(|bound| format!("{bound:?}"));
        let bounds = bounds.chain(["+Inf".to_owned()]);
        for (bound, exemplar) in bounds.zip(&spread.exemplars) {
            if let Some(one) = exemplar {
                let name = format!("{}_bucket{{le=\"{bound}\"{labels}", sample.of.family());
                let trace: String = one.trace.iter().map(|byte| format!("{byte:02x}")).collect();
                let (seconds, at) = (one.seconds, one.at_us as f64 / 1e6);
                all.push((
                    name,
                    format!(" # {{trace_id=\"{trace}\"}} {seconds} {at:.3}"),
                ));
            }
        }
    }
    all
}

/// The same in the text format 0.0.4: names of counters whole, no units, no end mark.
#[must_use]
pub fn plain_text(samples: Vec<Sample>) -> String {
    let mut out = String::new();
    for line in encoded(samples).lines() {
        if line.starts_with("# UNIT") || line.starts_with("# EOF") {
            continue;
        }
        let counter = line.strip_prefix("# ").and_then(|rest| {
            let (what, rest) = rest.split_once(' ')?;
            let (name, rest) = rest.split_once(' ')?;
            let is_counter = |one: &&&Definition| one.kind == Kind::Counter && one.family() == name;
            ALL.iter().find(is_counter)?;
            Some((what, name, rest))
        });
        let written = match counter {
            Some((what, name, rest)) => writeln!(out, "# {what} {name}_total {rest}"),
            None => writeln!(out, "{line}"),
        };
        written.expect("a string takes any text");
    }
    out
}

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for definition in ALL {
            let samples: Vec<&Sample> = self
                .0
                .iter()
                .filter(|sample| std::ptr::eq(sample.of, *definition))
                .collect();
            if samples.is_empty() {
                continue;
            }
            let unit = match definition.unit {
                "" => None,
                "seconds" => Some(Unit::Seconds),
                "bytes" => Some(Unit::Bytes),
                _ => Some(Unit::Ratios),
            };
            let kind = match definition.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
            };
            let unit = unit.filter(|unit| !matches!(unit, Unit::Ratios));
            let name = match definition.unit {
                "ratio" => definition.family(),
                _ => definition.name.to_owned(),
            };
            let help = definition.help.trim_end_matches('.');
            let mut metric = encoder.encode_descriptor(&name, help, unit.as_ref(), kind)?;
            for sample in samples {
                let labels = definition.labels.iter().map(|label| label.name);
                let labels: Vec<(&str, &str)> = labels.zip(sample.labels.iter().copied()).collect();
                if labels.is_empty() {
                    write_number(&mut metric, definition, &sample.number)?;
                } else {
                    let mut one = metric.encode_family(&labels)?;
                    write_number(&mut one, definition, &sample.number)?;
                }
            }
        }
        Ok(())
    }
}

fn write_number(
    metric: &mut MetricEncoder<'_>,
    of: &Definition,
    number: &Number,
) -> Result<(), fmt::Error> {
    let none = None::<&prometheus_client::metrics::exemplar::Exemplar<NoLabelSet, f64>>;
    match (of.kind, number) {
        (Kind::Counter, Number::Count(count)) => metric.encode_counter(count, none),
        (Kind::Counter, Number::Real(real)) => metric.encode_counter(real, none),
        (_, Number::Count(count)) => metric.encode_gauge(count),
        (_, Number::Real(real)) => metric.encode_gauge(real),
        (_, Number::Spread(spread)) => write_spread(metric, spread),
    }
}

fn write_spread(metric: &mut MetricEncoder<'_>, spread: &Histogram) -> Result<(), fmt::Error> {
    let bounds = BOUNDS.iter().copied().chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(spread.buckets).collect();
    metric.encode_histogram::<NoLabelSet>(spread.sum_seconds, spread.count(), &buckets, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{COMMIT, CPU, PAGES, STAGE, URLS};
    use std::time::Duration;

    fn samples() -> Vec<Sample> {
        let mut spread = Histogram::default();
        spread.note(Duration::from_millis(3));
        spread.note(Duration::from_secs(99));
        vec![
            Sample::spread(&COMMIT, &[], spread),
            Sample::count(&URLS, &["done"], 7),
            Sample::count(&PAGES, &[], 5),
            Sample::count(&URLS, &["failed"], 1),
            Sample::real(&CPU, &["scan"], 1.5),
        ]
    }

    #[test]
    fn families_stand_together_in_the_order_of_their_definitions() {
        let text = open_metrics(samples());
        let lines: Vec<&str> = text.lines().collect();
        let at = |part: &str| {
            lines
                .iter()
                .position(|line| line.starts_with(part))
                .unwrap()
        };
        assert!(at("orb_urls{state=\"done\"} 7") < at("orb_urls{state=\"failed\"} 1"));
        assert!(at("orb_urls{") < at("orb_pages_total 5"));
        assert!(at("# TYPE orb_pages counter") < at("orb_pages_total 5"));
        assert_eq!(
            lines[at("orb_cpu_seconds_total")],
            "orb_cpu_seconds_total{stage=\"scan\"} 1.5"
        );
        assert_eq!(
            lines[at("orb_commit_duration_seconds_bucket{le=\"0.005\"}")],
            "orb_commit_duration_seconds_bucket{le=\"0.005\"} 1"
        );
        assert_eq!(
            lines[at("orb_commit_duration_seconds_bucket{le=\"+Inf\"}")],
            "orb_commit_duration_seconds_bucket{le=\"+Inf\"} 2"
        );
        assert_eq!(*lines.last().unwrap(), "# EOF");
    }

    #[test]
    fn a_bucket_names_the_trace_of_its_last_request() {
        let mut spread = Histogram::default();
        spread.note_traced(
            Duration::from_millis(700),
            [0xab; 16],
            1_795_331_400_250_000,
        );
        spread.note_traced(Duration::from_secs(99), [1; 16], 7_000_000);
        let samples = || vec![Sample::spread(&STAGE, &["first_byte"], spread)];
        let text = open_metrics(samples());
        let trace = "ab".repeat(16);
        let line = format!(
            "orb_request_stage_duration_seconds_bucket{{le=\"1.0\",stage=\"first_byte\"}} 1 # {{trace_id=\"{trace}\"}} 0.7 1795331400.250\n"
        );
        assert!(text.contains(&line), "{text}");
        assert!(
            text.contains("le=\"+Inf\",stage=\"first_byte\"} 2 # {trace_id=\"0101"),
            "{text}"
        );
        assert!(
            !plain_text(samples()).contains("trace_id"),
            "the older format has none"
        );
    }

    #[test]
    fn the_older_format_names_counters_whole() {
        let text = plain_text(samples());
        assert!(
            text.contains("# TYPE orb_pages_total counter\norb_pages_total 5\n"),
            "{text}"
        );
        assert!(text.contains("# HELP orb_cpu_seconds_total "), "{text}");
        assert!(
            !text.contains("# UNIT") && !text.contains("# EOF"),
            "{text}"
        );
    }
}
