//! The explanation of a URL as text for a terminal.
//!
//! In: an [`Explanation`], the present moment. Out: lines of at most [`COLUMNS`] columns, URLs excepted: they stay
//! whole, to be copied. May touch: nothing.
//! Invariant: no colour, no control character but the line end.

use orb_api::SitePhase;

use crate::attempts::Durability;
use crate::chain::{ChainEnd, Step};
use crate::explanation::{AttemptLine, Explanation};
use crate::limits::COLUMNS;
use crate::rules::Ruling;
use crate::sentence::trouble;
use crate::wording::{Times, count, counted, cut, inert, millis, span, span_ms};

/// Columns of the labels.
pub(crate) const LABEL: usize = 11;

/// Requests of one URL that the text shows.
const ATTEMPTS_SHOWN: usize = 8;

/// Steps of the way to the seed that the text shows.
const STEPS_SHOWN: usize = 10;

/// Lines with a label before them.
#[derive(Default)]
pub(crate) struct Lines(String);

impl Lines {
    /// A line with a label (empty: none), its text wrapped.
    pub(crate) fn put(&mut self, label: &str, text: &str) {
        let mut label = label.to_owned();
        for line in wrapped(&inert(text), COLUMNS - LABEL) {
            self.0.push_str(&format!("{label:<LABEL$}{line}\n"));
            label.clear();
        }
    }

    /// A line as it stands.
    pub(crate) fn raw(&mut self, text: &str) {
        self.0.push_str(text.trim_end());
        self.0.push('\n');
    }

    pub(crate) fn gap(&mut self) {
        self.0.push('\n');
    }

    pub(crate) fn done(self) -> String {
        self.0.trim_end().to_owned()
    }
}

/// Words that stay on the line of the number before them.
const UNITS: [&str; 8] = ["s", "ms", "min", "h", "days", "bytes", "URLs", "pages/s"];

/// Breaks a text at spaces, not between a number and its unit; a word longer than `width` stays whole.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut columns = 0;
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let is_unit = UNITS.contains(&word.trim_end_matches([',', ';', ':', '.', ')']));
        match words.last_mut().filter(|_| is_unit) {
            Some(number) if number.ends_with(|c: char| c.is_ascii_digit()) => {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    for word in words {
        let length = word.chars().count();
        if columns > 0 && columns + 1 + length > width {
            lines.push(std::mem::take(&mut line));
            columns = 0;
        }
        if columns > 0 {
            line.push(' ');
            columns += 1;
        }
        line.push_str(&word);
        columns += length;
    }
    lines.push(line);
    lines
}

impl Explanation {
    /// The text form.
    #[must_use]
    pub fn page(&self, times: &Times<'_>) -> String {
        let mut lines = Lines::default();
        lines.raw(&inert(&self.url));
        for line in wrapped(&self.verdict.sentence, COLUMNS - 2) {
            lines.raw(&format!("  {line}"));
        }
        if let Some(advice) = &self.verdict.advice {
            lines.raw(&format!("  ({advice})"));
        }
        lines.gap();
        self.put_form(&mut lines);
        self.put_way(&mut lines);
        self.put_rules(&mut lines);
        self.put_queue(&mut lines, times);
        self.put_clocks(&mut lines, times);
        self.put_archive(&mut lines, times);
        self.put_text(&mut lines);
        self.put_attempts(&mut lines, times);
        lines.done()
    }

    fn put_form(&self, lines: &mut Lines) {
        let given = &self.given;
        if given.assumed.is_empty() && given.changed.is_empty() {
            lines.put("form", "as given, canonical");
        } else {
            lines.put("form", &format!("given as {}", cut(&given.text, 200)));
            for words in given.assumed.iter().chain(&given.changed) {
                lines.put("", &format!("- {words}"));
            }
        }
        let place = format!(
            "fingerprint {}, site {}, slot {}, partition {}",
            self.fingerprint, self.clocks.site, self.slot, self.partition
        );
        lines.put("", &place);
    }

    fn put_way(&self, lines: &mut Lines) {
        let way = &self.discovery;
        let mut label = "found";
        for step in way.steps.iter().take(STEPS_SHOWN) {
            lines.put(label, &step_text(step));
            label = "";
        }
        let more = way.steps.len().saturating_sub(STEPS_SHOWN);
        if more > 0 {
            lines.put("", &format!("… {more} more (all of them with --json)"));
        }
        match way.end {
            ChainEnd::Seed => {}
            ChainEnd::Robots => lines.put("", "… which the robots.txt of its site names"),
            ChainEnd::Unknown if way.steps.is_empty() => {
                lines.put(
                    label,
                    "not known: links that are not taken are counted, not kept",
                );
            }
            ChainEnd::Unknown => lines.put("", "… how that was found is not known"),
            ChainEnd::Loop => lines.put("", "… which leads back to a URL above"),
            ChainEnd::TooLong => lines.put("", "… and further, to a seed"),
        }
        for (number, step) in self.redirects.iter().enumerate() {
            let label = if number == 0 { "leads to" } else { "" };
            lines.put(label, &format!("{} which {}", step.to, step.kind.phrase()));
        }
    }

    fn put_rules(&self, lines: &mut Lines) {
        let mut label = "rules";
        for rule in &self.rules {
            let mark = match rule.ruling {
                Ruling::Allows => "yes",
                Ruling::Forbids => "NO",
                Ruling::Open => "-",
            };
            let place = rule
                .line
                .map_or_else(String::new, |line| format!("line {line}: "));
            lines.put(
                label,
                &format!("{mark:<3} {:<9} {place}{}", rule.rule, rule.text),
            );
            label = "";
        }
    }

    fn put_queue(&self, lines: &mut Lines, times: &Times<'_>) {
        let sieve = match self.sieve {
            orb_api::SieveFacts::Unseen => "not seen",
            orb_api::SieveFacts::Offered => "offered, waits for the next merge",
            orb_api::SieveFacts::Seen => "seen, let through once",
        };
        lines.put("sieve", sieve);
        let Some(queue) = &self.queue else {
            let state = self.state.as_ref().map(|state| {
                format!(
                    "not queued; {} since {}, after {}",
                    state.state,
                    times.at(state.at_us),
                    counted(u64::from(state.attempts), "attempt")
                )
            });
            return lines.put("queue", &state.unwrap_or_else(|| "not queued".to_owned()));
        };
        let ahead = queue.ahead.map_or_else(
            || "many URLs of its site before it".to_owned(),
            |ahead| format!("{} of its site before it", counted(ahead, "URL")),
        );
        let lane = match queue.lane {
            0 => "retries".to_owned(),
            1 => "seeds".to_owned(),
            lane => format!("depth {}", lane.saturating_sub(2)),
        };
        let place = match queue.place.as_str() {
            "queue" if queue.lane == u8::MAX => format!("in the queue, {ahead}"),
            "queue" => format!("lane {} ({lane}), {ahead}", queue.lane),
            "cold" => "in the cold log: cut by a budget, can be restored".to_owned(),
            "admitted" => "admitted, on its way into the queue".to_owned(),
            "in_flight" => "in flight".to_owned(),
            other => other.to_owned(),
        };
        let attempts = counted(u64::from(queue.attempts), "attempt");
        lines.put("queue", &format!("{place}; {attempts} made"));
        if let Some(earliest) = self.earliest_us {
            lines.put("", &format!("not before {}", times.at(earliest)));
        }
    }

    fn put_clocks(&self, lines: &mut Lines, times: &Times<'_>) {
        let clocks = &self.clocks;
        let phase = match clocks.phase {
            SitePhase::Idle => "idle",
            SitePhase::Waiting => "waits for its clock",
            SitePhase::Ready => "ready",
            SitePhase::Visiting => "being visited",
            SitePhase::Parked => "set aside",
        };
        let mut site = format!("site {phase}");
        if clocks.delay_ms > 0 {
            site.push_str(&format!(
                "; {} between requests: {}",
                span_ms(clocks.delay_ms),
                clocks.because_text
            ));
        }
        lines.put("clocks", &site);
        if let Some(next) = clocks.next_us {
            lines.put("", &format!("may be contacted {}", times.at(next)));
        }
        if clocks.hold_ms > 0 {
            let rest = span_ms(clocks.hold_ms);
            lines.put("", &format!("its Retry-After holds for another {rest}"));
        }
        if let Some(address) = &clocks.address {
            let delay = clocks.address_delay_ms.map_or_else(String::new, |ms| {
                format!(", {} between requests to it", span_ms(ms))
            });
            let group = clocks
                .address_group
                .as_ref()
                .map_or_else(String::new, |group| format!(", group {group}"));
            lines.put("", &format!("address {address}{delay}{group}"));
        }
    }

    fn put_archive(&self, lines: &mut Lines, times: &Times<'_>) {
        let Some(place) = &self.archive else {
            return;
        };
        let offset = count(place.offset);
        lines.put("archive", &format!("{} at byte {offset}", place.file));
        if let Some(record) = &place.record {
            let id = record.id.as_deref().unwrap_or("");
            let kind = format!("{} {id}", record.kind);
            let media = match (&record.content_type, record.status) {
                (Some(media), _) => format!(", {media}"),
                (None, Some(_)) => ", no type declared".to_owned(),
                (None, None) => String::new(),
            };
            let bytes = count(record.block_bytes);
            lines.put("", &format!("{kind}{media}, {bytes} bytes"));
            if let Some(url) = &record.repeats_url {
                let at = record
                    .repeats_at_us
                    .map_or_else(String::new, |at| format!(", captured {}", times.at(at)));
                lines.put("", &format!("repeats {url}{at}"));
            }
            if let Some(why) = &record.body_absent {
                lines.put("", &format!("the body was not kept: {why}"));
            }
        }
        if let Some(digest) = place
            .record
            .as_ref()
            .and_then(|record| record.payload_digest.as_ref())
        {
            lines.put("", digest);
        }
        lines.put("", &format!("see it: {}", place.command));
    }

    /// A page with the same text, where the crawl looked for one.
    fn put_text(&self, lines: &mut Lines) {
        let text = self.attempts.iter().rev().find_map(|one| one.text.as_ref());
        if let Some(same) = text.and_then(|text| text.same_as.as_ref()) {
            let whose = if same.same_site {
                "of its site"
            } else {
                "of another site"
            };
            lines.put("text", &format!("the same as {}, {whose}", same.url));
        }
    }

    fn put_attempts(&self, lines: &mut Lines, times: &Times<'_>) {
        lines.gap();
        if self.attempts.is_empty() && self.robots_attempts.is_empty() {
            return lines.raw("No request was made for it.");
        }
        let shown = self.attempts.len().min(ATTEMPTS_SHOWN);
        let title = match self.attempts_count {
            0 => "No request was made for it; those for its robots.txt, times in ms:".to_owned(),
            all if all as usize > shown => {
                format!("The last {shown} of {} requests, times in ms:", count(all))
            }
            1 => "1 request, times in ms:".to_owned(),
            all => format!("{} requests, times in ms:", count(all)),
        };
        lines.raw(&title);
        lines.raw(TABLE_HEAD);
        let own = self.attempts[self.attempts.len() - shown..].iter();
        let robots = self.robots_attempts.iter().rev().take(1);
        let mut rows: Vec<(&AttemptLine, &str)> = own.map(|attempt| (attempt, "")).collect();
        rows.extend(robots.map(|attempt| (attempt, "robots ")));
        rows.sort_by_key(|(attempt, _)| attempt.at_us);
        for (attempt, before) in rows {
            put_attempt(lines, attempt, before, times);
        }
    }
}

fn step_text(step: &Step) -> String {
    let from = match (step.rank, step.bare_domain) {
        (Some(rank), _) => format!("seed, rank {}", count(u64::from(rank))),
        (None, true) => "seed, a bare domain".to_owned(),
        (None, false) => step.how.clone(),
    };
    let how = if step.how == "seed" {
        from
    } else {
        step.how.clone()
    };
    let hops = if step.hops > 0 {
        format!(", {}", counted(u64::from(step.hops), "hop"))
    } else {
        String::new()
    };
    format!("{how:<9} depth {}{hops}  {}", step.depth, step.url)
}

/// The parts of a request, in the order they happen.
pub(crate) const TABLE_HEAD: &str =
    "  when                 outcome               queue   dns  conn   tls first  body  wait  ours";

/// One request, and a second line where there is more to say.
pub(crate) fn put_attempt(
    lines: &mut Lines,
    attempt: &AttemptLine,
    before: &str,
    times: &Times<'_>,
) {
    let status = attempt
        .status
        .map_or_else(String::new, |status| format!("{status} "));
    let outcome = format!("{before}{status}{}", attempt.outcome);
    let when = (times.local)(orb_env::Wall(attempt.at_us));
    let part = |us: Option<u64>| us.map_or_else(|| "-".to_owned(), millis);
    let parts = attempt.timings.map_or_else(
        || format!("  {} in all; parts not recorded", span(attempt.exchange_us)),
        |t| {
            [
                Some(t.queue_us),
                t.dns_us,
                t.connect_us,
                t.tls_us,
                t.first_byte_us,
                t.body_us,
                Some(t.buffer_wait_us),
                Some(t.ours_us),
            ]
            .map(|us| format!("{:>6}", part(us)))
            .concat()
        },
    );
    lines.raw(&format!("  {when:<20} {:<21}{parts}", cut(&outcome, 21)));
    let mut notes = Vec::new();
    if crate::sentence::is_trouble(attempt.outcome) || attempt.error.is_some() {
        notes.push(trouble(None, attempt.reason, attempt.error.as_deref()));
    }
    if let Some(us) = attempt.retry_after_us {
        notes.push(format!("asked for {} of rest", span(us)));
    }
    match attempt.durability {
        Durability::Committed => {}
        Durability::Uncommitted => notes.push("not committed yet".to_owned()),
        Durability::RolledBack => {
            notes.push("its group was undone: the request was made, its record is gone".to_owned())
        }
    }
    notes.retain(|note| !note.is_empty());
    if !notes.is_empty() {
        lines.raw(&inert(&format!("  {:<20} {}", "", notes.join("; "))));
    }
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_break_at_spaces_but_not_before_a_unit() {
        assert_eq!(
            wrapped("waits in 10 min, then", 11),
            ["waits in", "10 min,", "then"]
        );
        assert_eq!(
            wrapped("a https://long.example/ b", 5),
            ["a", "https://long.example/", "b"]
        );
        assert_eq!(wrapped("", 5), [""]);
    }
}
