//! The reference page of all metrics, written from their definitions.
//!
//! In: the definitions. Out: Markdown. May touch: nothing. Invariant: nothing in it is written twice.

use std::fmt::Write as _;

use crate::{ALL, BOUNDS, Happening, Severity};

/// The page.
#[must_use]
pub fn reference() -> String {
    let mut out = String::from(
        "# Metrics\n\nWhat `/metrics` tells (`orb crawl --listen`), written from the definitions in `orb-metrics` by \
         `cargo xtask docs`. OpenMetrics for\nwhoever asks for it, else the text format 0.0.4. No label ever holds a URL, \
         a host or anything else that strangers choose.\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n",
    );
    for one in ALL {
        let labels: Vec<String> = one
            .labels
            .iter()
            .map(|label| format!("`{}`: {}", label.name, label.values))
            .collect();
        let (name, kind) = (one.queried(), one.kind.name());
        let labels = labels.join("; ");
        writeln!(out, "| `{name}` | {kind} | {labels} | {} |", one.help)
            .expect("a string takes any text");
    }
    let bounds: Vec<String> = BOUNDS.iter().map(ToString::to_string).collect();
    writeln!(
        out,
        "\nHistograms have `_bucket` with `le` in seconds ({} and `+Inf`), `_sum` and `_count`.",
        bounds.join(", ")
    )
    .expect("a string takes any text");
    out.push_str(
        "\n## Events\n\nEach is a line of the log with this name in its field `event`, and counted by `orb_events_total`.\n\n\
         | event | level | the log says |\n|---|---|---|\n",
    );
    for kind in Happening::ALL {
        let level = match kind.severity() {
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::Error => "error",
        };
        writeln!(out, "| `{}` | {level} | {} |", kind.name(), kind.message())
            .expect("a string takes any text");
    }
    out
}
