//! A forecast in words and tables.
//!
//! In: forecasts, facts. Out: text. May touch: nothing.
//! Invariant: fits 100 columns; what is not known says so; site names never appear, so nothing hostile does.

use orb_plan::{Bound, End, Forecast, Question};

use super::basis::{Basis, Source};
use crate::terminal::{bytes, count};

/// A bound as a person says it.
pub(crate) fn bound_name(bound: Bound) -> &'static str {
    match bound {
        Bound::Politeness => "politeness",
        Bound::Addresses => "shared addresses",
        Bound::InFlight => "requests under way",
        Bound::Cpu => "CPU",
        Bound::Network => "network",
        Bound::Disk => "disk",
        Bound::Rate => "the operator's cap",
    }
}

/// A rate with as many digits as it is worth.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second >= 100.0 {
        count(per_second.round() as u64)
    } else if per_second >= 10.0 {
        format!("{per_second:.1}")
    } else {
        format!("{per_second:.2}")
    }
}

/// A span as a person says it: two units at most.
pub(crate) fn span_text(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    let two = |big: u64, unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{} {unit}", count(big))
        } else {
            format!("{} {unit} {small} {small_unit}", count(big))
        }
    };
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..120 => format!("{whole} s"),
        120..7_200 => two(whole / 60, "min", whole % 60, "s"),
        7_200..172_800 => two(whole / 3_600, "h", whole % 3_600 / 60, "min"),
        _ => two(whole / 86_400, "days", whole % 86_400 / 3_600, "h"),
    }
}

fn counted(number: f64) -> String {
    count(number.round().max(0.0) as u64)
}

/// The head: what is planned and how long it takes.
pub(crate) fn head(forecast: &Forecast) -> String {
    let why = match forecast.end {
        End::Finished => String::new(),
        End::PagesMax => format!(
            ", the pages wanted, of about {}",
            counted(forecast.pages_in_all)
        ),
        End::BytesMax => format!(
            ", when the bytes wanted are had, of about {}",
            counted(forecast.pages_in_all)
        ),
        End::DurationMax => format!(
            ", when the time is over, of about {}",
            counted(forecast.pages_in_all)
        ),
    };
    format!(
        "{} {}, {} pages{why}: {}, bound by {}",
        counted(forecast.sites),
        if forecast.sites < 1.5 {
            "site"
        } else {
            "sites"
        },
        counted(forecast.pages),
        span_text(forecast.seconds),
        bound_name(forecast.binds)
    )
}

/// The ceilings, each with where it comes from.
pub(crate) fn ceilings(forecast: &Forecast, question: &Question) -> String {
    let lowest = forecast
        .ceilings
        .iter()
        .filter(|one| one.pages_per_second.is_some())
        .min_by(|a, b| {
            let value = |one: &orb_plan::Ceiling| one.pages_per_second.unwrap_or(f64::MAX);
            value(a).total_cmp(&value(b))
        })
        .map(|one| one.bound);
    let mut out = String::from("Ceilings while every site has pages            pages/s\n");
    for one in &forecast.ceilings {
        if one.bound == Bound::Rate && one.pages_per_second.is_none() {
            continue;
        }
        let value = one.pages_per_second.map_or_else(|| "?".into(), rate);
        let mark = if Some(one.bound) == lowest {
            "  <- the lowest"
        } else {
            ""
        };
        let why = why(
            one.bound,
            one.pages_per_second.is_some(),
            forecast,
            question,
        );
        out.push_str(&format!(
            "  {:20} {value:>12}   {why}{mark}\n",
            bound_name(one.bound)
        ));
    }
    out
}

fn why(bound: Bound, known: bool, forecast: &Forecast, question: &Question) -> String {
    let rules = &question.rules;
    match bound {
        Bound::Politeness => format!(
            "each site at most once in {} and its exchange",
            super::asking::millis(rules.politeness.site_delay.as_secs_f64())
        ),
        Bound::Addresses => format!(
            "each address once in {} and 100 ms",
            super::asking::millis(rules.politeness.address_delay.as_secs_f64())
        ),
        Bound::InFlight => format!("{} at once", counted(rules.in_flight_max)),
        Bound::Cpu => format!(
            "{} x {} pages a core-second",
            counted(rules.cores),
            rate(forecast_cpu(forecast) / rules.cores.max(1.0))
        ),
        Bound::Network if known => "--bandwidth".into(),
        Bound::Network => "not known: give --bandwidth 100MB".into(),
        Bound::Disk => format!(
            "{} a second, as probed",
            bytes(question.machine.disk_bytes_per_second as u64)
        ),
        Bound::Rate => "politeness.pages_per_second_max, bytes_per_second_max".into(),
    }
}

fn forecast_cpu(forecast: &Forecast) -> f64 {
    let cpu = forecast.ceilings.iter().find(|one| one.bound == Bound::Cpu);
    cpu.and_then(|one| one.pages_per_second).unwrap_or(0.0)
}

/// How it goes: when which share of the pages is had.
pub(crate) fn way(forecast: &Forecast) -> String {
    let mut out =
        String::from("How it goes                pages      pages/s   sites left   bound by\n");
    let times = [0.02, 0.1, 0.25, 0.5, 0.75, 0.999].map(|part| forecast.seconds * part);
    let mut line = |what: String, seconds: f64| {
        let Some(now) = forecast.moment_at(seconds) else {
            return;
        };
        out.push_str(&format!(
            "  after {:14} {:>9} {:>12} {:>12}   {}\n",
            what,
            counted(forecast.pages_at(seconds)),
            rate(now.pages_per_second),
            counted(forecast.sites_left_at(seconds).max(1.0)),
            bound_name(now.bound)
        ));
    };
    if forecast.pages >= 1.0 {
        for seconds in times {
            line(span_text(seconds), seconds);
        }
    }
    let mut shares = Vec::new();
    for one in &forecast.milestones {
        let share = match one.share {
            share if share < 0.6 => "half",
            share if share < 1.0 => "nine tenths",
            _ => "all",
        };
        shares.push(format!("{share} after {}", span_text(one.seconds)));
    }
    out.push_str(&format!("  Of the pages: {}.\n", shares.join(", ")));
    out
}

/// What it needs, beside what there is.
pub(crate) fn needs(forecast: &Forecast, question: &Question, disk_free: Option<u64>) -> String {
    let needs = &forecast.needs;
    let held = if needs.memory_held {
        ", which holds it there"
    } else {
        ""
    };
    let room = disk_free.map_or_else(String::new, |free| {
        let disk = (needs.archive_bytes + needs.other_bytes) as u64;
        let enough = if disk > free { ": NOT ENOUGH" } else { "" };
        format!(", of {} free{enough}", bytes(free))
    });
    format!(
        "Needs\n  cores      {:.2} at the fastest, of {}; {} of CPU time in all\n  memory     {} of {} (memory_max){held}\n  \
         disk       {}: archive {}, index and state {}{room}\n  network    {} received in all, {} a second at the fastest\n  \
         requests   {}, {} of them for robots.txt; {} under way at the fastest\n",
        needs.cores_peak,
        counted(question.rules.cores),
        span_text(needs.cpu_seconds),
        bytes(needs.memory_bytes as u64),
        bytes(question.rules.memory_max_bytes),
        bytes((needs.archive_bytes + needs.other_bytes) as u64),
        bytes(needs.archive_bytes as u64),
        bytes(needs.other_bytes as u64),
        bytes(needs.received_bytes as u64),
        bytes(needs.received_per_second_peak as u64),
        counted(forecast.requests),
        counted(forecast.robots_requests),
        counted(needs.in_flight_peak.ceil()),
    )
}

/// What the forecast rests on.
pub(crate) fn basis(basis: &[Basis]) -> String {
    let mut out = String::from("Rests on\n");
    for one in basis {
        let source = match one.source {
            Source::Given => "given",
            Source::Counted => "counted",
            Source::Settings => "setting",
            Source::Measured => "measured",
            Source::Learnt => "learnt",
            Source::Assumed => "ASSUMED",
        };
        out.push_str(&format!(
            "  {:20} {:>12}   {source}: {}\n",
            one.name, one.value, one.how
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, text) in [
            (0.25, "0.2 s"),
            (59.6, "60 s"),
            (150.0, "2 min 30 s"),
            (7_260.0, "2 h 1 min"),
            (200_000.0, "2 days 7 h"),
            (86_400.0 * 400.0, "400 days"),
        ] {
            assert_eq!(span_text(seconds), text);
        }
    }

    #[test]
    fn rates_have_the_digits_they_are_worth() {
        assert_eq!(
            [rate(0.534), rate(47.0), rate(2_345.4)],
            ["0.53", "47.0", "2,345"]
        );
    }
}
