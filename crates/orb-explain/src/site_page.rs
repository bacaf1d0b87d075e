//! The report of a site as text for a terminal.
//!
//! In: a [`SiteReport`], the present moment. Out: lines of at most [`COLUMNS`](crate::limits::COLUMNS) columns, URLs
//! excepted. May touch: nothing. Invariant: no colour, no control character but the line end.

use orb_api::{SitePhase, SiteSteering};

use crate::explanation::AttemptLine;
use crate::limits::COLUMNS;
use crate::page::{Lines, TABLE_HEAD, put_attempt, wrapped};
use crate::site_report::SiteReport;
use crate::wording::{Times, count, counted, inert, millis, span, span_ms};

impl SiteReport {
    /// The text form.
    #[must_use]
    pub fn page(&self, times: &Times<'_>) -> String {
        let mut lines = Lines::default();
        lines.raw(&inert(&self.site));
        for text in [&self.standing, &self.whose.sentence] {
            for line in wrapped(text, COLUMNS - 2) {
                lines.raw(&format!("  {line}"));
            }
        }
        lines.gap();
        self.put_standing(&mut lines, times);
        self.put_robots(&mut lines, times);
        self.put_parts(&mut lines);
        self.put_recent(&mut lines, times);
        self.put_slowest(&mut lines);
        self.put_failing(&mut lines, times);
        lines.done()
    }

    fn put_standing(&self, lines: &mut Lines, times: &Times<'_>) {
        let facts = &self.facts;
        let phase = match facts.phase {
            SitePhase::Idle => "idle",
            SitePhase::Waiting => "waits for its clock",
            SitePhase::Ready => "ready",
            SitePhase::Visiting => "being visited",
            SitePhase::Parked => "set aside",
        };
        let seeded = if facts.seeded {
            "a seed lies in it"
        } else {
            "no seed lies in it"
        };
        lines.put(
            "site",
            &format!(
                "{phase}; {seeded}; slot {}, partition {}",
                facts.slot, facts.partition
            ),
        );
        let cut = if facts.cold > 0 {
            format!(", {} cut by budgets", count(facts.cold))
        } else {
            String::new()
        };
        lines.put(
            "URLs",
            &format!(
                "{} pending, {} queued ever{cut}",
                count(facts.pending),
                count(facts.queued)
            ),
        );
        self.put_outcomes(lines);
        lines.put("pace", &self.pace);
        let orders = ordered(&facts.orders);
        if !orders.is_empty() {
            lines.put("orders", &orders);
        }
        if let Some(next) = self.clocks.next_us {
            lines.put("clocks", &format!("may be contacted {}", times.at(next)));
        }
        if facts.hold_ms > 0 {
            let rest = span_ms(facts.hold_ms);
            lines.put("", &format!("its Retry-After holds for another {rest}"));
        }
        if let Some(address) = &self.clocks.address {
            let delay = self.clocks.address_delay_ms.unwrap_or(0);
            lines.put(
                "address",
                &format!("{address}, {} between requests to it", span_ms(delay)),
            );
        }
        if let (Some(first), Some(last)) = (self.requests.first_us, self.requests.last_us) {
            lines.put(
                "contacted",
                &format!("from {} to {}", times.at(first), times.at(last)),
            );
        }
    }

    fn put_outcomes(&self, lines: &mut Lines) {
        let outcomes: Vec<String> = self
            .requests
            .outcomes
            .iter()
            .map(|(outcome, number)| format!("{outcome} {}", count(*number)))
            .collect();
        if !outcomes.is_empty() {
            lines.put("outcomes", &outcomes.join(", "));
        }
        if self.requests.rolled_back > 0 {
            let undone = counted(self.requests.rolled_back, "request");
            lines.put(
                "",
                &format!("{undone} beside them made in groups that were undone"),
            );
        }
    }

    fn put_robots(&self, lines: &mut Lines, times: &Times<'_>) {
        let mut label = "robots";
        for copy in self.robots() {
            let standing = copy
                .in_force
                .as_ref()
                .map_or("", |force| force.standing.as_str());
            let what = match standing {
                "rules" => "rules",
                "allow_all" => "no file: everything allowed",
                "unreachable" => "could not be had: nothing allowed",
                _ => "not known yet",
            };
            let mut text = format!("{}: {what}", copy.origin);
            if let Some(ms) = copy.crawl_delay_ms {
                text.push_str(&format!(", crawl-delay {}", span_ms(ms)));
            }
            if copy.fetched_us > 0 {
                text.push_str(&format!(
                    "; read {}, asked for again {}",
                    times.relative(copy.fetched_us),
                    times.relative(copy.expires_us)
                ));
            }
            lines.put(label, &text);
            label = "";
        }
    }

    fn put_parts(&self, lines: &mut Lines) {
        if self.whose.requests == 0 {
            return;
        }
        lines.gap();
        lines.raw(&format!(
            "Where the time of {} went, in ms ({} on kept connections):",
            counted(self.whose.requests, "request"),
            count(self.requests.kept_connections)
        ));
        lines.raw("  part         whose           share    median       p90     times  1ms…16s");
        for part in &self.whose.parts {
            if part.times == 0 {
                continue;
            }
            lines.raw(&format!(
                "  {:<12} {:<14} {:>5.1} % {:>9} {:>9} {:>9}  {}",
                part.part.name(),
                part.whose.name(),
                part.share * 100.0,
                millis(part.median_us),
                millis(part.p90_us),
                count(part.times),
                part.blocks().trim_end()
            ));
        }
        lines.raw(&format!(
            "  {:<12} {:<14} {:>5}   {:>9} {:>9} {:>9}",
            "exchange",
            "",
            "",
            millis(self.exchange_median_us),
            millis(self.exchange_p90_us),
            count(self.requests.requests)
        ));
    }

    fn put_recent(&self, lines: &mut Lines, times: &Times<'_>) {
        if self.requests.recent.is_empty() {
            return;
        }
        lines.gap();
        lines.raw("Its newest requests, times in ms:");
        lines.raw(TABLE_HEAD);
        for attempt in &self.requests.recent {
            let before = if attempt.robots_attempt.is_none() {
                "robots "
            } else {
                ""
            };
            put_attempt(lines, attempt, before, times);
            lines.raw(&format!("  {}", path_of(attempt)));
        }
    }

    fn put_slowest(&self, lines: &mut Lines) {
        if self.requests.slowest.is_empty() {
            return;
        }
        lines.gap();
        lines.raw("Its slowest pages:");
        for page in &self.requests.slowest {
            let first = page.first_byte_us.map_or_else(
                || "-".to_owned(),
                |us| format!("{} to the first byte", span(us)),
            );
            let status = page
                .status
                .map_or_else(|| "-".to_owned(), |status| status.to_string());
            lines.raw(&inert(&format!(
                "  {:>8}  {first:<26} {status:>4}  {}",
                span(page.exchange_us),
                page.url
            )));
        }
    }

    fn put_failing(&self, lines: &mut Lines, times: &Times<'_>) {
        if self.requests.failing.is_empty() {
            return;
        }
        lines.gap();
        lines.raw("Its requests in trouble or refused, by reason:");
        for (reason, failing) in &self.requests.failing {
            let number = counted(failing.requests, "request");
            lines.raw(&format!(
                "  {reason}: {number}, the last {}",
                times.at(failing.last_us)
            ));
            for url in failing.urls.iter().rev() {
                lines.raw(&inert(&format!("    {url}")));
            }
        }
    }
}

/// What orders say of a site, in half sentences.
fn ordered(orders: &SiteSteering) -> String {
    let mut said = Vec::new();
    if let Some(delay) = orders.delay_ms {
        said.push(format!("a pause of {} at least", span_ms(delay)));
    }
    match orders.pages_max {
        Some(0) => said.push("no bound on its pages".to_owned()),
        Some(most) => said.push(format!("{} at most", counted(most, "page"))),
        None => {}
    }
    match orders.priority {
        0 => {}
        steps @ 1.. => said.push(format!("{} ahead of others", counted(steps as u64, "step"))),
        steps => {
            let steps = u64::from(steps.unsigned_abs());
            said.push(format!("{} behind others", counted(steps, "step")));
        }
    }
    said.join("; ")
}

fn path_of(attempt: &AttemptLine) -> String {
    inert(&format!("{:<20} {}", "", attempt.url))
}
