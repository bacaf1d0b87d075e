//! What is known about one site.
//!
//! In: facts of the site, its line in the table. Out: lines. May touch: nothing.
//! Invariant: says which of the rests in force is the largest, because that is what one came to find out.

use orb_api::{RobotsFacts, SiteFacts, SiteLine};
use ratatui::text::Line;

use crate::look::Look;
use crate::numbers::{count, span};
use crate::row::{Row, wrap};
use crate::screen::Screen;
use crate::words;

/// The pane, for `width` columns.
pub(crate) fn lines(screen: &Screen, width: u16) -> Vec<Line<'static>> {
    let look = screen.look;
    let name = screen.choice.site.as_deref().unwrap_or_default();
    let mut lines = vec![crate::panels::heading(look, &look.safe(name), width)];
    match (&screen.facts, screen.chosen()) {
        (None, None) => lines.push(
            Row::new(look)
                .label("asking the crawl …".replace('…', look.cut()))
                .done(),
        ),
        (facts, line) => {
            if let Some(facts) = facts {
                lines.extend(of_facts(look, facts));
            }
            if let Some(line) = line {
                lines.extend(of_line(look, line));
            }
            if let Some(facts) = facts {
                lines.extend(robots(look, facts));
            }
        }
    }
    lines.push(Line::default());
    let more = format!(
        "More of it, and in JSON: orb inspect site {}",
        look.safe(name)
    );
    for text in wrap(&more, usize::from(width)) {
        lines.push(Row::new(look).label(text).done());
    }
    lines
}

fn of_facts(look: Look, facts: &SiteFacts) -> Vec<Line<'static>> {
    if !facts.known {
        return vec![
            Row::new(look)
                .plain("The crawl does not know this site.")
                .done(),
        ];
    }
    let state = match facts.parked {
        Some(reason) => Row::headed(look, "state").add(format!("parked: {reason}"), look.bad()),
        None => Row::headed(look, "state")
            .plain(words::site_phase(facts.phase))
            .gap()
            .label(words::next_request(facts.phase, facts.next_in_ms)),
    };
    let mut rest = Row::headed(look, "pause")
        .strong(span(facts.delay_ms as f64))
        .label(" between two requests, because of ")
        .plain(cause(facts));
    if facts.hold_ms > 0 {
        rest = rest.pair("Retry-After asks for", span(facts.hold_ms as f64));
    }
    let asked = facts
        .crawl_delay_ms
        .map_or("none".into(), |ms| span(ms as f64));
    let back_off = match facts.backoff_ms {
        0 => "none".into(),
        ms => span(ms as f64),
    };
    vec![
        state.done(),
        Row::headed(look, "URLs")
            .plain(count(facts.pending))
            .label(" pending  ")
            .plain(count(facts.queued))
            .label(" ever queued  ")
            .plain(count(facts.cold))
            .label(" over the budget  ")
            .label(if facts.seeded {
                "a seed lies here"
            } else {
                "found by links"
            })
            .done(),
        rest.done(),
        Row::headed(look, "")
            .pair("crawl-delay", asked)
            .pair("back-off", back_off)
            .pair("last exchange", span(facts.last_exchange_ms as f64))
            .done(),
        Row::headed(look, "place")
            .pair("slot", facts.slot.to_string())
            .pair("partition", facts.partition.to_string())
            .done(),
    ]
}

/// Which of the rests is the one in force.
fn cause(facts: &SiteFacts) -> &'static str {
    let delay = facts.delay_ms;
    if facts.backoff_ms > 0 && facts.backoff_ms >= delay {
        "back-off after trouble"
    } else if facts
        .crawl_delay_ms
        .is_some_and(|asked| asked >= delay && asked > 0)
    {
        "its robots.txt"
    } else if facts.last_exchange_ms > 0 && delay > facts.last_exchange_ms && is_odd(delay) {
        "its slowness, or the settings"
    } else {
        "the settings"
    }
}

/// Pauses that settings give are round; those that follow from an exchange are not.
fn is_odd(delay_ms: u64) -> bool {
    !delay_ms.is_multiple_of(10)
}

fn of_line(look: Look, line: &SiteLine) -> Vec<Line<'static>> {
    let trouble = if line.troubles > 0 {
        look.bad()
    } else {
        look.plain()
    };
    vec![
        Row::headed(look, "lately")
            .plain(count(line.requests))
            .label(" requests  ")
            .plain(count(line.pages))
            .label(" pages  ")
            .add(count(line.troubles), trouble)
            .label(" in trouble  ")
            .pair("mean exchange", span(line.mean_ms))
            .done(),
        Row::headed(look, "last")
            .plain(match words::last(line) {
                text if text.is_empty() => "no attempt yet".into(),
                text => text,
            })
            .done(),
    ]
}

fn robots(look: Look, facts: &SiteFacts) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (number, copy) in facts.robots.iter().enumerate() {
        let label = if number == 0 { "robots" } else { "" };
        lines.push(robots_of_origin(look, label, copy));
    }
    if lines.is_empty() && facts.known {
        lines.push(Row::headed(look, "robots").plain("no copy kept").done());
    }
    lines
}

fn robots_of_origin(look: Look, label: &str, copy: &RobotsFacts) -> Line<'static> {
    let standing = match copy.in_force.as_ref().map(|force| force.standing.as_str()) {
        Some("rules") => "rules in force".to_owned(),
        Some("allow_all") => "all allowed".to_owned(),
        Some("unreachable") => "out of reach: nothing is fetched".to_owned(),
        Some(other) => look.safe(other),
        None => "not fetched yet".to_owned(),
    };
    let row = Row::headed(look, label)
        .plain(look.safe(&copy.origin))
        .gap()
        .label(standing);
    match copy.crawl_delay_ms {
        Some(ms) => row.pair("crawl-delay", span(ms as f64)),
        None => row,
    }
    .done()
}
